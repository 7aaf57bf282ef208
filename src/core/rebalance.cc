#include "core/rebalance.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "core/saved_time.h"

namespace docktor {

namespace {

constexpr Duration kShortest = std::chrono::milliseconds(500);  // less is not worth a wait

std::optional<Time> past_time(const nlohmann::json& state, const char* key, Time now) {
  auto at = restored_time(state, key);
  if (at) at = std::min(now, *at);  // the clock was set back
  return at;
}

}  // namespace

void RebalanceMeter::believe(Duration length) {
  seen_.length = length < kShortest ? Duration::zero() : std::min(length, kLongest);
}

void RebalanceMeter::observe(Time at, int replicas, bool rebalancing) {
  if (replicas_ && *replicas_ != replicas) {
    if (changed_ && at - *changed_ > kLongest) believe(seen_.length / 2);
    changed_ = at;
  }
  replicas_ = replicas;
  if (rebalancing) {
    if (!began_) began_ = at;
    changed_.reset();
  } else if (began_) {
    const Duration length = std::min(at - *began_, kLongest);
    believe(std::max(length, (seen_.length + length) / 2));
    seen_.over = at;
    began_.reset();
  }
}

void RebalanceMeter::save(nlohmann::json& state) const {
  if (seen_.length <= Duration::zero() && !seen_.over && !began_) return;
  state = nlohmann::json::object();
  if (seen_.length > Duration::zero()) state["length"] = seen_.length.count();
  if (seen_.over) state["over"] = saved(*seen_.over);
  if (began_) state["began"] = saved(*began_);
  if (changed_) state["changed"] = saved(*changed_);
  if (replicas_) state["replicas"] = *replicas_;
}

void RebalanceMeter::restore(const nlohmann::json& state, Time now) {
  if (!state.is_object()) return;
  if (const auto it = state.find("length"); it != state.end() && it->is_number_integer()) {
    const Duration length(it->get<std::int64_t>());
    if (length > Duration::zero() && length <= kLongest) believe(length);
  }
  seen_.over = past_time(state, "over", now);
  began_ = past_time(state, "began", now);
  changed_ = past_time(state, "changed", now);
  if (const auto it = state.find("replicas"); it != state.end() && it->is_number_integer())
    replicas_ = it->get<int>();
}

}  // namespace docktor
