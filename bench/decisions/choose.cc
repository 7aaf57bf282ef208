#include "bench/decisions/choose.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace docktor::bench {
namespace {

// What a setting comes to on the tuning loads of a setup.
struct Tried {
  std::size_t kept = 0;
  double late = 0;  // mean share
  double cost = 0;  // geometric mean of the replica-seconds
};

Tried tried(const Runs& runs, std::size_t setup, const std::string& policy, std::size_t setting) {
  const Setup& s = runs.setups()[setup];
  Tried t;
  std::vector<double> costs;
  for (std::size_t l = s.judged.size(); l < s.loads(); ++l) {
    const auto& r = runs.of({setup, l, policy, setting, 1});
    t.kept += r.over <= kKept;
    t.late += r.over / static_cast<double>(s.tuning.size());
    costs.push_back(r.replica_seconds);
  }
  t.cost = geometric_mean(costs);
  return t;
}

bool better(const Tried& a, const Tried& b) {
  if (a.kept != b.kept) return a.kept > b.kept;
  return a.kept > 0 ? a.cost < b.cost : a.late < b.late;
}

}  // namespace

double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += std::log(v);
  return values.empty() ? 0 : std::exp(sum / static_cast<double>(values.size()));
}

const peers::Peer& peer_named(const std::string& name) {
  return *std::find_if(peers::all().begin(), peers::all().end(),
                       [&](const auto& p) { return p.name == name; });
}

std::vector<Job> tuning_jobs(const Runs& runs, std::size_t setup, const std::vector<std::string>& peers) {
  std::vector<Job> jobs;
  const Setup& s = runs.setups()[setup];
  for (std::size_t l = s.judged.size(); l < s.loads(); ++l) {
    jobs.push_back({setup, l, "objective", 0, 1});
    for (const auto& peer : peers) {
      for (std::size_t setting = 0; setting < peer_named(peer).settings.size(); ++setting)
        jobs.push_back({setup, l, peer, setting, 1});
    }
  }
  return jobs;
}

std::vector<std::size_t> chosen(const Runs& runs, std::size_t setup, const std::string& peer) {
  const Tried ours = tried(runs, setup, "objective", 0);
  std::optional<std::pair<std::size_t, Tried>> keeping, as_late;
  for (std::size_t s = 0; s < peer_named(peer).settings.size(); ++s) {
    const Tried t = tried(runs, setup, peer, s);
    if (!keeping || better(t, keeping->second)) keeping = {s, t};
    if (t.late <= ours.late && (!as_late || t.cost < as_late->second.cost)) as_late = {s, t};
  }
  std::vector<std::size_t> settings{keeping->first};
  if (as_late && as_late->first != keeping->first) settings.push_back(as_late->first);
  return settings;
}

}  // namespace docktor::bench
