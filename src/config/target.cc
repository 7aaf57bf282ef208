// Where the replicas of a service live.
#include <fmt/format.h>

#include <map>
#include <string_view>

#include "config/files.h"
#include "config/parts.h"

namespace docktor {

namespace {

// A key of the other kind would be silently without effect.
void check_kinds(Section& from, std::string_view kind) {
  for (const auto& k : knobs()) {
    if ((k.forms & kTarget) == 0 || k.kind.empty() || k.kind == kind) continue;
    if (const auto* e = from.entry(k.key)) {
      from.context().mistakes.add(e->key_at,
                                  fmt::format("{} is for a target of kind {}, and this one is of kind {}; "
                                              "write kind: {}, or leave it out",
                                              k.key, k.kind, kind, k.kind));
    }
  }
}

void read_command(Section& from, TargetSpec& target) {
  auto& context = from.context();
  const auto* e = from.entry("command");
  constexpr std::string_view kAllowed = "a list of program and arguments, or one text for /bin/sh -c";
  if (!e) {
    context.mistakes.add(from.at(),
                         fmt::format("command is missing in {}; allowed: {}", from.title(), kAllowed));
    return;
  }
  if (e->value.kind == YamlNode::Kind::kScalar) {
    const auto text = scalar_text(context, e->value, "command", kAllowed);
    if (!text) return;
    if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
      context.mistakes.add(e->value.at, fmt::format("command is empty; allowed: {}", kAllowed));
    }
    target.command = {"/bin/sh", "-c", *text};
    return;
  }
  if (e->value.kind == YamlNode::Kind::kList) {
    if (const auto words = from.texts("command")) {
      target.command = words->value;
      if (target.command[0].empty()) {
        context.mistakes.add(e->value.at, "command begins with an empty text; write the program first");
      }
    }
    return;
  }
  (void)scalar_text(context, e->value, "command", kAllowed);  // a map or nothing: says so
}

// `shown` is the name as a mistake may repeat it.
void add_variable(Section& from, TargetSpec& target, Position at, const std::string& name, std::string value,
                  const std::string& shown) {
  if (name.empty() || name.find_first_of("= \t\n") != std::string::npos) {
    from.context().mistakes.add(
        at, fmt::format("{} cannot name a variable; allowed: letters, digits and _", shown));
  } else if (!target.environment.emplace(name, std::move(value)).second) {
    from.context().mistakes.add(at, fmt::format("variable {} is written twice; write it once", shown));
  }
}

void read_environment(Section& from, TargetSpec& target) {
  auto& context = from.context();
  const auto* e = from.entry("environment");
  if (!e) return;
  const auto* knob = find_knob(kTarget, "environment");
  const auto limit = static_cast<std::size_t>(knob->most);
  if (e->value.entries.size() > limit || e->value.items.size() > limit) {
    context.mistakes.add(e->value.at,
                         fmt::format("environment has too many variables; allowed: at most {}", limit));
  } else if (e->value.kind == YamlNode::Kind::kMap) {
    for (const auto& pair : e->value.entries) {
      auto value =
          scalar_text(context, pair.value, fmt::format("variable {}", in_quotes(pair.key)), "a text");
      if (value) add_variable(from, target, pair.key_at, pair.key, std::move(*value), in_quotes(pair.key));
    }
  } else if (e->value.kind == YamlNode::Kind::kList) {
    for (const auto& item : e->value.items) {
      const auto text = scalar_text(context, item, "an item of environment", "NAME=value");
      if (!text) continue;
      const auto equals = text->find('=');
      if (equals == std::string::npos) {
        context.mistakes.add(item.at, "an item of environment has no =; allowed: NAME=value");
      } else {
        const auto name = text->substr(0, equals);
        const YamlNode written{.text = item.text.substr(0, item.text.find('='))};
        add_variable(from, target, item.at, name, text->substr(equals + 1), shown_text(written, name));
      }
    }
  } else {
    const bool none = e->value.kind == YamlNode::Kind::kNull;
    context.mistakes.add(e->value.at,
                         fmt::format("environment {}; allowed: a map of NAME: value, or a list of NAME=value",
                                     none ? "has no value" : "is a text"));
  }
}

void read_process(Section& from, TargetSpec& target) {
  read_command(from, target);
  read_environment(from, target);
  if (const auto d = from.path("directory")) target.directory = d->value;
  if (const auto d = from.duration("stop_grace_period")) target.stop_grace_period = d->value;
  if (const auto d = from.duration("ready_after")) target.ready_after = d->value;
}

}  // namespace

TargetSpec read_target(Section* from, ConfigContext& context,
                       const std::optional<Read<std::string>>& compose_file, Position service_at,
                       const std::string& service) {
  TargetSpec target;
  target.kind = "compose";
  target.directory = context.folder;
  if (from) {
    const auto kind = from->text("kind");
    if (!kind) return target;  // mistaken: what the other keys mean is not known
    target.kind = kind->value;
    check_kinds(*from, target.kind);
    if (target.kind == "process") {
      read_process(*from, target);
      return target;
    }
    if (const auto project = from->text("project")) target.project = project->value;
  }
  auto file = from ? from->path("compose_file") : std::nullopt;
  if (!file && !(from && from->entry("compose_file"))) file = compose_file;
  if (!file) {
    const bool mistaken = from && from->entry("compose_file");
    if (!mistaken) {
      context.mistakes.add(
          service_at,
          fmt::format("{} has neither a target nor a compose_file; write target: {{kind: process, "
                      "command: [PROGRAM, ARGUMENT]}}, or compose_file: docker-compose.yaml",
                      service));
    }
    return target;
  }
  target.compose_file = file->value;
  if (const auto there = check_readable_file(file->value); !there) {
    context.mistakes.add(
        file->place, fmt::format("compose_file {} cannot be read: {}; name the Compose file of the service",
                                 file->shown, there.error().message));
  }
  return target;
}

}  // namespace docktor
