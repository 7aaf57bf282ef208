#include "app/daemon_web.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string_view>

#include "app/cli.h"
#include "app/operator.h"
#include "app/version.h"
#include "control/recorded_history.h"

namespace docktor {
namespace {

// These read the journal, and take their time: they are answered beside the loop.
constexpr std::array<std::string_view, 5> kOfJournal{"list_decisions", "explain", "simulate", "decide",
                                                     "savings"};

// Says which setting has the address that was refused.
Error refused(Error error, const std::string& listen, int ours) {
  if (error.code != ErrorCode::kConflict) return error;
  if (ours > 0 && listen.ends_with(fmt::format(":{}", ours)))
    error.message = fmt::format(
        "{}: docktor itself listens at port {} already; to change the address alone, stop and "
        "start it, or choose another port in http.listen",
        listen, ours);
  else
    error.message += ": choose another port in http.listen";
  return error;
}

tl::unexpected<Error> busy() {
  return fail(ErrorCode::kUnavailable, "the journal is being read for somebody else; try again in a second",
              true);
}

}  // namespace

DaemonWeb::DaemonWeb(const Board& board, const Instance& instance, bool manual, Ask ask)
    : board_(board),
      instance_(instance),
      ask_(std::move(ask)),
      site_(board, {.call = [this](const std::string& operation, const nlohmann::json& arguments,
                                   const std::string& by) { return call(operation, arguments, by); },
                    .recorded = [this](const std::string& service, Time from, Time to,
                                       std::size_t most) { return recorded(service, from, to, most); },
                    .version = kVersion,
                    .manual = manual}) {}

Result<nlohmann::ordered_json> DaemonWeb::call(const std::string& operation, const nlohmann::json& arguments,
                                               const std::string& by) const {
  if (std::ranges::find(kOfJournal, operation) == kOfJournal.end()) return ask_(operation, arguments, by);
  // One at a time: a simulation takes long, and health and metrics need a thread, too.
  std::unique_lock one(simulates_, std::defer_lock);
  if (operation == "simulate" && !one.try_lock())
    return fail(ErrorCode::kUnavailable, "another simulation runs; try again when it is done", true);
  if (operation == "savings") return savings(arguments);
  return read(operation, arguments);
}

Result<nlohmann::ordered_json> DaemonWeb::read(const std::string& operation,
                                               const nlohmann::json& arguments) const {
  Cli cli;
  cli.config = instance_.config;
  cli.cwd = std::string("/");
  return InstanceOperator(cli, "http").call(operation, arguments, stop_.get_token());
}

// Each page that is opened asks for it, and a whole journal is seconds of work (docs/performance.md). An answer is given again
// for a hundredth of the time that it is about: it cannot be more than that wrong.
Result<nlohmann::ordered_json> DaemonWeb::savings(const nlohmann::json& arguments) const {
  const std::unique_lock reads(reads_, std::try_to_lock);
  if (!reads) return busy();
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

// One at a time, as simulations are.
Result<std::vector<HistoryPoint>> DaemonWeb::recorded(const std::string& service, Time from, Time to,
                                                      std::size_t most) const {
  const std::unique_lock reads(reads_, std::try_to_lock);
  if (!reads) return busy();
  return recorded_history(instance_.journal_file(), service, from, to, most, board_.began());
}

Result<void> DaemonWeb::open_socket() {
  auto made = http::HttpListener::listen(instance_.http_socket_file(), site_.handler());
  if (!made) return tl::unexpected(made.error());
  socket_ = std::move(*made);
  return {};
}

Result<void> DaemonWeb::apply(const HttpSpec& spec) {
  if (spec.listen != spec_.listen) {
    std::unique_ptr<http::HttpListener> made;
    if (!spec.listen.empty()) {
      auto listener = http::HttpListener::listen(spec.listen, site_.handler());
      if (!listener)
        return tl::unexpected(refused(listener.error(), spec.listen, network_ ? network_->port() : 0));
      made = std::move(*listener);
    }
    site_.count_with({});
    // Not here: this is the loop, and a request that waits for its answer would wait for ever.
    if (network_) retired_.emplace_back([old = std::move(network_)]() mutable { old.reset(); });
    network_ = std::move(made);
  }
  spec_ = spec;
  site_.allow(spec);
  site_.count_with([socket = socket_.get(), network = network_.get()] {
    std::pair<std::size_t, std::size_t> n{0, 0};
    for (const auto* one : {socket, network}) {
      if (!one) continue;
      n.first += one->connections();
      n.second += one->streams();
    }
    return n;
  });
  return {};
}

void DaemonWeb::close() {
  stop_.request_stop();
  site_.count_with({});
  network_.reset();
  socket_.reset();
  retired_.clear();  // joins
}

}  // namespace docktor
