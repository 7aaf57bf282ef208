#include "app/daemon_journal.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/cli.h"
#include "app/operator.h"
#include "control/recorded_history.h"

namespace docktor {
namespace {

constexpr std::array<std::string_view, 5> kOfJournal{"list_decisions", "explain", "simulate", "decide",
                                                     "savings"};

tl::unexpected<Error> journal_is_read() {
  return fail(ErrorCode::kUnavailable, "the journal is being read for somebody else; try again in a second",
              true);
}

}  // namespace

bool DaemonJournal::answers(const std::string& operation) {
  return std::ranges::find(kOfJournal, operation) != kOfJournal.end();
}

Result<nlohmann::ordered_json> DaemonJournal::call(const std::string& operation,
                                                   const nlohmann::json& arguments) {
  // One at a time: a simulation takes long, and health and metrics need a thread, too.
  std::unique_lock one(simulates_, std::defer_lock);
  if (operation == "simulate" && !one.try_lock())
    return fail(ErrorCode::kUnavailable, "another simulation runs; try again when it is done", true);
  return operation == "savings" ? savings(arguments) : read(operation, arguments);
}

Result<nlohmann::ordered_json> DaemonJournal::read(const std::string& operation,
                                                   const nlohmann::json& arguments) const {
  Cli cli;
  cli.config = instance_.config;
  cli.cwd = std::string("/");
  return InstanceOperator(cli, "daemon").call(operation, arguments, stop_.get_token());
}

// Each page that is opened asks for it, and a whole journal is seconds of work (docs/performance.md). An answer is given again
// for a hundredth of the time that it is about: it cannot be more than that wrong.
Result<nlohmann::ordered_json> DaemonJournal::savings(const nlohmann::json& arguments) {
  const std::unique_lock reads(reads_, std::try_to_lock);
  if (!reads) return journal_is_read();
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(savings_, [&](const auto& s) { return s.second.until <= now; });
  const auto key = arguments.dump();
  if (const auto it = savings_.find(key); it != savings_.end()) return it->second.answer;
  auto answer = read("savings", arguments);
  if (answer) {
    const double about = answer->value("seconds", 0.0);
    savings_[key] = {now + seconds(about / 100), *answer};
  }
  return answer;
}

Result<std::vector<HistoryPoint>> DaemonJournal::recorded(const std::string& service, Time from, Time to,
                                                          std::size_t most) {
  const std::unique_lock reads(reads_, std::try_to_lock);
  if (!reads) return journal_is_read();
  return recorded_history(instance_.journal_file(), service, from, to, most, board_.began());
}

}  // namespace docktor
