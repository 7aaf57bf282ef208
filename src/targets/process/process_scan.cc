#include "targets/process/process_scan.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>

namespace docktor {
namespace {

// Somebody else's process may carry any text in its environment: it is no replica of ours.
bool ours(pid_t pid) {
  struct stat s{};
  return pid != ::getpid() && ::stat(fmt::format("/proc/{}", pid).c_str(), &s) == 0 &&
         s.st_uid == ::geteuid() && in_our_pid_namespace(pid);
}

// Those whose token begins so.
ProcessesByToken find_by_prefix(const std::string& prefix) {
  ProcessesByToken found;
  for (const pid_t pid : list_processes()) {
    if (!ours(pid)) continue;
    const auto stat = read_process_stat(pid);
    if (!stat || stat->dead()) continue;
    const auto token = process_environment(pid, kTokenVariable);
    if (token && token->starts_with(prefix)) found[*token].push_back(*stat);
  }
  for (auto& [token, processes] : found) {
    std::ranges::sort(processes, {},
                      [](const ProcessStat& s) { return std::pair(s.identity.start_ticks, s.identity.pid); });
  }
  return found;
}

}  // namespace

ProcessesByToken find_by_pool(const std::string& pool) { return find_by_prefix(pool + "/"); }

ProcessesByToken PoolScan::find(const std::string& pool) {
  const auto now = std::chrono::steady_clock::now();
  if (!seen_at_ || now - *seen_at_ > kFresh) {
    seen_ = find_by_prefix("");
    seen_at_ = now;
  }
  const auto prefix = pool + "/";
  const auto first = seen_.lower_bound(prefix);
  const auto last = std::find_if_not(first, seen_.end(),
                                     [&](const auto& entry) { return entry.first.starts_with(prefix); });
  return {first, last};
}

std::vector<std::vector<ProcessIdentity>> find_left(const std::vector<EndedReplica>& ended) {
  std::vector<std::vector<ProcessIdentity>> left(ended.size());
  std::unordered_map<pid_t, std::size_t> by_group;
  std::unordered_map<std::string, std::size_t> by_token;
  std::uint64_t oldest = UINT64_MAX;
  for (std::size_t i = 0; i < ended.size(); ++i) {
    if (ended[i].group_is_pinned) by_group[ended[i].leader.pid] = i;
    by_token[ended[i].token] = i;
    oldest = std::min(oldest, ended[i].leader.start_ticks);
  }
  for (const pid_t pid : list_processes()) {
    const auto stat = read_process_stat(pid);
    if (!stat || stat->dead() || stat->identity.start_ticks < oldest)
      continue;  // nobody is older than his ancestor
    if (const auto it = by_group.find(stat->group); it != by_group.end()) {
      left[it->second].push_back(stat->identity);
      continue;
    }
    if (!ours(pid)) continue;
    const auto token = process_environment(pid, kTokenVariable);
    if (!token) continue;
    if (const auto it = by_token.find(*token); it != by_token.end())
      left[it->second].push_back(stat->identity);
  }
  return left;
}

}  // namespace docktor
