// `docktor config list-models` and `set-model`: which models there are, and which one is configured.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "config/edit.h"
#include "config/load.h"
#include "config/yaml.h"
#include "core/text.h"
#include "llm/chat_client.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

// The configuration's model, else Docker Model Runner; flags win.
std::optional<LlmSpec> spec_for(const Cli& cli, int& code) {
  LlmSpec spec;
  spec.provider = "dmr";
  const bool there = config_path(cli).has_value();
  if (cli.config || there) {
    Cli alone = cli;
    alone.service.clear();
    const auto config = load_for(alone);
    if (!config) {
      code = kExitUsage;
      return std::nullopt;
    }
    if (config->llm) spec = *config->llm;
  }
  const bool other = !cli.provider.empty() && cli.provider != spec.provider;
  if (!cli.provider.empty()) spec.provider = cli.provider;
  if (other || spec.base_url.empty()) {
    spec.base_url = usual_base_url(spec.provider);
    // The key was meant for the server that the configuration names.
    spec.api_key = Secret{};
    if (const char* key = std::getenv("OPENAI_API_KEY"); key && spec.provider == "openai")
      spec.api_key.value = key;
  }
  if (!cli.base_url.empty()) {
    if (cli.base_url != spec.base_url) spec.api_key = Secret{};
    if (const char* key = std::getenv("DOCKTOR_LLM_API_KEY")) spec.api_key.value = key;
    spec.base_url = cli.base_url;
  }
  while (spec.base_url.ends_with('/')) spec.base_url.pop_back();
  return spec;
}

}  // namespace

int config_list_models_command(const Cli& cli) {
  int code = 0;
  const auto spec = spec_for(cli, code);
  if (!spec) return code;
  llm::ChatClient client(*spec);
  const auto models = client.models();
  if (!models) {
    const bool refused =
        models.error().code == ErrorCode::kDenied || models.error().code == ErrorCode::kExhausted;
    if (refused) return complain(fmt::format("{}: {}", redacted_url(spec->base_url), models.error().message));
    return complain(fmt::format("{} ({})", llm::what_to_start(*spec), models.error().message));
  }
  if (models->empty()) {
    return complain(fmt::format("{} answers and has no models; pull one first{}",
                                redacted_url(spec->base_url),
                                spec->provider == "dmr" ? ": docker model pull ai/llama3.2" : ""));
  }
  say(stdout, "Models at {} ({}):\n", redacted_url(spec->base_url), spec->provider);
  bool found = false;
  for (const auto& m : *models) {
    say(stdout, "  {} {}\n", m == spec->model ? "*" : " ", m);
    found = found || m == spec->model;
  }
  if (!spec->model.empty() && !found)
    say(stdout, "⚠ {} is configured and not among them; choose one: docktor config set-model ID\n",
        spec->model);
  return 0;
}

int config_set_model_command(const Cli& cli) {
  const auto typed = config_path(cli);
  if (!typed) return complain(typed.error().message, kExitUsage);
  std::error_code error;
  // Through links to the file itself, so that the link stays one.
  const auto real = std::filesystem::canonical(*typed, error);
  const std::string path = error ? *typed : real.string();
  const auto text = read_file(path, kMaxYamlBytes);
  if (!text) return complain(text.error().message, kExitUsage);
  Cli alone = cli;
  alone.service.clear();
  if (const auto before = load_for(alone); !before) {
    return complain(fmt::format("{} is left as it was; fix it first", *typed), kExitUsage);
  }
  LlmChanges changes = {{"model", cli.id}};
  if (!cli.provider.empty()) changes.emplace_back("provider", cli.provider);
  if (!cli.base_url.empty()) changes.emplace_back("base_url", cli.base_url);
  const auto changed = with_llm_keys(*text, changes);
  if (!changed) return complain(fmt::format("{} is left as it was: {}", *typed, changed.error().message));
  const auto mistakes = check_text(alone, *typed, *changed);
  if (!mistakes.empty())
    return complain(fmt::format("{} is left as it was; with this change it would be refused:\n{}", *typed,
                                fmt::join(mistakes, "\n")),
                    kExitUsage);
  if (*changed == *text) {
    say(stdout, "✓ {} names {} already\n", *typed, cli.id);
    return 0;
  }
  if (const auto written = write_atomically(path, *changed, {.as_it_was = true}); !written)
    return complain(written.error().message + "; nothing was changed");
  say(stdout, "✓ {}: model {}{}{}\n", *typed, cli.id,
      cli.provider.empty() ? "" : fmt::format(", provider {}", cli.provider),
      cli.base_url.empty() ? "" : fmt::format(", base_url {}", redacted_url(cli.base_url)));
  for (const char* variable : {"DOCKTOR_LLM_MODEL", "DOCKTOR_LLM_PROVIDER", "DOCKTOR_LLM_BASE_URL"}) {
    if (const char* v = std::getenv(variable); v && *v)
      say(stdout, "⚠ {} is set and wins over the file\n", variable);
  }
  say(stdout, "A running daemon takes it up with: docktor daemon reload\n");
  return 0;
}

}  // namespace docktor
