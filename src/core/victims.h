// Which replicas stop first, for targets that choose themselves (KindKeys::chooses_victims).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace docktor {

struct Candidate {
  std::string id;
  bool unhealthy = false;      ///< fails its health check, or exits at once
  bool outdated = false;       ///< runs what the configuration no longer says
  bool starting = false;       ///< not able to work yet: it has nothing in hand
  std::optional<double> busy;  ///< CPU in percent of one core; absent: it was not sampled
  std::int64_t age_order = 0;  ///< larger is newer
  int number = 0;              ///< of those made at the same instant the highest goes first
};

/// The ids to stop, at most `how_many`, in order: unhealthy, then outdated, then starting, then least busy,
/// then newest. Less than 1 % of a core is no difference. One without a sample may be busy: it goes after the
/// sampled ones. Pure.
std::vector<std::string> victims(std::vector<Candidate> candidates, std::size_t how_many);

}  // namespace docktor
