#include "targets/process/proc_usage.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

namespace docktor {

using std::chrono::steady_clock;

namespace {

constexpr auto kLeastBetween =
    std::chrono::milliseconds(50);  // five ticks: below, the figure is mostly rounding

}  // namespace

std::optional<std::uint64_t> GroupMeter::used_since(pid_t group, const std::vector<ProcessStat>& processes) {
  std::unordered_map<pid_t, ProcessStat> now;
  std::optional<ProcessIdentity> leader;
  for (const auto& p : processes) {
    now[p.identity.pid] = p;
    if (p.identity.pid == group) leader = p.identity;
  }
  const auto before = std::exchange(before_, std::move(now));
  const auto leader_before = std::exchange(leader_, leader);
  if (!leader || leader != leader_before) return std::nullopt;

  // What the processes that are gone had used when last seen, by the nearest ancestor that lives: when each
  // was waited for by its parent, as most are, that is where their time is now.
  const auto lives = [&](pid_t pid) {
    const auto then = before.find(pid);
    const auto still = before_.find(pid);
    return then != before.end() && still != before_.end() && then->second.identity == still->second.identity;
  };
  std::unordered_map<pid_t, std::uint64_t> counted;
  for (const auto& [pid, p] : before) {
    if (lives(pid)) continue;
    pid_t ancestor = p.parent;
    for (std::size_t steps = 0; steps < before.size() && !lives(ancestor); ++steps) {
      const auto it = before.find(ancestor);
      if (it == before.end()) break;
      ancestor = it->second.parent;
    }
    counted[ancestor] += p.own_ticks + p.children_ticks;
  }
  const auto growth = [](std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; };
  std::uint64_t used = 0;
  for (const auto& [pid, p] : before_) {
    const bool known = lives(pid);
    used += growth(known ? before.at(pid).own_ticks : 0, p.own_ticks);
    const auto of_children = growth(known ? before.at(pid).children_ticks : 0, p.children_ticks);
    const auto it = counted.find(pid);
    used += growth(it == counted.end() ? 0 : it->second, of_children);
  }
  return used;
}

void ProcessTable::list(TimePoint now) {
  listed_ = now;
  const bool all = !read_all_ || now >= *read_all_ + kReadAllAfter;
  if (all) read_all_ = now;
  for (auto& [pid, k] : known_) k.seen = false;
  DIR* const folder = ::opendir("/proc");
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    auto& k = known_[pid];
    k.seen = true;
    if (!all && k.inode == entry->d_ino) continue;
    const auto stat = read_process_stat(pid);
    k.inode = entry->d_ino;
    k.group = stat ? stat->group : 0;
  }
  ::closedir(folder);
  std::erase_if(known_, [](const auto& k) { return !k.second.seen; });
  by_group_.clear();
  for (const auto& [pid, k] : known_) by_group_[k.group].push_back(pid);
}

std::vector<std::vector<ProcessStat>> ProcessTable::members(const std::vector<pid_t>& groups, TimePoint now) {
  // A group whose leader did not lead it at the last listing is too young for that.
  bool young = false;
  for (const pid_t g : groups) {
    const auto it = known_.find(g);
    if (it != known_.end() && it->second.group == g) continue;
    young = true;
    if (it != known_.end()) known_.erase(it);
  }
  if (!listed_ || young || now >= *listed_ + kListingGoodFor) list(now);
  std::vector<std::vector<ProcessStat>> out(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto it = by_group_.find(groups[i]);
    if (it == by_group_.end()) continue;
    for (const pid_t pid : it->second) {
      const auto stat = read_process_stat(pid);
      if (stat && stat->group == groups[i]) out[i].push_back(*stat);
    }
  }
  return out;
}

ProcReader::ProcReader() : thread_([this] { loop(); }) {}

ProcReader::~ProcReader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ProcReader::post(std::function<void(ProcessTable&, bool)> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void ProcReader::loop() {
  ProcessTable table;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    const bool ending = stop_;
    lock.unlock();
    job(table, !ending);
    job = nullptr;
    lock.lock();
  }
}

// Of the reader's thread only.
struct ProcUsageSource::State {
  struct Of {
    pid_t group = 0;
    GroupMeter meter;
    std::optional<steady_clock::time_point> at;
    std::optional<double> cpu;  // the last figure
  };
  std::map<std::string, Of> replicas;

  std::vector<ReplicaUsage> read(ProcessTable& table, const std::vector<Replica>& wanted);
};

std::vector<ReplicaUsage> ProcUsageSource::State::read(ProcessTable& table,
                                                       const std::vector<Replica>& wanted) {
  const auto now = steady_clock::now();
  std::map<std::string, Of> kept;
  std::vector<const Replica*> asked;
  std::vector<pid_t> groups;
  for (const auto& r : wanted) {
    if (r.state != ReplicaState::kReady || r.pid <= 0) continue;
    const auto it = replicas.find(r.id);
    const bool same = it != replicas.end() && it->second.group == r.pid;
    auto& of = kept[r.id] = same ? std::move(it->second) : Of{};
    of.group = static_cast<pid_t>(r.pid);
    asked.push_back(&r);
    groups.push_back(of.group);
  }
  replicas = std::move(kept);

  const auto members = table.members(groups, now);
  std::vector<ReplicaUsage> out;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto& of = replicas[asked[i]->id];
    if (members[i].empty()) continue;
    const auto read_at = steady_clock::now();
    if (!of.at || read_at >= *of.at + kLeastBetween) {
      const auto used = of.meter.used_since(of.group, members[i]);
      of.cpu.reset();
      if (used && of.at) {
        const double seconds = std::chrono::duration<double>(read_at - *of.at).count();
        of.cpu = 100.0 * static_cast<double>(*used) / static_cast<double>(ticks_per_second()) / seconds;
      }
      of.at = read_at;
    }
    if (!of.cpu) continue;
    ReplicaUsage u;
    u.id = asked[i]->id;
    u.cpu = *of.cpu;
    u.mem = 0;
    for (const auto& p : members[i]) *u.mem += static_cast<double>(p.resident_bytes);
    out.push_back(std::move(u));
  }
  return out;
}

ProcUsageSource::ProcUsageSource(ProcReader& reader) : reader_(reader), state_(std::make_shared<State>()) {}

void ProcUsageSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  const auto deadline = steady_clock::now() + request.timeout;
  reader_.post([state = state_, replicas = request.replicas, deadline, done = std::move(done)](
                   ProcessTable& table, bool go_on) {
    if (!go_on) return done(fail(ErrorCode::kUnavailable, "docktor is ending", true));
    if (steady_clock::now() > deadline) {
      return done(fail(ErrorCode::kTimeout, "reading /proc took too long; the machine is overloaded", true));
    }
    Reading reading;
    reading.usage = state->read(table, replicas);
    done(std::move(reading));
  });
}

std::vector<Finding> ProcUsageSource::check(Duration) {
  if (read_process_stat(::getpid())) return {{Severity::kOk, "CPU and memory can be read from /proc", ""}};
  return {
      {Severity::kError, "CPU and memory cannot be read: /proc is not mounted", "mount -t proc proc /proc"}};
}

}  // namespace docktor
