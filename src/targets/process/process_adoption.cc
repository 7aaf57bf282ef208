// How a pool finds the replicas that an earlier docktor (or an earlier object) left running.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "os/atomic_file.h"
#include "targets/process/process_pool.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// <pool>/<id>/<fingerprint>/<random>; an id has no slash that matters, for the other parts are taken from the
// ends.
struct Token {
  std::string pool, id, fingerprint;
};

std::optional<Token> parse_token(const std::string& text) {
  const auto first = text.find('/');
  const auto last = text.rfind('/');
  if (first == std::string::npos || last <= first + 1) return std::nullopt;
  const auto middle = text.rfind('/', last - 1);
  if (middle <= first) return std::nullopt;
  return Token{text.substr(0, first), text.substr(first + 1, middle - first - 1),
               text.substr(middle + 1, last - middle - 1)};
}

ProcessReplica& add_named(std::list<ProcessReplica>& replicas, const std::string& service,
                          const std::string& id) {
  // Our ids end in a number; one that is taken, or that we never gave, becomes the lowest free one.
  int number = 0;
  const auto prefix = service + "-";
  if (id.starts_with(prefix)) std::from_chars(id.data() + prefix.size(), id.data() + id.size(), number);
  const bool taken =
      std::ranges::any_of(replicas, [&](const ProcessReplica& r) { return r.number == number; });
  if (number <= 0 || taken || id != prefix + std::to_string(number))
    number = free_numbers(replicas, 1).front();
  auto& r = replicas.emplace_back();
  r.number = number;
  r.id = prefix + std::to_string(number);
  return r;
}

}  // namespace

void ProcessPool::adopt() {
  for (const auto& folder : {options_.state_directory, options_.log_directory}) {
    if (auto made = make_folder(folder); !made) news("⚠ " + made.error().message);
  }
  auto record = files_.read();
  if (!record && record.error().code != ErrorCode::kNotFound) news("⚠ " + record.error().message);
  std::string recorded_pool;
  if (record && !record->replicas.empty()) {
    if (const auto token = parse_token(record->replicas.front().token)) recorded_pool = token->pool;
  }
  if (const auto kept = files_.identify(recorded_pool); !kept) {
    news(fmt::format(
        "⚠ {}; should docktor crash before this can be written, it may not find its replicas again",
        kept.error().message));
  }

  if (record) says_ready_ = record->says_ready;
  std::vector<std::string> gone;
  if (record && files_.of_this_boot(*record)) {
    for (const auto& r : record->replicas) adopt_recorded(r, gone);
  } else if (record && !record->replicas.empty()) {
    news(fmt::format("the machine was started anew: {} recorded replicas are gone", record->replicas.size()));
  }
  for (const auto& [token, processes] : supervisor_.scan().find(files_.identity())) {
    const bool known =
        std::ranges::any_of(replicas_, [&, &t = token](const ProcessReplica& r) { return r.token == t; });
    if (known) continue;
    const bool leader_gone =
        record && std::ranges::any_of(record->replicas,
                                      [&, &t = token](const RecordedReplica& r) { return r.token == t; });
    adopt_found(token, processes, leader_gone);
  }

  replicas_.sort([](const ProcessReplica& a, const ProcessReplica& b) {
    return std::pair(a.process.start_ticks, a.process.pid) < std::pair(b.process.start_ticks, b.process.pid);
  });
  std::vector<std::string> adopted;
  for (auto& r : replicas_) {
    r.order = next_order_++;
    if (r.phase == Phase::kRunning && !r.stopping)
      adopted.push_back(fmt::format("{} (pid {})", r.id, r.process.pid));
  }
  if (!adopted.empty())
    news(fmt::format("adopted {} running replicas: {}", adopted.size(), fmt::join(adopted, ", ")));
  if (!gone.empty()) news(fmt::format("ended while docktor was away: {}", fmt::join(gone, ", ")));
  record_changed_ = !replicas_.empty() || record.has_value();
  publish();
  keep_files();
  plan();
}

void ProcessPool::adopt_recorded(const RecordedReplica& recorded, std::vector<std::string>& gone) {
  Fd pidfd = supervisor_.take_back(recorded.process);
  if (!pidfd) pidfd = open_process(recorded.process);
  const auto stat = read_process_stat(recorded.process.pid);
  // A token that differs outweighs a start time that agrees; one that cannot be read (another user's,
  // overwritten) does not.
  const auto token = process_environment(recorded.process.pid, kTokenVariable);
  if (!pidfd || !stat || stat->identity != recorded.process || (token && *token != recorded.token)) {
    if (!recorded.stopping) gone.push_back(fmt::format("{} (pid {})", recorded.id, recorded.process.pid));
    return;
  }
  auto& r = add_named(replicas_, options_.service, recorded.id);
  r.token = recorded.token;
  r.fingerprint = recorded.fingerprint;
  r.restarts = recorded.restarts;
  r.output = ProcessOutput::of(recorded.output, recorded.process.pid);
  if (recorded.stopping) {
    // It had its SIGTERM. A second one makes some workers drop what they hold: it has only its time to
    // finish.
    r.stopping = true;
    r.deadline = std::min(TimePoint(milliseconds(recorded.kill_at_ms)),
                          steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(
                                                    options_.spec.stop_grace_period));
  }
  hold(r, std::move(pidfd), *stat);
}

void ProcessPool::adopt_found(const std::string& token, const std::vector<ProcessStat>& processes,
                              bool leader_gone) {
  const auto parts = parse_token(token);
  if (!parts) return;
  const auto leader =
      std::ranges::find_if(processes, [](const ProcessStat& s) { return s.identity.pid == s.group; });
  Fd pidfd;
  if (!leader_gone && leader != processes.end()) {
    pidfd = supervisor_.take_back(leader->identity);
    if (!pidfd) pidfd = open_process(leader->identity);
  }
  auto& r = add_named(replicas_, options_.service, parts->id);
  r.token = token;
  r.fingerprint = parts->fingerprint;
  if (pidfd) {
    r.output = ProcessOutput::of(output_path(options_, r.id), leader->identity.pid);
    return hold(r, std::move(pidfd), *leader);
  }
  // Its first process has ended, others of it live on: they are ended, too.
  r.process = {0, processes.front().identity.start_ticks};
  r.phase = Phase::kLeaving;
  r.stopping = true;
  r.since = clock_.now();
  r.deadline = steady_clock::now() + options_.spec.stop_grace_period;
  look_soon_after(r);
}

void ProcessPool::hold(ProcessReplica& r, Fd pidfd, const ProcessStat& stat) {
  r.pidfd = std::move(pidfd);
  r.process = stat.identity;
  r.group_is_own = stat.group == stat.identity.pid;
  const Duration ran = age(stat.identity);
  r.started = steady_clock::now() - ran;
  took_up(r);
  r.since = clock_.now();
  if (r.ready && !r.stopping) r.since -= ran - options_.spec.ready_after;
}

}  // namespace docktor
