// `docktor demo`: a private server, a producer with a burst, and local workers that a real daemon
// scales; live, then an account of every message.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "api/control_socket.h"
#include "app/commands.h"
#include "app/demo_account.h"
#include "app/demo_guard.h"
#include "app/demo_queue.h"
#include "app/demo_view.h"
#include "control/paths.h"
#include "core/json_text.h"
#include "core/text.h"
#include "os/spawn.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;
using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kLook = milliseconds(250);  // between two looks at the service
constexpr auto kStartWithin = std::chrono::seconds(60);
constexpr auto kDrainWithin = std::chrono::seconds(60);
constexpr auto kCalmWithin = std::chrono::seconds(40);  // back to the fewest replicas
constexpr int kFirstBacklog = 1500;
constexpr int kFewest = 1;
constexpr int kMost = 10;

// The decisions of a journal as it grows.
class JournalTail {
 public:
  explicit JournalTail(std::string path) : path_(std::move(path)) {}
  std::vector<ordered_json> refresh() {
    std::vector<ordered_json> records;
    std::ifstream in(path_, std::ios::binary);
    if (!in.seekg(static_cast<std::streamoff>(offset_))) return records;
    std::string line;
    while (std::getline(in, line) && !in.eof()) {
      offset_ += line.size() + 1;
      auto record = parse_json<ordered_json>(line);
      if (record.is_object() && record.contains("decision")) records.push_back(std::move(record));
    }
    return records;
  }

 private:
  std::string path_;
  std::uint64_t offset_ = 0;
};

class Demo {
 public:
  Demo(std::string folder, DemoQueue& queue, DemoPieces pieces, double seconds)
      : folder_(std::move(folder)),
        queue_(queue),
        pieces_(std::move(pieces)),
        seconds_(seconds),
        account_(folder_ + "/published", folder_ + "/processed"),
        view_(view_options(seconds)) {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, s);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int run() {
    auto outcome = play();
    if (stopped_by_ != 0) {
      view_.end();
      end_descendants();
      fmt::print("Stopped; nothing is left behind.\n");
      return 128 + stopped_by_;
    }
    if (!outcome) {
      view_.end();
      fmt::print(stderr, "docktor: {}\n", outcome.error().message);
      return kExitFailed;
    }
    return summary();
  }

 private:
  static DemoView::Options view_options(double seconds) {
    auto options = DemoView::suited_to(stdout);
    options.max_replicas = kMost;
    options.total = seconds + 10;
    return options;
  }

  // False when it is time to stop.
  bool sleep_until(Steady::time_point until) {
    while (stopped_by_ == 0) {
      const auto left = std::chrono::ceil<milliseconds>(until - Steady::now()).count();
      if (left <= 0) return true;
      pollfd p{signals_.get(), POLLIN, 0};
      if (::poll(&p, 1, static_cast<int>(left)) > 0) {
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof info) == sizeof info)
          stopped_by_ = static_cast<int>(info.ssi_signo);
      }
    }
    return false;
  }

  // Polls until `ready`; an error when `part` ends before, or in the end.
  template <class Ready>
  Result<void> wait_for(DemoPart& part, const char* what, const Ready& ready) {
    const auto until = Steady::now() + kStartWithin;
    while (!ready()) {
      if (part.exit_code() >= 0) return tl::unexpected<Error>(part.ended());
      if (Steady::now() > until)
        return fail(ErrorCode::kTimeout,
                    fmt::format("{} did not happen within {} s", what, kStartWithin.count()));
      if (!sleep_until(Steady::now() + milliseconds(10))) return fail(ErrorCode::kUnavailable, "stopped");
    }
    return {};
  }

  Result<void> start_server() {
    const std::string name(queue_.server_name());
    if (auto r = server_.start(name, folder_, queue_.command(pieces_, folder_), queue_.environment(folder_));
        !r)
      return r;
    return wait_for(server_, ("the start of " + name).c_str(), [&] { return queue_.ready(folder_); });
  }

  static DemoPart::Environment both(DemoPart::Environment one, const DemoPart::Environment& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
  }

  DemoPart::Environment producer_environment(const char* run, double rate, int count) const {
    // One burst begins in the middle, with time enough to go back to one replica before and after.
    return both(queue_.variables(),
                {{"RUN_ID", run},
                 {"RATE", fmt::format("{}", rate)},
                 {"COUNT", fmt::format("{}", count)},
                 {"BURST_RATE", "500"},
                 {"BURST_INTERVAL", fmt::format("{:.3f}", count > 0 ? 0.0 : seconds_ / 2)},
                 {"BURST_DURATION", fmt::format("{:.3f}", seconds_ * 8 / 60)},
                 {"RECORD_FILE", folder_ + "/published"}});
  }

  Result<void> start_backlog() {
    DemoPart first;
    if (auto r = first.start("backlog", folder_, pieces_.producer,
                             producer_environment("backlog", 20'000, kFirstBacklog));
        !r)
      return r;
    int code = -1;
    while ((code = first.exit_code()) < 0) {
      if (!sleep_until(Steady::now() + milliseconds(10))) return fail(ErrorCode::kUnavailable, "stopped");
    }
    if (code != 0) return tl::unexpected<Error>(first.ended());
    return {};
  }

  Result<void> start_daemon() {
    const std::string config = folder_ + "/docktor.yaml";
    std::error_code error;
    std::filesystem::copy_file(pieces_.config, config, error);
    if (error)
      return fail(ErrorCode::kInternal,
                  fmt::format("cannot copy {} to {}: {}", pieces_.config, config, error.message()));
    const Folders folders{folder_ + "/state", folder_ + "/run", folder_ + "/log"};
    const Instance instance = instance_of(folders, config);
    socket_ = instance.socket_file();
    journal_ = instance.journal_file();
    decisions_ = std::make_unique<JournalTail>(journal_);
    // Half a minute of load is the shortest that leaves the usual pace; shorter ones (tests) decide faster.
    const double pace = std::clamp(seconds_ / 30, 0.2, 2.0);
    if (auto r = daemon_.start(
            "daemon", folder_, {pieces_.docktor, "daemon", "start", "--foreground", "--config", config},
            both(queue_.variables(), {{"DOCKTOR_STATE_DIR", folders.state},
                                      {"DOCKTOR_RUNTIME_DIR", folders.runtime},
                                      {"DOCKTOR_LOG_DIR", folders.log},
                                      {"WORKER", pieces_.worker},
                                      {"RECORD_FILE", folder_ + "/processed"},
                                      {"CHECK_INTERVAL", short_duration(seconds(pace))},
                                      {"SAMPLE_INTERVAL", short_duration(seconds(pace / 4))}}));
        !r) {
      return r;
    }
    return wait_for(daemon_, "the start of the daemon", [&] {
      return ask(socket_, {{"command", "health"}}, std::chrono::seconds(1)).has_value();
    });
  }

  // One look: what status, journal and records say now, shown. False when it is time to stop.
  bool look(const std::string& phase) {
    DemoFrame frame;
    frame.at = std::chrono::duration<double>(Steady::now() - start_).count();
    frame.phase = phase;
    if (const auto answer = ask(socket_, {{"command", "status"}}, std::chrono::seconds(2));
        answer && !answer->at("services").empty()) {
      const auto& s = answer->at("services").at(0);
      const auto& seen = s.at("observation");
      seen_ = seen_ || seen.contains("queue.backlog");
      frame.backlog = seen.value("queue.backlog", 0.0);
      frame.rate_in = seen.value("queue.rate_in", 0.0);
      frame.rate_out = seen.value("queue.rate_out", 0.0);
      in_hand_ = seen.value("queue.num_ack_pending", 0.0);
      frame.starting = s.value("starting", 0);
      frame.stopping = s.value("stopping", 0);
      frame.replicas = s.value("ready", 0) + frame.starting + s.value("failing", 0);
      last_ = frame;
    } else {
      const double at = frame.at;
      frame = last_;
      frame.at = at;
      frame.phase = phase;
    }
    account_.refresh();
    frame.published = account_.published();
    frame.processed = account_.processed();
    show_decisions();
    if (seen_) view_.draw(frame);  // before the first worker there is no consumer, and so nothing to see
    return sleep_until(Steady::now() + kLook);
  }

  void show_decisions() {
    for (const auto& record : decisions_->refresh()) {
      std::string reason = record.value("reason", "");
      if (record.value("outcome", "") == "failed") reason += " — failed: " + record.value("error", "");
      view_.decided({record.value("t", 0.0) - start_unix_, record.value("decision", ""),
                     record.value("current_replicas", 0), record.value("target_replicas", 0),
                     std::move(reason)});
    }
  }

  // Looks until `done`, at most so long.
  template <class Done>
  Result<void> watch(const std::string& phase, Steady::duration most, const Done& done) {
    const auto until = Steady::now() + most;
    while (Steady::now() < until && !done()) {
      if (!look(phase)) return fail(ErrorCode::kUnavailable, "stopped");
      if (server_.exit_code() >= 0) return tl::unexpected<Error>(server_.ended());
      if (daemon_.exit_code() >= 0) return tl::unexpected<Error>(daemon_.ended());
    }
    return {};
  }

  Result<void> play() {
    view_.say(fmt::format(
        "docktor demo: a private {}, real messages, real worker processes. Ctrl-C ends it and leaves nothing "
        "behind.",
        queue_.server_name()));
    view_.say("");
    if (auto r = start_server(); !r) return r;
    if (auto r = start_backlog(); !r) return r;
    start_ = Steady::now();
    start_unix_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    if (auto r = start_daemon(); !r) return r;
    if (auto r = producer_.start("producer", folder_, pieces_.producer, producer_environment("load", 100, 0));
        !r)
      return r;
    view_.say(fmt::format(
        "  {}: a backlog of {} messages, then 100 a second, and a burst of 500 a second for {:.0f} s "
        "at {}.",
        queue_.described(), grouped(kFirstBacklog), seconds_ * 8 / 60, clock_text(seconds_ / 2)));
    view_.say(
        "  A worker carries 125 a second. The rules: two more when backlog > 500 or in > 200/s, one less "
        "when backlog <= 100 and in < 150/s.");
    view_.say(fmt::format("  Configuration: {}", pieces_.config));
    view_.say("");

    const auto load_end =
        start_ + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds_));
    if (auto r =
            watch("messages are coming in", load_end - start_, [&] { return Steady::now() >= load_end; });
        !r)
      return r;
    producer_.signal(SIGTERM);
    if (auto r = watch("the producer has stopped; the rest is worked off", kDrainWithin,
                       [&] {
                         return producer_.exit_code() >= 0 && account_.published() > 0 &&
                                account_.lost() == 0 && in_hand_ == 0;
                       });
        !r) {
      return r;
    }
    if (auto r = watch("idle; down to the fewest replicas", kCalmWithin,
                       [&] { return last_.replicas <= kFewest && last_.stopping == 0; });
        !r) {
      return r;
    }
    return stop_daemon();
  }

  Result<void> stop_daemon() {
    const auto answer = ask(socket_, {{"command", "stop"}, {"replicas", true}}, std::chrono::seconds(20));
    if (!answer) return tl::unexpected<Error>(answer.error());
    return wait_for(daemon_, "the end of the daemon", [&] { return daemon_.exit_code() >= 0; });
  }

  int summary() {
    show_decisions();
    account_.refresh();
    view_.end();
    server_.signal(SIGTERM);
    const auto& frames = view_.frames();
    int ups = 0, downs = 0, holds = 0;
    for (const auto& d : view_.decisions()) {
      ups += d.decision == "scale_up";
      downs += d.decision == "scale_down";
      holds += d.decision == "hold";
    }
    fmt::print("\nSummary of {}\n", clock_text(frames.empty() ? 0 : frames.back().at));
    fmt::print("  published  {} messages, each confirmed by the queue\n",
               grouped(static_cast<double>(account_.published())));
    fmt::print(
        "  processed  {}{}\n", grouped(static_cast<double>(account_.processed())),
        account_.repeated() > 0 ? fmt::format(", {} of them more than once", account_.repeated()) : "");
    fmt::print("  lost       {}\n", account_.lost());
    fmt::print(
        "  waits      p50 {}, p95 {}, p99 {} (from when a message was due until a worker began with it)\n",
        wait_text(0.50), wait_text(0.95), wait_text(0.99));
    fmt::print("  replicas   {}\n", trajectory());
    fmt::print("  decisions  {}: {} scale_up, {} scale_down, {} hold\n\n", ups + downs + holds, ups, downs,
               holds);
    fmt::print("           highest\n");
    for (const auto& line : view_.charts(60, 1, true)) fmt::print("{}\n", line);
    fmt::print("\n  {:<6}  {:<10}  {:<8}  reason\n", "time", "decision", "replicas");
    for (const auto& d : view_.decisions()) {
      if (d.decision == "hold") continue;
      fmt::print("  {:<6}  {:<10}  {:<8}  {}\n", clock_text(d.at), d.decision,
                 fmt::format("{} → {}", d.from, d.to), d.reason);
    }
    keep();
    if (account_.lost() > 0)
      fmt::print(stderr, "docktor: {} messages were published and not processed\n", account_.lost());
    return account_.lost() == 0 && account_.published() > 0 && ups > 0 ? 0 : kExitFailed;
  }

  std::string wait_text(double quantile) const {
    const double s = account_.wait(quantile);
    return s < 1 ? fmt::format("{:.0f} ms", s * 1000) : fmt::format("{:.1f} s", s);
  }

  std::string trajectory() const {
    std::string text;
    int last = -1;
    const auto add = [&](int replicas) {
      if (replicas == last) return;
      text += fmt::format("{}{}", text.empty() ? "" : " → ", replicas);
      last = replicas;
    };
    for (const auto& d : view_.decisions()) {
      if (d.decision == "hold") continue;
      add(d.from);
      add(d.to);
    }
    return text.empty() ? "no change" : text;
  }

  // For scripts that draw a run: the journal and the records outlive the demo in the folder that the variable
  // names.
  void keep() const {
    const char* where = std::getenv("DOCKTOR_DEMO_KEEP");
    if (!where || !*where) return;
    std::error_code error;
    std::filesystem::create_directories(where, error);
    for (const auto& file : {journal_, folder_ + "/published", folder_ + "/processed"}) {
      std::filesystem::copy_file(file, std::filesystem::path(where) / std::filesystem::path(file).filename(),
                                 std::filesystem::copy_options::overwrite_existing, error);
      if (error) fmt::print(stderr, "docktor: DOCKTOR_DEMO_KEEP: {}: {}\n", where, error.message());
    }
  }

  std::string folder_;
  DemoQueue& queue_;
  DemoPieces pieces_;
  double seconds_;
  MessageAccount account_;
  DemoView view_;
  Fd signals_;
  int stopped_by_ = 0;
  std::string socket_;
  std::string journal_;
  std::unique_ptr<JournalTail> decisions_;
  DemoPart server_;
  DemoPart daemon_;
  DemoPart producer_;
  Steady::time_point start_;
  double start_unix_ = 0;
  DemoFrame last_;
  double in_hand_ = 0;
  bool seen_ = false;
};

}  // namespace

int demo_command(const Cli& cli) {
  const auto queue = demo_queue(cli.queue);
  const auto pieces = queue->find();
  if (!pieces) {
    fmt::print(stderr, "docktor: {}\n", pieces.error().message);
    return kExitFailed;
  }
  return run_guarded("docktor-demo-", [&](const std::string& folder) {
    Demo demo(folder, *queue, *pieces, cli.seconds);
    return demo.run();
  });
}

}  // namespace docktor
