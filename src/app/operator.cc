#include "app/operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "api/control_socket.h"
#include "app/configuration.h"
#include "app/decisions.h"
#include "app/instances.h"
#include "app/look.h"
#include "app/savings_account.h"
#include "app/try_rules.h"
#include "app/what_if.h"
#include "core/record.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The journal's record without what only a replay needs.
ordered_json brief(ordered_json r) {
  for (const char* key : {"inputs", "replicas", "numbers", "metadata"}) r.erase(key);
  return r;
}

Result<ordered_json> list_decisions(const Instance& instance, const json& arguments) {
  DecisionQuery query;
  query.service = arguments.value("service", "");
  query.changes = arguments.value("changes", false);
  query.most = arguments.value("last", 20u);
  auto list = ordered_json::array();
  for (auto& r : find_decisions(instance.journal_file(), query)) list.push_back(brief(std::move(r)));
  return ordered_json{{"decisions", std::move(list)}};
}

Result<ordered_json> explain(const Instance& instance, const json& arguments) {
  DecisionQuery query;
  query.service = arguments.value("service", "");
  query.id = arguments.value("id", "");
  query.most = 1;
  auto found = find_decisions(instance.journal_file(), query);
  if (!found.empty()) return ordered_json{{"decision", std::move(found.front())}};
  const auto what = query.id.empty() ? std::string("no decision") : fmt::format("no decision '{}'", query.id);
  return fail(ErrorCode::kNotFound,
              fmt::format("{}{} in the journal of {}; list_decisions shows those that are", what,
                          query.service.empty() ? "" : " of service " + query.service, instance.config));
}

Result<Config> configuration(const Cli& cli, const Instance& instance) {
  Cli plain;  // the flags of this command are not those of a daemon
  plain.cwd = cli.cwd;
  return reload_for(plain, instance.config);
}

Result<ordered_json> savings(const Config& config, const Instance& instance, const json& arguments) {
  const auto length = savings_length(arguments.value("last", "7d"));
  if (!length) return fail(length.error().code, "last is " + length.error().message);
  const auto spec = service_meant(config, arguments.value("service", ""));
  if (!spec) return tl::unexpected(spec.error());
  const double now = static_cast<double>(std::time(nullptr));
  const auto s = savings_of(**spec, instance.journal_file(), {.since = now - *length});
  if (s) return to_json(*s);
  if (s.error().code != ErrorCode::kNotFound) return tl::unexpected(s.error());
  // Too little was recorded yet, which is no mistake of whoever asks.
  return ordered_json{{"service", (*spec)->name},
                      {"rows", ordered_json::array()},
                      {"notes", ordered_json::array({s.error().message})}};
}

}  // namespace

Result<ordered_json> InstanceOperator::call(const std::string& operation, const json& arguments,
                                            std::stop_token stop) {
  const auto known = checked_operation(operation, arguments);
  if (!known) return tl::unexpected(known.error());
  const auto chosen = choose_instance(cli_);
  if (!chosen) return tl::unexpected(chosen.error());
  const Instance& instance = chosen->instance;
  if (operation == "list_decisions") return list_decisions(instance, arguments);
  if (operation == "explain") return explain(instance, arguments);
  if (operation == "simulate") {
    const auto config = configuration(cli_, instance);
    return config ? what_if(*config, instance, arguments, stop)
                  : Result<ordered_json>(tl::unexpected(config.error()));
  }
  if (operation == "savings") {
    const auto config = configuration(cli_, instance);
    return config ? savings(*config, instance, arguments)
                  : Result<ordered_json>(tl::unexpected(config.error()));
  }
  if (operation == "decide") {
    const auto config = configuration(cli_, instance);
    if (!config) return tl::unexpected(config.error());
    const auto status = call("status", {{"service", arguments["service"]}}, stop);
    return status ? try_rules(*config, (*status)["services"][0], arguments) : status;
  }
  if (chosen->running) {
    auto answer =
        ask(instance.socket_file(), {{"command", operation}, {"arguments", arguments}, {"via", via_}},
            kOperationTimeout, stop);
    if (!answer) return tl::unexpected(answer.error());
    answer->erase("ok");
    answer->erase("saved");  // the text has it
    if (operation == "status") (*answer)["daemon"] = true;
    return answer;
  }
  if (operation == "status") {
    const auto config = configuration(cli_, instance);
    if (!config) return tl::unexpected(config.error());
    return look(*config, instance, arguments.value("service", ""), stop);
  }
  if (operation == "proposals") return ordered_json{{"proposals", ordered_json::array()}, {"daemon", false}};
  return fail(ErrorCode::kUnavailable,
              fmt::format("there is nothing to {}: {}", operation, no_daemon_text(instance)));
}

}  // namespace docktor
