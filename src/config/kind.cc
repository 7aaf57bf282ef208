#include "config/kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "config/scalars.h"
#include "core/several.h"

namespace docktor {

namespace {

const KindKeys* named(std::span<const KindKeys* const> kinds, std::string_view name) {
  const auto it = std::ranges::find_if(kinds, [&](const KindKeys* k) { return k->name == name; });
  return it == kinds.end() ? nullptr : *it;
}

bool has_key(const KindKeys& kind, std::string_view key) {
  return std::ranges::any_of(kind.keys, [&](const Knob& k) { return k.key == key || k.file_key == key; });
}

// "stream is a key of kind nats, and this queue is of kind rabbitmq, which has queue, vhost; ..."
std::string of_another_kind(const KindSort& sort, const KindKeys& kind, std::string_view key) {
  std::vector<std::string_view> others, own;
  for (const auto* k : sort.kinds) {
    if (k != &kind && has_key(*k, key)) others.push_back(k->name);
  }
  if (others.empty()) return {};
  const auto* other = named(sort.kinds, others.front());
  for (const auto& k : kind.keys) {
    if (!has_key(*other, k.key)) own.push_back(k.key);
  }
  return fmt::format(
      "{} is a key of kind {}, and this {} is of kind {}, which has {}; write kind: {}, or "
      "leave it out",
      key, fmt::join(others, " and "), sort.word, kind.name, fmt::join(own, ", "), others.front());
}

// `kind:` is read before the other keys, for it says which there may be.
const KindKeys* kind_of(ConfigContext& context, const KindSort& sort, const Knob& knob,
                        const YamlNode* node) {
  const auto* entry = node ? node->find("kind") : nullptr;
  if (!entry) return named(sort.kinds, knob.standard);
  const auto text = scalar_text(context, entry->value, knob.key, allowed(knob));
  if (!text) return nullptr;
  const auto name = text_of(knob, *text, shown_text(entry->value, *text));
  if (!name) {
    context.mistakes.add(entry->value.at, name.error().message);
    return nullptr;
  }
  return named(sort.kinds, *name);
}

class KeyReader {
 public:
  KeyReader(ConfigContext& context, const KindSort& sort, KindReader& into)
      : context_(context), sort_(sort), into_(into) {}

  void key(const Knob& knob) {
    if (knob.type == KnobType::kSection) {
      inner(knob);
      return;
    }
    auto value = into_.section.setting(knob);
    if (!value && knob.whole_file && !into_.section.entry(knob.key)) {
      const auto it = context_.whole_file.find(knob.key);
      if (it != context_.whole_file.end()) value = it->second;
    }
    // What a user wrote goes before a default, wherever the two stand.
    const bool better = value && value->given && !into_.given(knob.key);
    if (value && (better || !into_.settings.has(knob.key))) take(knob.key, std::move(*value));
  }

 private:
  void take(std::string_view name, Read<Setting> value) {
    if (value.given) into_.givens.emplace(name, KindReader::Given{value.place, std::move(value.shown)});
    into_.settings.set(name, std::move(value.value));
  }

  void inner(const Knob& knob) {
    const auto* node = into_.section.section(knob.key);
    if (!node) return;
    KnobTable table{.path = fmt::format("{}{}.", sort_.path, knob.key), .title = std::string(knob.key)};
    for (const auto& k : knob.inner()) table.knobs.push_back(&k);
    Section section(context_, std::move(table), *node);
    for (const auto& k : knob.inner()) {
      const auto flat = fmt::format("{}_{}", knob.key, k.key);
      if (into_.section.entry(flat) && section.entry(k.key)) {
        context_.mistakes.add(
            std::max(into_.section.key_at(flat), section.key_at(k.key)),
            fmt::format("both {} and {}.{} are written; write one of them", flat, knob.key, k.key));
      }
      if (auto value = section.setting(k)) take(flat, std::move(*value));
    }
  }

  ConfigContext& context_;
  const KindSort& sort_;
  KindReader& into_;
};

// One of several queues: what the file calls it, else its own name.
void read_name(Section& section, ReadKind& into) {
  into.name_at = section.at();
  if (const auto name = section.text("name")) {
    into.name_at = name->place.position;
    if (is_queue_name(name->value))
      into.name = name->value;
    else
      section.context().mistakes.add(
          name->place,
          fmt::format("{} cannot name a queue; allowed: 1 to 63 letters, digits, _ and -", name->shown));
    return;
  }
  for (auto keys = into.kind->named_by; !keys.empty() && into.name.empty();) {
    const auto end = std::min(keys.find('|'), keys.size());
    if (auto own = into.settings.text(keys.substr(0, end)); is_queue_name(own)) into.name = std::move(own);
    keys.remove_prefix(std::min(end + 1, keys.size()));
  }
}

}  // namespace

std::string KindReader::quoted(std::string_view key) const {
  const auto it = givens.find(key);
  return it == givens.end() ? std::string() : it->second.shown;
}

void KindReader::mistake(std::string_view key, std::string message) {
  const auto it = givens.find(key);
  const auto place = it == givens.end() ? Place::in_file(section.at()) : it->second.place;
  section.context().mistakes.add(place, std::move(message));
}

const KindKeys* Kinds::queue(std::string_view name) const { return named(queues, name); }
Untold Kinds::untold(const QueueSpec& spec) const {
  const auto* kind = queue(spec.kind);
  return kind && kind->untold ? kind->untold(spec.settings) : Untold{};
}
const KindKeys* Kinds::target(std::string_view name) const { return named(targets, name); }

KindSort queue_sort(const Kinds& kinds) { return {"queue", "services[].queue.", kinds.queues}; }
KindSort queues_sort(const Kinds& kinds) {
  static constexpr Knob kName = {
      .key = "name",
      .type = KnobType::kText,
      .meaning =
          "What rules, status and metrics call it, as in queue.NAME.backlog: letters, digits, _ and -; the "
          "default is the queue's own name where that is one.",
      .least = 1,
      .most = 63};
  return {"queue", "services[].queues[].", kinds.queues, &kName};
}
KindSort target_sort(const Kinds& kinds) { return {"target", "services[].target.", kinds.targets}; }

std::vector<const Knob*> whole_file_knobs(const Kinds& kinds) {
  std::vector<const Knob*> out;
  for (const auto& sort : {queue_sort(kinds), target_sort(kinds)}) {
    for (const auto* kind : sort.kinds) {
      for (const auto& k : kind->keys) {
        const bool there = std::ranges::any_of(out, [&](const Knob* o) { return o->key == k.key; });
        if (k.whole_file && !there) out.push_back(&k);
      }
    }
  }
  return out;
}

KindKnob::KindKnob(const KindSort& sort) {
  for (const auto* k : sort.kinds) {
    meaning += fmt::format("{}{}: {}", meaning.empty() ? "" : "; ", k->name, k->meaning);
    choices += fmt::format("{}{}", choices.empty() ? "" : "|", k->name);
    if (k->implied) implied = k->name;
  }
  meaning += ".";
  knob = {.key = "kind",
          .type = KnobType::kText,
          .meaning = meaning,
          .standard = implied,
          .choices = choices,
          .required = implied.empty()};
}

ReadKind read_kind(ConfigContext& context, const KindSort& sort, const YamlNode* node, std::string service,
                   Position service_at) {
  const KindKnob kind_knob(sort);
  const auto* kind = kind_of(context, sort, kind_knob.knob, node);
  if (!kind) return {};  // mistaken: what the other keys mean is not known
  const YamlNode empty{.kind = YamlNode::Kind::kMap, .at = service_at};
  KnobTable table{.path = std::string(sort.path), .title = std::string(sort.word)};
  table.knobs.push_back(&kind_knob.knob);
  if (sort.name) table.knobs.push_back(sort.name);
  for (const auto& k : kind->keys) table.knobs.push_back(&k);
  Section section(context, std::move(table), node ? *node : empty,
                  [&](std::string_view key) { return of_another_kind(sort, *kind, key); });
  ReadKind out{.kind = kind};
  KindReader reader{section, out.settings, std::move(service), service_at, {}, {}, {}};
  KeyReader keys(context, sort, reader);
  for (const auto& k : kind->keys) keys.key(k);
  if (kind->check) kind->check(reader);
  out.identity = std::move(reader.identity);
  out.shown = std::move(reader.shown);
  if (sort.name) read_name(section, out);
  return out;
}

}  // namespace docktor
