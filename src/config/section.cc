#include "config/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "config/files.h"
#include "config/interpolate.h"
#include "config/kind.h"
#include "config/scalars.h"
#include "core/text.h"

namespace docktor {

namespace {

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a text";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

bool has(std::span<const Knob> table, std::string_view key) {
  return std::ranges::any_of(table, [&](const Knob& k) { return k.key == key || k.file_key == key; });
}

void add_places(const KindSort& sort, std::string_view key, std::vector<std::string>& out) {
  const auto add = [&](std::string place) {
    if (std::ranges::find(out, place) == out.end()) out.push_back(std::move(place));
  };
  if (key == "kind") add(fmt::format("{}kind", sort.path));
  for (const auto* kind : sort.kinds) {
    for (const auto& k : kind->keys) {
      const bool here = k.key == key || k.file_key == key;
      if (here && k.whole_file) add(std::string(key));
      if (here) add(fmt::format("{}{}", sort.path, key));
      if (has(k.inner(), key)) add(fmt::format("{}{}.{}", sort.path, k.key, key));
    }
  }
}

// Where a key that is known, but not here, belongs: "services[].queue.kind", "services[].target.kind".
std::vector<std::string> places_of(const Kinds& kinds, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& k : knobs()) {
    if (k.key != key && k.file_key != key) continue;
    // A knob of several forms is named by the form that people write: a service, not the legacy scaling.
    const bool of_service = (k.forms & kService) != 0;
    const auto form = of_service ? kService : static_cast<Form>(k.forms & (~k.forms + 1));
    out.push_back(fmt::format("{}{}", table_of(form).path, key));
  }
  add_places(queue_sort(kinds), key, out);
  add_places(target_sort(kinds), key, out);
  return out;
}

}  // namespace

std::optional<std::string> scalar_text(ConfigContext& context, const YamlNode& node, std::string_view what,
                                       std::string_view right) {
  if (node.kind == YamlNode::Kind::kNull) {
    context.mistakes.add(node.at, fmt::format("{} has no value; allowed: {}", what, right));
    return std::nullopt;
  }
  if (node.kind != YamlNode::Kind::kScalar) {
    context.mistakes.add(node.at, fmt::format("{} is {}; allowed: {}", what, kind_name(node.kind), right));
    return std::nullopt;
  }
  auto text = interpolate(node.text, context.env);
  if (!text) {
    context.mistakes.add(node.at, fmt::format("{}: {}", what, text.error().message));
    return std::nullopt;
  }
  if (text->find('\0') != std::string::npos) {
    context.mistakes.add(node.at, fmt::format("{} has a NUL character; allowed: text", what));
    return std::nullopt;
  }
  return std::move(*text);
}

std::string shown_text(const YamlNode& node, std::string_view value) {
  return node.text == value ? in_quotes(value) : in_quotes(node.text) + " (its value is not shown)";
}

std::optional<Read<std::string>> override_of(const ConfigContext& context, const Knob& knob) {
  const auto& flags = context.flags;
  for (const auto& [flag, value] :
       {std::pair{"--service", &flags.service}, std::pair{"--interval", &flags.interval}}) {
    if (knob.flag == flag && *value)
      return Read<std::string>{**value, Place::named(flag), true, in_quotes(**value)};
  }
  if (const auto it = flags.of_kinds.find(knob.flag); !knob.flag.empty() && it != flags.of_kinds.end())
    return Read<std::string>{it->second, Place::named(it->first), true, in_quotes(it->second)};
  if (knob.variable.empty()) return std::nullopt;
  const auto found = context.env.find(std::string(knob.variable));
  if (found == context.env.end() || found->second.empty()) return std::nullopt;
  return Read<std::string>{found->second, Place::named(found->first), true, in_quotes(found->second)};
}

Section::Section(ConfigContext& context, KnobTable table, const YamlNode& node, const Explain& explain)
    : context_(context), table_(std::move(table)), node_(node) {
  assert(node.kind == YamlNode::Kind::kMap);
  check_keys(explain);
}

namespace {

KnobTable titled(KnobTable table, std::string title) {
  if (!title.empty()) table.title = std::move(title);
  return table;
}

}  // namespace

Section::Section(ConfigContext& context, Form form, const YamlNode& node, std::string title)
    : Section(context, titled(table_of(form), std::move(title)), node) {}

const Knob& Section::knob(std::string_view key) const {
  const auto* k = table_.find(key);
  assert(k != nullptr);
  return *k;
}

void Section::check_keys(const Explain& explain) {
  const auto keys = table_.keys();
  for (const auto& e : node_.entries) {
    if (std::ranges::find(keys, e.key) != keys.end()) continue;
    if (table_.takes_extensions && e.key.starts_with("x-")) continue;
    if (auto why = explain ? explain(e.key) : std::string(); !why.empty()) {
      context_.mistakes.add(e.key_at, std::move(why));
      continue;
    }
    std::string cure;
    if (const auto elsewhere = places_of(context_.kinds, e.key); !elsewhere.empty()) {
      cure = fmt::format("it is {}", fmt::join(elsewhere, " or "));
    } else if (const auto near = did_you_mean(e.key, keys)) {
      cure = fmt::format("did you mean {}?", *near);
      misspelt_.insert(*near);
    } else {
      cure = fmt::format("allowed: {}", fmt::join(keys, ", "));
    }
    context_.mistakes.add(e.key_at, fmt::format("unknown key {} in {}; {}", in_quotes(e.key), title(), cure));
  }
}

Position Section::key_at(std::string_view key) const {
  const auto* e = entry(key);
  return e ? e->key_at : node_.at;
}

void Section::missing(std::string_view key) {
  if (misspelt_.contains(key)) return;
  context_.mistakes.add(node_.at,
                        fmt::format("{} is missing in {}; allowed: {}", key, title(), allowed(knob(key))));
}

std::optional<Read<std::string>> Section::file_value(const Knob& knob) {
  const auto* e = entry(knob.key);
  if (!e) return std::nullopt;
  auto text = scalar_text(context_, e->value, knob.key, allowed(knob));
  if (!text) return std::nullopt;
  auto shown = shown_text(e->value, *text);
  return Read<std::string>{std::move(*text), Place::in_file(e->value.at), true, std::move(shown)};
}

template <class T>
std::optional<Read<T>> Section::read(std::string_view key,
                                     Result<T> (*parse)(const Knob&, std::string_view, std::string_view)) {
  const auto& k = knob(key);
  std::optional<Read<T>> out;
  const auto take = [&](const std::optional<Read<std::string>>& from) {
    if (!from) return;
    auto value = parse(k, from->value, from->shown);
    if (value)
      out = Read<T>{std::move(*value), from->place, true, from->shown};
    else
      context_.mistakes.add(from->place, value.error().message);
  };
  take(file_value(k));  // a mistake in the file is one even where something overrides it
  const auto over = override_of(context_, k);
  take(over);
  if (out || entry(key) || over) return out;
  if (k.required) {
    missing(key);
  } else if (!k.standard.empty()) {
    auto value = parse(k, k.standard, {});
    assert(value);
    return Read<T>{std::move(*value), Place::in_file(node_.at), false, in_quotes(k.standard)};
  }
  return std::nullopt;
}

std::optional<Read<int>> Section::integer(std::string_view key) { return read<int>(key, integer_of); }
std::optional<Read<double>> Section::number(std::string_view key) { return read<double>(key, number_of); }
std::optional<Read<double>> Section::percent(std::string_view key) { return read<double>(key, percent_of); }
std::optional<Read<bool>> Section::boolean(std::string_view key) { return read<bool>(key, bool_of); }
std::optional<Read<Duration>> Section::duration(std::string_view key) {
  return read<Duration>(key, duration_of);
}
std::optional<Read<std::string>> Section::text(std::string_view key) {
  return read<std::string>(key, text_of);
}

std::optional<Read<std::string>> Section::path(std::string_view key) {
  auto p = text(key);
  if (!p || p->value.empty()) return std::nullopt;
  if (p->value == "~" || p->value.starts_with("~/")) {
    context_.mistakes.add(p->place,
                          fmt::format("{} begins with ~, which only a shell replaces; write ${{HOME}}", key));
    return std::nullopt;
  }
  const bool as_written = p->shown == in_quotes(p->value);
  p->value = path_under(p->place.name.empty() ? context_.folder : context_.cwd, p->value);
  if (as_written) p->shown = in_quotes(p->value);
  return p;
}

std::optional<Read<std::string>> Section::readable_file(std::string_view key) {
  auto p = path(key);
  if (!p) return std::nullopt;
  if (const auto readable = check_readable_file(p->value); !readable) {
    context_.mistakes.add(
        p->place, fmt::format("{} {} cannot be read: {}; name a file that this user may read", key, p->shown,
                              readable.error().message));
    return std::nullopt;
  }
  return p;
}

std::optional<Read<std::string>> Section::secret_from_file(const Knob& knob) {
  const auto* e = entry(knob.file_key);
  if (!e) return std::nullopt;
  const auto name = scalar_text(context_, e->value, knob.file_key, "a path");
  if (!name || name->empty()) return std::nullopt;
  const auto file = path_under(context_.folder, *name);
  const auto shown = e->value.text == *name ? in_quotes(file) : shown_text(e->value, *name);
  auto content = read_small_file(file, kMaxSecretBytes);
  if (!content) {
    context_.mistakes.add(e->value.at,
                          fmt::format("{} {} cannot be read: {}; name a file that this user may read",
                                      knob.file_key, shown, content.error().message));
    return std::nullopt;
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // an editor's, never a password's
  if (content->starts_with(kByteOrderMark)) content->erase(0, kByteOrderMark.size());
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r')) content->pop_back();
  if (content->empty() || content->find('\0') != std::string::npos) {
    context_.mistakes.add(e->value.at,
                          fmt::format("{} {} is {}; name a file with one line of text", knob.file_key, shown,
                                      content->empty() ? "empty" : "not a text"));
    return std::nullopt;
  }
  return Read<std::string>{std::move(*content), Place::in_file(e->value.at), true};
}

std::optional<Read<Secret>> Section::secret(std::string_view key) {
  const auto& k = knob(key);
  auto value = text(key);
  auto from_file = secret_from_file(k);
  const auto* file_entry = entry(k.file_key);
  if (entry(key) && file_entry) {
    context_.mistakes.add(std::max(entry(key)->key_at, file_entry->key_at),
                          fmt::format("both {} and {} are written; write one of them", key, k.file_key));
  }
  const bool overridden = value && !value->place.name.empty();
  if (from_file && !overridden) value = std::move(from_file);
  if (!value || value->value.empty()) return std::nullopt;
  return Read<Secret>{Secret{std::move(value->value)}, value->place, true};
}

// "rules is a list; allowed: a map"
void Section::refuse_kind(const Knob& knob, const YamlNode& value) {
  std::string is = fmt::format("is {}", kind_name(value.kind));
  if (value.kind == YamlNode::Kind::kNull) is = "has no value";
  if (value.kind == YamlNode::Kind::kList) is = fmt::format("is a list of {}", value.items.size());
  context_.mistakes.add(value.at, fmt::format("{} {}; allowed: {}", knob.key, is, allowed(knob)));
}

const YamlNode* Section::section(std::string_view key) {
  const auto* e = entry(key);
  if (!e) return nullptr;
  if (e->value.kind == YamlNode::Kind::kMap) return &e->value;
  refuse_kind(knob(key), e->value);
  return nullptr;
}

const YamlNode* Section::list(std::string_view key) {
  const auto& k = knob(key);
  const auto* e = entry(key);
  if (!e) return nullptr;
  const auto size = static_cast<double>(e->value.items.size());
  if (e->value.kind == YamlNode::Kind::kList && size >= k.least && size <= k.most) return &e->value;
  refuse_kind(k, e->value);
  return nullptr;
}

std::optional<Read<std::vector<std::string>>> Section::texts(std::string_view key) {
  const auto* items = list(key);
  if (!items) return std::nullopt;
  Read<std::vector<std::string>> out{{}, Place::in_file(items->at), true};
  for (const auto& item : items->items) {
    auto text = scalar_text(context_, item, fmt::format("an item of {}", key), "a text");
    if (text) out.value.push_back(std::move(*text));
  }
  if (out.value.size() != items->items.size()) return std::nullopt;
  return out;
}

std::optional<Read<CommandLine>> Section::command(std::string_view key) {
  const auto* e = entry(key);
  if (!e) {
    if (knob(key).required) missing(key);
    return std::nullopt;
  }
  const auto right = allowed(knob(key));
  const auto place = Place::in_file(e->value.at);
  if (e->value.kind == YamlNode::Kind::kList) {
    auto words = texts(key);
    if (words && words->value[0].empty())
      context_.mistakes.add(place, fmt::format("{} begins with an empty text; write the program first", key));
    if (!words) return std::nullopt;
    CommandLine command{std::move(words->value), {}};
    for (const auto& item : e->value.items) command.shown.push_back(item.text);
    return Read<CommandLine>{std::move(command), place, true};
  }
  const auto text = scalar_text(context_, e->value, key, right);  // a map or nothing: says so
  if (!text) return std::nullopt;
  if (text->find_first_not_of(" \t\r\n") == std::string::npos)
    context_.mistakes.add(place, fmt::format("{} is empty; allowed: {}", key, right));
  return Read<CommandLine>{{{"/bin/sh", "-c", *text}, {"/bin/sh", "-c", e->value.text}}, place, true};
}

namespace {

// NAME: value and NAME=value; the same name twice is a mistake.
class PairReader {
 public:
  PairReader(ConfigContext& context, std::string_view key) : context_(context), key_(key) {}

  void entry(const YamlEntry& e) {
    auto value = scalar_text(context_, e.value, fmt::format("variable {}", in_quotes(e.key)), "a text");
    if (value) add(e.key_at, e.key, std::move(*value), in_quotes(e.key));
  }

  void item(const YamlNode& node) {
    const auto text = scalar_text(context_, node, fmt::format("an item of {}", key_), "NAME=value");
    if (!text) return;
    const auto equals = text->find('=');
    if (equals == std::string::npos) {
      context_.mistakes.add(node.at, fmt::format("an item of {} has no =; allowed: NAME=value", key_));
    } else {
      const auto name = text->substr(0, equals);
      const YamlNode written{.text = node.text.substr(0, node.text.find('='))};
      add(node.at, name, text->substr(equals + 1), shown_text(written, name));
    }
  }

  Pairs pairs;

 private:
  // `shown` is the name as a mistake may repeat it.
  void add(Position at, const std::string& name, std::string value, const std::string& shown) {
    if (name.empty() || name.find_first_of("= \t\n") != std::string::npos) {
      context_.mistakes.add(at,
                            fmt::format("{} cannot name a variable; allowed: letters, digits and _", shown));
    } else if (!pairs.emplace(name, std::move(value)).second) {
      context_.mistakes.add(at, fmt::format("variable {} is written twice; write it once", shown));
    }
  }

  ConfigContext& context_;
  std::string_view key_;
};

}  // namespace

std::optional<Read<Pairs>> Section::pairs(std::string_view key) {
  const auto* e = entry(key);
  if (!e) return std::nullopt;
  const auto limit = static_cast<std::size_t>(knob(key).most);
  PairReader reader(context_, key);
  if (e->value.entries.size() > limit || e->value.items.size() > limit) {
    context_.mistakes.add(e->value.at,
                          fmt::format("{} has too many variables; allowed: at most {}", key, limit));
  } else if (e->value.kind == YamlNode::Kind::kMap) {
    for (const auto& pair : e->value.entries) reader.entry(pair);
  } else if (e->value.kind == YamlNode::Kind::kList) {
    for (const auto& item : e->value.items) reader.item(item);
  } else {
    const bool none = e->value.kind == YamlNode::Kind::kNull;
    context_.mistakes.add(e->value.at, fmt::format("{} {}; allowed: {}", key,
                                                   none ? "has no value" : "is a text", allowed(knob(key))));
  }
  return Read<Pairs>{std::move(reader.pairs), Place::in_file(e->value.at), true};
}

namespace {

template <class As, class T>
std::optional<Read<Setting>> as_setting(std::optional<Read<T>> read) {
  if (!read) return std::nullopt;
  return Read<Setting>{Setting(As{std::move(read->value)}), read->place, read->given, std::move(read->shown)};
}

template <class As, class T>
std::optional<Read<Setting>> unless_empty(std::optional<Read<T>> read) {
  if (!read || read->value.empty()) return std::nullopt;
  return as_setting<As>(std::move(read));
}

}  // namespace

std::optional<Read<Setting>> Section::setting(const Knob& k) {
  switch (k.type) {
    case KnobType::kInteger:
      return as_setting<int>(integer(k.key));
    case KnobType::kNumber:
      return as_setting<double>(number(k.key));
    case KnobType::kPercent:
      return as_setting<double>(percent(k.key));
    case KnobType::kDuration:
      return as_setting<Duration>(duration(k.key));
    case KnobType::kBool:
      return as_setting<bool>(boolean(k.key));
    case KnobType::kText:
      if (k.secret) return as_setting<Secret>(secret(k.key));
      return unless_empty<std::string>(text(k.key));
    case KnobType::kUrl:
      return unless_empty<Url>(text(k.key));
    case KnobType::kPath:
      return as_setting<std::string>(k.readable ? readable_file(k.key) : path(k.key));
    case KnobType::kList:
      return unless_empty<std::vector<std::string>>(texts(k.key));
    case KnobType::kCommand:
      return as_setting<CommandLine>(command(k.key));
    case KnobType::kPairs:
      return unless_empty<Pairs>(pairs(k.key));
    case KnobType::kSection:
    case KnobType::kSections:
      break;
  }
  return std::nullopt;
}

std::optional<std::vector<const YamlNode*>> Section::sections(std::string_view key) {
  const auto* items = list(key);
  if (!items) return std::nullopt;
  std::vector<const YamlNode*> out;
  for (const auto& item : items->items) {
    if (item.kind == YamlNode::Kind::kMap) {
      out.push_back(&item);
    } else {
      context_.mistakes.add(item.at,
                            fmt::format("an item of {} is {}; allowed: a map", key, kind_name(item.kind)));
    }
  }
  return out;
}

}  // namespace docktor
