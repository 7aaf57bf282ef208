#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "config/files.h"
#include "config/kind.h"
#include "config/parts.h"
#include "config/yaml.h"
#include "core/text.h"

namespace docktor {

namespace {

namespace fs = std::filesystem;

std::string working_directory(const FlagOverrides& flags) {
  if (!flags.cwd.empty()) return flags.cwd;
  std::error_code error;
  const auto cwd = fs::current_path(error);
  return error ? std::string("/") : cwd.string();
}

// The folder's links are resolved, the file's own is not: a file that is a link to be swapped keeps its
// identity.
std::string identity(const std::string& absolute) {
  std::error_code error;
  const fs::path path(absolute);
  const auto folder = fs::canonical(path.parent_path(), error);
  return error ? absolute : (folder / path.filename()).string();
}

void read_services(Section& top, Config& config) {
  const auto nodes = top.sections("services");
  if (!nodes) return;
  std::map<std::string, Position> names;
  for (const auto* node : *nodes) {
    auto service = read_service(top.context(), *node);
    if (!service.spec.name.empty()) {
      const auto [first, is_new] = names.emplace(service.spec.name, service.name_at);
      if (!is_new) {
        top.context().mistakes.add(
            service.name_at, fmt::format("service {} is written twice, first at line {}; names must differ",
                                         service.name_shown, first->second.line));
      }
    }
    config.services.push_back(std::move(service.spec));
  }
}

void read_forms(Section& top, Config& config) {
  auto& mistakes = top.context().mistakes;
  const bool multi = top.entry("services") != nullptr;
  const bool legacy = top.entry("service") != nullptr || top.entry("scaling") != nullptr;
  if (!multi && !legacy) {
    mistakes.add(top.at(),
                 "there is no service; write services: with a list, or the legacy service: and scaling:");
  } else if (!multi) {
    config.services.push_back(read_legacy(top));
  } else {
    for (const std::string_view key : {"service", "scaling", "target"}) {
      if (!top.entry(key)) continue;
      mistakes.add(top.key_at(key),
                   fmt::format("{} at the top is of the legacy form and has no effect beside services; "
                               "write it in a service, or leave it out",
                               key));
    }
    read_services(top, config);
  }
}

// What min_replicas promise must be there, at any time of the calendar.
void read_total(Section& top, Config& config) {
  const auto total = top.integer("max_total_replicas");
  if (!total) return;
  config.max_total_replicas = total->value;
  std::int64_t promised = 0;
  for (const auto& s : config.services) {
    int min = s.limits.min_replicas;
    for (const auto& e : s.schedule) min = std::max(min, e.min_replicas.value_or(0));
    promised += min;
  }
  if (promised > total->value)
    top.context().mistakes.add(
        total->place,
        fmt::format("max_total_replicas is {}, and min_replicas of all services come to {}; allowed: {} "
                    "or more, or lower min_replicas",
                    total->value, promised, promised));
}

// --service: keeps one. In the legacy form the flag has already named the only one there is.
void select_service(Mistakes& mistakes, const FlagOverrides& flags, Config& config) {
  if (!flags.service) return;
  const auto wanted = std::ranges::find(config.services, *flags.service, &ServiceSpec::name);
  if (wanted != config.services.end()) {
    auto only = std::move(*wanted);
    config.services.clear();
    config.services.push_back(std::move(only));
    return;
  }
  if (config.services.empty()) return;  // mistaken elsewhere
  std::vector<std::string_view> names;
  names.reserve(config.services.size());
  for (const auto& s : config.services) names.push_back(s.name);
  const auto near = did_you_mean(*flags.service, names);
  constexpr std::size_t kMaxNamed = 20;
  const bool cut = names.size() > kMaxNamed;
  if (cut) names.resize(kMaxNamed);
  mistakes.add(Place::named("--service"),
               fmt::format("there is no service {}; {}", in_quotes(*flags.service),
                           near ? fmt::format("did you mean {}?", *near)
                                : fmt::format("allowed: {}{}", fmt::join(names, ", "), cut ? ", ..." : "")));
}

void read_config(ConfigContext& context, const YamlNode& root, Config& config, LoadResult& result) {
  if (root.kind == YamlNode::Kind::kNull) {
    context.mistakes.add(root.at, "the configuration is empty; write services: with a list");
    return;
  }
  if (root.kind != YamlNode::Kind::kMap) {
    context.mistakes.add(root.at, "the configuration is not a map; write services: with a list");
    return;
  }
  const auto whole_file = whole_file_knobs(context.kinds);
  auto table = table_of(kTop);
  table.knobs.insert(table.knobs.end(), whole_file.begin(), whole_file.end());
  Section top(context, std::move(table), root);
  if (const auto version = top.text("version")) config.version = version->value;
  for (const auto* knob : whole_file) {
    if (auto value = top.setting(*knob)) context.whole_file.emplace(knob->key, std::move(*value));
  }
  config.llm = read_llm(top);
  context.advised = config.llm && config.llm->mode == LlmMode::kAdvise;
  result.http = read_http(top);
  result.host = read_host(top);
  read_forms(top, config);
  read_total(top, config);
  result.notifications = read_notifications(top, config);
  for (auto& channel : result.notifications) channel.page = result.http.public_url;
  result.lease = read_high_availability(top, config);
  select_service(context.mistakes, context.flags, config);
}

}  // namespace

LoadResult load_config_text(const Kinds& kinds, std::string_view text, const std::string& shown_path,
                            const std::string& folder, const Environment& env, const FlagOverrides& flags) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Mistakes mistakes;
  ConfigContext context{env, flags, mistakes, folder, working_directory(flags), kinds};
  LoadResult result;
  Config config;
  config.shown = shown_path;
  config.path = path_under(folder, fs::path(shown_path).filename().string());
  if (const auto root = parse_yaml(text, mistakes)) read_config(context, *root, config, result);
  result.mistakes = mistakes.list(shown_path, text);
  if (mistakes.empty()) result.config = std::move(config);
  return result;
}

LoadResult load_config(const Kinds& kinds, const std::string& path, const Environment& env,
                       const FlagOverrides& flags) {
  const auto absolute = identity(path_under(working_directory(flags), path));
  const auto text = read_small_file(absolute, kMaxYamlBytes);
  if (!text) {
    return {.mistakes = {fmt::format("{}: cannot be read: {}; name a configuration with --config FILE", path,
                                     text.error().message)}};
  }
  auto result = load_config_text(kinds, *text, path, fs::path(absolute).parent_path().string(), env, flags);
  if (result.config) {
    result.config->path = absolute;
    result.config->digest = std::hash<std::string>{}(*text);
  }
  return result;
}

bool differs_from_file(const Config& config) {
  const auto text = read_small_file(config.path, kMaxYamlBytes);
  return text && std::hash<std::string>{}(*text) != config.digest;
}

std::optional<std::string> find_config(const std::string& cwd) {
  for (const char* name : {"docktor.yaml", "docktor.yml"}) {
    const auto path = cwd.empty() || cwd == "." ? fs::path(name) : fs::path(cwd) / name;
    std::error_code error;
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return std::nullopt;
}

}  // namespace docktor
