#include "targets/process/process_pool.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/pause.h"
#include "core/text.h"
#include "core/victims.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kStartsPerTurn = 8;         // then other services have their turn
constexpr std::size_t kMostWatched = 64;  // of what one replica left behind; looking again finds the rest
constexpr auto kLookAgain = milliseconds(500);
constexpr auto kLookAgainSoon = milliseconds(50);
constexpr auto kFinishedPause = milliseconds(500);  // from a start to the next, of one that ends with 0
constexpr auto kKillAgain = std::chrono::seconds(1);
constexpr auto kMostUntilReady =
    std::chrono::minutes(5);   // then a replica that did not say so counts all the same
constexpr double kBusy = 100;  // percent of a core, of one that says it is busy

std::string listed(const std::vector<std::string>& ids) {
  constexpr std::size_t kMost = 10;
  if (ids.size() <= kMost) return fmt::format("{}: {}", ids.size(), fmt::join(ids, ", "));
  return fmt::format("{}: {}, ..., {}", ids.size(), fmt::join(ids.begin(), ids.begin() + kMost - 1, ", "),
                     ids.back());
}

std::string how_it_ended(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) {
    const char* hint = info.si_status == 127   ? " (a shell's: command not found)"
                       : info.si_status == 126 ? " (a shell's: command not executable)"
                                               : "";
    return fmt::format("exit code {}{}", info.si_status, hint);
  }
  const char* name = ::sigabbrev_np(info.si_status);
  return name ? fmt::format("killed by SIG{}", name) : fmt::format("killed by signal {}", info.si_status);
}

// A stopped process would never see its SIGTERM.
void terminate(const Fd& pidfd) {
  send_signal(pidfd, SIGTERM);
  send_signal(pidfd, SIGCONT);
}

int still_wanted(const std::list<ProcessReplica>& replicas) {
  return static_cast<int>(
      std::ranges::count_if(replicas, [](const ProcessReplica& r) { return !r.stopping; }));
}

std::vector<Candidate> candidates(const std::list<ProcessReplica>& replicas, const std::string& fingerprint,
                                  const std::map<std::string, double>& busyness) {
  std::vector<Candidate> out;
  for (const auto& r : replicas) {
    if (r.stopping) continue;
    const auto busy = busyness.find(r.id);
    out.push_back({.id = r.id,
                   .unhealthy = r.state() == ReplicaState::kFailing,
                   .outdated = r.has_process() && r.fingerprint != fingerprint,
                   .starting = r.state() == ReplicaState::kStarting,
                   .busy = r.busy                   ? std::optional(*r.busy ? kBusy : 0)
                           : busy == busyness.end() ? std::nullopt
                                                    : std::optional(busy->second),
                   .age_order = static_cast<std::int64_t>(r.order)});
  }
  return out;
}

}  // namespace

ProcessPool::ProcessPool(ProcessOptions options, ProcessSupervisor& supervisor, const Clock& clock)
    : options_(std::move(options)),
      supervisor_(supervisor),
      clock_(clock),
      files_(options_, supervisor),
      fingerprint_(fingerprint(options_.spec)) {}

std::vector<int> free_numbers(const std::list<ProcessReplica>& replicas, int count) {
  std::set<int> used;
  for (const auto& r : replicas) used.insert(r.number);
  std::vector<int> numbers;
  for (int n = 1; static_cast<int>(numbers.size()) < count; ++n) {
    if (!used.contains(n)) numbers.push_back(n);
  }
  return numbers;
}

std::string output_path(const ProcessOptions& options, const std::string& id) {
  return fmt::format("{}/{}.log", options.log_directory, file_name(id));
}

// ---- Orders ----

void ProcessPool::scale(const ScaleOrder& order, Done done) {
  if (closed_) return done(fail(ErrorCode::kUnavailable, "docktor is ending", true));
  if (order.replicas < 0 || order.replicas > options_.max_replicas) {
    return done(fail(ErrorCode::kInvalid,
                     fmt::format("refused an order for {} replicas: outside 0 to {}; this is a bug",
                                 order.replicas, options_.max_replicas)));
  }
  if (order_) finish_order(fmt::format("superseded by an order for {}", order.replicas));
  order_.emplace();
  order_->replicas = order.replicas;
  order_->done = std::move(done);
  const int n = still_wanted(replicas_);
  if (n > order.replicas) {
    for (const auto& id : victims(candidates(replicas_, fingerprint_, order.busyness),
                                  static_cast<std::size_t>(n - order.replicas))) {
      order_->stopped.push_back(id);
      stop(*std::ranges::find(replicas_, id, &ProcessReplica::id));
    }
  }
  start_some();
}

void ProcessPool::start_some() {
  if (closed_ || !order_) return;
  int missing = order_->replicas - still_wanted(replicas_);
  for (const int number : free_numbers(replicas_, std::min(missing, kStartsPerTurn))) {
    auto& r = replicas_.emplace_back();
    r.number = number;
    r.id = fmt::format("{}-{}", options_.service, number);
    r.order = next_order_++;
    r.since = clock_.now();
    if (auto started = start(r); !started) {
      order_->error = started.error();
    } else {
      order_->started.push_back(r.id);
    }
    --missing;
  }
  plan();
  if (missing <= 0) return finish_order("");
  supervisor_.post([self = shared_from_this()] { self->start_some(); });
}

void ProcessPool::finish_order(const std::string& superseded_by) {
  publish();
  auto order = std::move(*order_);
  order_.reset();
  if (order.error) return order.done(tl::unexpected(*order.error));
  std::vector<std::string> parts;
  if (!order.started.empty()) parts.push_back("started " + listed(order.started));
  if (!order.stopped.empty()) {
    parts.push_back(fmt::format("stopping {} (SIGTERM, SIGKILL after {})", listed(order.stopped),
                                short_duration(options_.spec.stop_grace_period)));
  }
  if (parts.empty())
    parts.push_back(fmt::format("nothing to do, there are {} replicas", still_wanted(replicas_)));
  if (!superseded_by.empty()) parts.push_back(superseded_by);
  order.done(fmt::format("{}", fmt::join(parts, "; ")));
}

// ---- A replica's life ----

SpawnOptions ProcessPool::options_for(const ProcessReplica& r) const {
  SpawnOptions o;
  o.command = options_.spec.command;
  o.directory = options_.spec.directory;
  o.environment = options_.inherited ? *options_.inherited : inherited_environment();
  for (const auto& [name, value] : options_.spec.environment) o.environment[name] = value;
  if (const auto& at = supervisor_.notify(options_.state_directory).address(); !at.empty())
    o.environment["NOTIFY_SOCKET"] = at;
  o.environment["DOCKTOR_SERVICE"] = options_.service;
  o.environment["DOCKTOR_REPLICA"] = r.id;
  o.environment[std::string(kTokenVariable)] = r.token;
  return o;
}

Result<void> ProcessPool::start(ProcessReplica& r) {
  r.fingerprint = fingerprint_;
  r.token = fmt::format("{}/{}/{}/{}", files_.identity(), r.id, fingerprint_, random_hex(8));
  auto options = options_for(r);
  const auto path = output_path(options_, r.id);
  auto output = ProcessOutput::open(path);
  if (!output && make_folder(options_.log_directory)) output = ProcessOutput::open(path);
  r.output = {};
  if (output) {
    r.output = output->first;
    options.output = output->second.get();
  } else {
    news(fmt::format("⚠ {}: {}", r.id, output.error().message));
  }
  auto spawned = spawn(options);
  if (!spawned) {
    r.ended = spawned.error().message;
    r.finished = false;
    crashed(r, Duration::zero());
    return tl::unexpected(spawned.error());
  }
  supervisor_.scan().forget();
  keep_files();
  r.pidfd = std::move(spawned->pidfd);
  r.process = spawned->identity;
  r.group_is_own = true;
  r.started = steady_clock::now();
  r.says_ready = false;
  r.status.clear();
  r.busy.reset();
  took_up(r);
  if (says_ready_ == r.fingerprint) {
    r.ready = false;
    r.deadline = r.started + kMostUntilReady;
  }
  return {};
}

void ProcessPool::took_up(ProcessReplica& r) {
  const auto before = r.state();
  r.phase = Phase::kRunning;
  r.killed = false;
  r.ready = steady_clock::now() - r.started >= options_.spec.ready_after;
  if (!r.stopping) {
    r.deadline.reset();
    if (!r.ready) r.deadline = r.started + options_.spec.ready_after;
  }
  if (r.state() != before) r.since = clock_.now();
  supervisor_.notify(options_.state_directory).hear(r.process.pid, [this, &r](const Notification& told) {
    heard(r, told);
  });
  // Without room for a watch, housekeeping finds out that it has ended.
  (void)supervisor_.watch(r.pidfd.get(), [this, &r] { on_end(r); });
  touch_record();
}

void ProcessPool::stop(ProcessReplica& r) {
  r.stopping = true;
  r.since = clock_.now();
  switch (r.phase) {
    case Phase::kWaiting:
      return remove(r);
    case Phase::kRunning:
      terminate(r.pidfd);
      r.deadline = steady_clock::now() + options_.spec.stop_grace_period;
      break;
    case Phase::kLeaving:
      break;  // it had its SIGTERM, and its deadline stands
  }
  touch_record();
}

void ProcessPool::on_end(ProcessReplica& r) {
  if (!has_ended(r.pidfd)) return;
  supervisor_.forget(r.pidfd.get());
  look_soon_after(r);
}

void ProcessPool::look_soon_after(ProcessReplica& r) {
  if (std::ranges::find(ended_, &r) != ended_.end()) return;
  ended_.push_back(&r);
  const auto self = shared_from_this();
  supervisor_.look_for_left(this, {[self] { return self->ended_now(); },
                                   [self](const auto& left) { self->look_after_ended(left); }});
}

std::vector<EndedReplica> ProcessPool::ended_now() {
  std::vector<EndedReplica> wanted;
  for (auto* r : ended_) {
    if (r->phase == Phase::kRunning) first_process_ended(*r);
    wanted.push_back({r->token, r->process, r->zombie_is_ours && r->group_is_own});
  }
  return wanted;
}

void ProcessPool::look_after_ended(std::span<const std::vector<ProcessIdentity>> left) {
  const auto ended = std::exchange(ended_, {});
  for (std::size_t i = 0; i < ended.size(); ++i) {
    if (left[i].empty())
      nothing_left(*ended[i]);
    else
      end_left(*ended[i], left[i]);
  }
  plan();
}

void ProcessPool::first_process_ended(ProcessReplica& r) {
  siginfo_t info{};
  // It stays a zombie until nothing is left of its group: so long nobody else can have the group's number.
  r.zombie_is_ours =
      ::waitid(P_PIDFD, static_cast<id_t>(r.pidfd.get()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid != 0;
  const Duration ran = steady_clock::now() - r.started;
  r.finished = r.zombie_is_ours && info.si_code == CLD_EXITED && info.si_status == 0;
  r.ended = fmt::format("{} after {}", r.zombie_is_ours ? how_it_ended(info) : "ended", short_duration(ran));
  const auto before = r.state();
  r.ran = ran;
  r.phase = Phase::kLeaving;
  if (!r.stopping) r.deadline = steady_clock::now() + options_.spec.stop_grace_period;
  if (r.state() != before) r.since = clock_.now();
  touch();
}

void ProcessPool::end_left(ProcessReplica& r, const std::vector<ProcessIdentity>& left) {
  if (!r.told_left) {
    r.told_left = true;
    r.ended += fmt::format(", leaving {} of its processes behind{}", left.size(),
                           r.ended.starts_with("exit code 0 ") ? " (it must stay in the foreground)" : "");
    touch();
  }
  for (const auto& fd : r.left) supervisor_.forget(fd.get());
  r.left.clear();
  // A group that forks as fast as it is killed is caught as a whole; the zombie keeps the number ours.
  if (r.killed && r.zombie_is_ours && r.group_is_own) ::kill(-r.process.pid, SIGKILL);
  for (const auto& p : left) {
    Fd pidfd = open_process(p);
    if (!pidfd) continue;
    if (r.killed) {
      send_signal(pidfd, SIGKILL);
    } else if (std::ranges::find(r.terminated, p) == r.terminated.end()) {
      terminate(pidfd);
      r.terminated.push_back(p);
    }
    if (r.left.size() >= kMostWatched) continue;
    const int fd = pidfd.get();
    const bool watched = supervisor_.watch(fd, [this, &r, fd] {
      supervisor_.forget(fd);
      std::erase_if(r.left, [&](const Fd& f) { return f.get() == fd; });
      if (r.left.empty()) {
        r.look_again = steady_clock::now();
        plan();
      }
    });
    if (watched) r.left.push_back(std::move(pidfd));
  }
  r.look_again = steady_clock::now() + (r.left.empty() ? kLookAgainSoon : kLookAgain);
}

void ProcessPool::nothing_left(ProcessReplica& r) {
  forget(r);
  if (r.zombie_is_ours) {
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(r.pidfd.get()), &info, WEXITED | WNOHANG);
  }
  r.zombie_is_ours = false;
  r.pidfd.reset();
  r.process = {};
  r.terminated.clear();
  r.told_left = false;
  r.look_again.reset();
  r.deadline.reset();
  // The last words of a replica that talks much and dies at once.
  (void)r.output.cut(options_.care.output_cap, 0);
  if (r.stopping) {
    killed_stops_.ended(std::ranges::any_of(replicas_, [&](const ProcessReplica& other) {
      return &other != &r && other.stopping && other.has_process();
    }));
    return remove(r);
  }
  crashed(r, r.ran);
}

void ProcessPool::crashed(ProcessReplica& r, Duration ran) {
  if (!options_.restart) {
    news(fmt::format("{}: {}; not started again (dry run)", r.id, r.ended));
    return remove(r);
  }
  const auto before = r.state();
  r.phase = Phase::kWaiting;
  r.proven = r.finished && (r.ready || r.proven);
  r.at_once = r.finished && !r.proven ? r.at_once + 1 : 0;
  r.ready = false;
  Duration pause{};
  if (r.finished) {
    r.failures = 0;
    pause = std::max<Duration>(Duration::zero(), kFinishedPause - ran);
  } else if (ran >= options_.care.stable_after) {
    r.failures = 0;
  } else {
    ++r.failures;
    pause = pause_after(r.failures, options_.care.first_backoff, options_.care.longest_backoff);
  }
  r.deadline = steady_clock::now() + pause;
  if (r.state() != before) r.since = clock_.now();
  // It goes on for ever, the log does not: the 1st, 2nd, 4th, 8th ... failure in a row.
  const int times = r.finished ? r.restarts : r.failures;
  if ((times & (times - 1)) == 0) {
    news(fmt::format(
        "{}: {}; {}{}", r.id, r.ended,
        pause > Duration::zero() ? "next start in " + short_duration(pause) : "started again at once",
        r.output.path().empty() ? "" : "; output: " + r.output.path()));
  }
  touch_record();
}

void ProcessPool::kill_running(ProcessReplica& r) {
  if (!r.killed) {
    killed_stops_.killed(r.id, options_.spec.stop_grace_period);
    news(fmt::format("{} did not end within its grace period of {}: killed", r.id,
                     short_duration(options_.spec.stop_grace_period)));
  }
  r.killed = true;
  // The group's number is its own for as long as the leader has not been waited for, and that is proved by
  // the pidfd.
  if (r.group_is_own && !has_ended(r.pidfd)) ::kill(-r.process.pid, SIGKILL);
  send_signal(r.pidfd, SIGKILL);
  r.deadline = steady_clock::now() + kKillAgain;
  touch();
}

void ProcessPool::on_deadline(ProcessReplica& r) {
  r.deadline.reset();
  switch (r.phase) {
    case Phase::kWaiting:
      ++r.restarts;
      if (!start(r)) touch();  // the failure is the replica's, which waits again
      return;
    case Phase::kRunning:
      if (r.stopping) return kill_running(r);
      return end_start_up(r);
    case Phase::kLeaving:
      r.look_again = steady_clock::now();
      if (std::exchange(r.killed, true)) return;
      if (r.stopping) killed_stops_.killed("what " + r.id + " left behind", options_.spec.stop_grace_period);
      news(fmt::format("what {} left behind did not end within {}: killed", r.id,
                       short_duration(options_.spec.stop_grace_period)));
      touch();
      return;
  }
}

void ProcessPool::forget(ProcessReplica& r) {
  if (r.process.pid > 0) supervisor_.notify(options_.state_directory).forget(r.process.pid);
  if (r.pidfd) supervisor_.forget(r.pidfd.get());
  for (const auto& fd : r.left) supervisor_.forget(fd.get());
  r.left.clear();
  std::erase(ended_, &r);
}

void ProcessPool::remove(ProcessReplica& r) {
  forget(r);
  std::erase_if(replicas_, [&](const ProcessReplica& other) { return &other == &r; });
  touch_record();
}

void ProcessPool::close() {
  if (closed_) return;
  closed_ = true;
  supervisor_.no_wake(this);
  supervisor_.no_look(this);
  const Error ending{ErrorCode::kUnavailable, "docktor is ending; the replicas go on", true};
  if (order_) {
    auto done = std::move(order_->done);
    order_.reset();
    done(tl::unexpected(ending));
  }
  files_.write(replicas_, says_ready_);
  for (auto& r : replicas_) {
    forget(r);
    if (r.pidfd) supervisor_.reap_later(std::move(r.pidfd), r.process);
  }
  replicas_.clear();
}

}  // namespace docktor
