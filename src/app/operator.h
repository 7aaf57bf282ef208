// The operations for a program beside the daemon (MCP, chat): asks the one that runs, and reads for itself
// where none does.
#pragma once

#include <string>

#include "api/operations.h"
#include "app/cli.h"

namespace docktor {

/// Thread-safe. Each call looks anew for the daemon that `cli` means, so that it may start, stop and come
/// back in between. Without a daemon: list_decisions, explain and simulate read the journal as ever, status
/// and proposals read queue and replicas just now (it says `"daemon": false`), and what acts is kUnavailable,
/// with the command that starts a daemon.
class InstanceOperator final : public Operator {
 public:
  /// `via` is how the daemon's journal names the asking program ("mcp (inspector)"), beside the user.
  InstanceOperator(Cli cli, std::string via) : cli_(std::move(cli)), via_(std::move(via)) {}

  Result<nlohmann::ordered_json> call(const std::string& operation, const nlohmann::json& arguments,
                                      std::stop_token stop = {}) override;

 private:
  Cli cli_;
  std::string via_;
};

}  // namespace docktor
