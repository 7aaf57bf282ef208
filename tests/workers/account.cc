// What came of a trial, from the workers' records and the journal.
#include "tests/workers/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>

namespace docktor::test {
namespace {

using Json = nlohmann::json;

// First begin of each message; a redelivery does not count.
std::map<long, Begun> begun_messages(const std::string& file) {
  std::map<long, Begun> all;
  std::ifstream in(file);
  double pid = 0;
  long number = 0, intended = 0, begun = 0;
  while (in >> number >> intended >> begun >> pid) {
    const Begun b{static_cast<double>(intended) / 1e9, static_cast<double>(begun) / 1e9};
    const auto [it, first] = all.try_emplace(number, b);
    if (!first) it->second.begun = std::min(it->second.begun, b.begun);
  }
  return all;
}

double replica_seconds(const std::vector<std::pair<double, int>>& counts, double from, double to) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double begin = std::max(from, counts[i].first);
    const double end = std::min(to, i + 1 < counts.size() ? counts[i + 1].first : to);
    if (end > begin) sum += (end - begin) * counts[i].second;
  }
  return sum;
}

void waits(const std::map<long, Begun>& begun, double max_wait, Outcome& out) {
  std::vector<double> all;
  for (const auto& [number, b] : begun) all.push_back(b.begun - b.intended);
  if (all.empty()) return;
  std::sort(all.begin(), all.end());
  out.p99 = all[std::min(all.size() - 1, static_cast<std::size_t>(0.99 * static_cast<double>(all.size())))];
  out.longest = all.back();
  out.late = static_cast<double>(all.end() - std::upper_bound(all.begin(), all.end(), max_wait)) /
             static_cast<double>(all.size());
}

}  // namespace

double longest_stand_still(const std::vector<Begun>& messages,
                           const std::vector<std::pair<double, int>>& counts, double max_wait, int most) {
  std::vector<std::pair<double, double>> late;  // times at which some message was late
  for (const Begun& b : messages) {
    if (b.begun - b.intended > max_wait) late.emplace_back(b.intended + max_wait, b.begun);
  }
  std::sort(late.begin(), late.end());
  std::vector<std::pair<double, double>> joined;
  for (const auto& span : late) {
    if (!joined.empty() && span.first <= joined.back().second) {
      joined.back().second = std::max(joined.back().second, span.second);
    } else {
      joined.push_back(span);
    }
  }
  double longest = 0;
  for (std::size_t i = 0; i < counts.size();) {
    std::size_t next = i + 1;
    while (next < counts.size() && counts[next].second == counts[i].second) ++next;
    const double to = next < counts.size() ? counts[next].first : 1e300;
    if (counts[i].second < most) {
      for (const auto& [begin, end] : joined)
        longest = std::max(longest, std::min(to, end) - std::max(counts[i].first, begin));
    }
    i = next;
  }
  return longest;
}

int longest_idle_looks(const std::vector<Json>& decisions, double max_wait, int most) {
  int longest = 0, run = 0, held = -1;
  for (const Json& d : decisions) {
    const int current = d["current_replicas"], target = d["target_replicas"];
    if (target != current || current >= most || current != held) run = 0;
    held = target;
    const auto numbers = d.value("numbers", Json::object());
    if (numbers.contains("oldest_wait") && numbers["oldest_wait"] <= max_wait) run = 0;
    if (target != current || current >= most || !numbers.contains("oldest_wait")) continue;
    const auto replicas = d.value("replicas", Json::object());
    const bool starting = replicas.value("ready", current) < current;
    if (numbers["oldest_wait"] > max_wait && !starting) longest = std::max(longest, ++run);
  }
  return longest;
}

Outcome account(const Played& played, const std::string& record_file, const std::vector<Json>& decisions,
                double max_wait, int most) {
  Outcome out;
  const auto begun = begun_messages(record_file);
  out.sent = played.sent;
  out.lost = played.sent - static_cast<long>(begun.size());
  waits(begun, max_wait, out);

  std::vector<std::pair<double, int>> counts;
  double last_move = -1;
  for (const Json& d : decisions) {
    const int target = d["target_replicas"];
    counts.emplace_back(d["t"], target);
    out.most = std::max(out.most, target);
    const std::string reason = d.value("reason", "");
    if (reason.find("more replicas do not help") != std::string::npos) ++out.claims;
    if (d["decision"] != "hold" || d["t"].get<double>() - last_move > 5) {
      last_move = d["t"];
      out.moves += fmt::format("{:6.1f} s {}→{} {}\n", last_move - played.begin,
                               d["current_replicas"].get<int>(), target, reason);
    }
  }
  std::vector<Begun> messages;
  for (const auto& [number, b] : begun) messages.push_back(b);
  out.stand_still = longest_stand_still(messages, counts, max_wait, most);
  out.idle_looks = longest_idle_looks(decisions, max_wait, most);
  if (played.work > 0) out.rho = replica_seconds(counts, played.begin, played.end) / played.work;
  return out;
}

}  // namespace docktor::test
