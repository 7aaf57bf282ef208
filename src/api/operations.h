// What can be asked of docktor: one table for commands, control socket, MCP tools and chat, and the interface
// that carries it out.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace docktor {

/// kRead changes nothing. kPropose leaves something for a person to answer. kAct changes what runs, or who
/// decides: only at a person's word, or where an agent was allowed to.
enum class OperationKind { kRead, kPropose, kAct };

struct Operation {
  std::string name;
  std::string does;  ///< one sentence for people and models
  OperationKind kind = OperationKind::kRead;
  nlohmann::json arguments;  ///< JSON Schema of one object, additionalProperties: false
};

/// All operations, in the order in which they are shown:
///
///   status {service?}                             replicas, observation, last decision, overrides, proposals
///   list_decisions {service?, last?, changes?}    the journal's last decisions, oldest first
///   explain {id? | service?}                      one decision with every number behind it
///   proposals {service?}                          what waits for a person's yes
///   simulate {service?, policy?, ...}             what another policy would have made of the recorded load
///   savings {service, last?}                      what ran beside max_replicas all the time, and the waits
///   decide {service, observations?, ...}          what the rules would decide on given numbers; does nothing
///   propose {service, replicas, reason?}          leaves a proposal that approve carries out
///   pause {service, for?, reason?}                the policy does not count until resume or the time is over
///   resume {service}                              ends a pause, a scale and a stop by hand
///   scale {service, replicas, for?, reason?}      so many replicas until resume or the time is over
///   set_bounds {service, min_replicas, max_replicas, for?}   other bounds than the configuration's
///   reset_bounds {service}                        the configuration's bounds again
///   approve {id}, reject {id, reason?}            answers a proposal
///
/// Durations are texts, as kLengths has them.
std::vector<Operation> operations();

/// The operation of that name with arguments that fit its schema; kInvalid says what would be right.
Result<Operation> checked_operation(std::string_view name, const nlohmann::json& arguments);

/// How a length of time may be written, for whoever has to write one.
inline constexpr std::string_view kLengths = "90s, 10m, 1h30m, 2d";

/// Who asks: the user whom the kernel vouches for, and through what, as the asking program says it of itself.
struct Asker {
  std::string user;
  std::string via;  ///< "mcp (inspector)", "chat"; empty for a command
  /// "ann", "ann via chat". Outside text in `via` is cut to a short line of plain characters.
  std::string text() const;
};

/// Carries operations out. Implementations are thread-safe; a call blocks its caller alone, and ends early
/// (with kUnavailable) when `stop` is requested. Every answer is a JSON object; what acted has `text`, a
/// sentence on what was done.
class Operator {
 public:
  virtual ~Operator() = default;
  virtual Result<nlohmann::ordered_json> call(const std::string& operation, const nlohmann::json& arguments,
                                              std::stop_token stop = {}) = 0;
};

}  // namespace docktor
