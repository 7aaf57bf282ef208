// `docktor ai up`, `docktor chat`: a conversation in the terminal, or requests from a script.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/operator.h"
#include "app/plain_request.h"
#include "app/talk.h"
#include "core/text.h"
#include "llm/advice_text.h"

namespace docktor {
namespace {

constexpr auto kProbe = std::chrono::seconds(3);
constexpr auto kPatience = std::chrono::seconds(120);  // a person waits longer than a scale-down
constexpr int kLeastTokens = 512;
constexpr std::size_t kMaxTyped = 4'000;

bool read_line(std::string& line) {
  if (!std::getline(std::cin, line)) return false;
  if (line.size() > kMaxTyped) line.resize(kMaxTyped);
  return true;
}

bool is_yes(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
  return line == "y" || line == "Y" || line == "yes" || line == "Yes";
}

// The configured model if it answers; else nothing, and `why`.
std::unique_ptr<llm::ChatClient> reach_model(const std::optional<LlmSpec>& configured, std::string& why) {
  if (!configured) {
    why = "no model is configured (docktor config set-model ID)";
    return nullptr;
  }
  LlmSpec spec = *configured;
  spec.timeout = kProbe;
  const auto there = llm::ChatClient(spec).models();
  // A server without a list of models may well have one.
  if (!there && there.error().code != ErrorCode::kNotFound && there.error().code != ErrorCode::kInvalid) {
    why = fmt::format("{} ({})", llm::what_to_start(spec), there.error().message);
    return nullptr;
  }
  spec.timeout = std::max<Duration>(configured->timeout, kPatience);
  spec.max_tokens = std::max(spec.max_tokens, kLeastTokens);
  return std::make_unique<llm::ChatClient>(spec);
}

}  // namespace

int chat_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    fmt::print(stderr, "docktor: {}\n", chosen.error().message);
    return kExitUsage;
  }
  Cli plain;
  plain.cwd = cli.cwd;
  const auto config = reload_for(plain, chosen->instance.config);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return kExitUsage;
  }
  std::string why;
  const auto model = reach_model(config->llm, why);
  const bool person = !cli.headless && ::isatty(0) == 1;
  if (!cli.headless) {
    if (model)
      fmt::print("Talking with {} about {}. It acts only after your yes{}.\n", model->spec().model,
                 chosen->instance.config, cli.autonomous ? ", but --autonomous waives that" : "");
    else
      fmt::print("No model in reach: {}\nThese requests work, typed plainly:\n{}", why, plain_help());
  } else if (!model) {
    fmt::print(stderr, "docktor: no model in reach: {}; plain requests work\n", why);
  }

  InstanceOperator operate(cli, "chat");
  Talk talk({.operate = operate,
             .model = model.get(),
             .autonomous = cli.autonomous,
             .confirm =
                 [&](const std::string& question) {
                   fmt::print("{}? [y/N] ", question);
                   std::fflush(stdout);
                   std::string line;
                   const bool yes = read_line(line) && is_yes(line);
                   if (!person) fmt::print("{}\n", yes ? "yes" : "no");
                   return yes;
                 },
             .trace = cli.debug ? std::function<void(const std::string&)>([](const std::string& line) {
               fmt::print(stderr, "{}\n", llm::one_line(line, 4'000));
             })
                                : nullptr});
  bool all_done = true;
  std::string line;
  while (true) {
    if (person) {
      fmt::print("> ");
      std::fflush(stdout);
    }
    if (!read_line(line)) break;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line == "quit" || line == "exit") break;
    if (line == "help" || line == "?") {
      fmt::print("{}", plain_help());
      continue;
    }
    const auto answer = talk.say(line);
    all_done = all_done && answer.done;
    fmt::print("{}{}", answer.text, answer.text.ends_with('\n') ? "" : "\n");
    std::fflush(stdout);
  }
  if (person) fmt::print("\n");
  return all_done || !cli.headless ? 0 : kExitFailed;
}

}  // namespace docktor
