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

void RebalanceMeter::observe(Time at, int replicas, bool rebalancing,
                             std::optional<std::uint64_t> consumers) {
  if (replicas_ && *replicas_ != replicas) {
    if (changed_ && at - *changed_ > kLongest) believe(seen_.length / 2);
    changed_ = ordered_ = at;
  }
  if (!replicas_) ordered_ = at;  // who is there at the first look may have begun just now
  replicas_ = replicas;
  const std::int64_t beyond = consumers ? static_cast<std::int64_t>(*consumers) - replicas : 0;
  if (rebalancing) {
    if (!began_) {
      began_ = at;
      ours_ = ordered_ && at - *ordered_ <= kLongest;
    }
    changed_.reset();
    ours_ = ours_ && beyond <= others_;
    return;
  }
  if (began_) end(at);
  // Who has just been stopped is a consumer for a while yet.
  if (!changed_ || at - *changed_ > kLongest) others_ = std::max<std::int64_t>(0, beyond);
}

void RebalanceMeter::end(Time at) {
  const Duration length = std::min(at - *began_, kLongest);
  if (ours_) believe(std::max(length, (seen_.length + length) / 2));
  seen_.over = at;
  began_.reset();
}

void RebalanceMeter::save(nlohmann::json& state) const {
  if (seen_.length <= Duration::zero() && !seen_.over && !began_) return;
  state = nlohmann::json::object();
  if (seen_.length > Duration::zero()) state["length"] = seen_.length.count();
  if (seen_.over) state["over"] = saved(*seen_.over);
  if (began_) state["began"] = saved(*began_);
  if (began_) state["ours"] = ours_;
  if (ordered_) state["ordered"] = saved(*ordered_);
  if (changed_) state["changed"] = saved(*changed_);
  if (others_ > 0) state["others"] = others_;
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
  const auto ours = state.find("ours");
  ours_ = ours != state.end() && ours->is_boolean() && ours->get<bool>();
  changed_ = past_time(state, "changed", now);
  ordered_ = past_time(state, "ordered", now);
  if (const auto it = state.find("others"); it != state.end() && it->is_number_unsigned())
    others_ = static_cast<std::int64_t>(std::min<std::uint64_t>(it->get<std::uint64_t>(), 1'000'000));
  if (const auto it = state.find("replicas"); it != state.end() && it->is_number_integer())
    replicas_ = it->get<int>();
}

}  // namespace docktor
