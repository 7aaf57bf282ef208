#include "core/target.h"

#include <fmt/format.h>

namespace docktor {

std::string not_placed_text(const std::vector<Replica>& replicas) {
  int n = 0;
  std::string why;
  for (const auto& r : replicas) {
    if (r.state != ReplicaState::kNotPlaced) continue;
    ++n;
    if (why.empty()) why = r.note;  // the engine says the same of all of them, as a rule
  }
  if (n == 0) return {};
  return fmt::format("{} replica{} for room{}{}", n, n == 1 ? " waits" : "s wait", why.empty() ? "" : ": ",
                     why);
}

}  // namespace docktor
