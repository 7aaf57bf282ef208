#include "core/flow.h"

#include <algorithm>
#include <cstdint>

namespace docktor {

namespace {

using Count = std::optional<std::uint64_t>;

std::optional<double> growth(const Count& before, const Count& after) {
  if (!before || !after) return std::nullopt;
  return static_cast<double>(*after) - static_cast<double>(*before);
}

}  // namespace

namespace {

// The same queues, each as open or closed as before: what a pause hides or shows again neither came nor went.
bool same_parts(const QueueSample& before, const QueueSample& after) {
  return std::ranges::equal(before.parts, after.parts, [](const NamedSample& b, const NamedSample& a) {
    return b.name == a.name && b.shown.paused.empty() == a.shown.paused.empty();
  });
}

FlowResult flow_of_parts(const QueueSample& before, const QueueSample& after, Duration length) {
  if (!same_parts(before, after)) return {true, {}};
  Flow sum;
  sum.length = length;
  bool known = true;
  for (std::size_t i = 0; i < after.parts.size(); ++i) {
    const QueueSample& now = after.parts[i].shown;
    const auto one = flow_between(before.parts[i].shown, now, length);
    if (one.reset) return {true, {}};
    known = known && one.flow;
    if (!known) continue;
    if (now.paused.empty()) sum.arrivals += one.flow->arrivals;
    sum.deliveries += one.flow->deliveries;
    sum.settled += one.flow->settled;
    sum.upper_bound = sum.upper_bound || one.flow->upper_bound;
  }
  if (!known) return {};
  return {false, sum};
}

}  // namespace

FlowResult flow_between(const QueueSample& before, const QueueSample& after, Duration length) {
  if (!before.parts.empty() || !after.parts.empty()) return flow_of_parts(before, after, length);
  if (before.delivered_consumer_seq && after.delivered_consumer_seq) {
    auto flow = flow_by_sequences(before, after, length);
    return {!flow, flow};
  }
  // From the one way of counting to the other: another queue, or another version of its reader.
  if (before.delivered_consumer_seq.has_value() != after.delivered_consumer_seq.has_value())
    return {true, {}};
  return flow_by_totals(before, after, length);
}

FlowResult flow_by_totals(const QueueSample& before, const QueueSample& after, Duration length) {
  const Totals &b = before.totals, &a = after.totals;
  if (b.incarnation != a.incarnation || went_back(b.arrived, a.arrived) ||
      went_back(b.delivered, a.delivered) || went_back(b.settled, a.settled))
    return {true, {}};

  const double pending = *growth(before.num_pending, after.num_pending);
  const auto in_hand = growth(before.num_ack_pending, after.num_ack_pending);
  const auto arrived = growth(b.arrived, a.arrived);
  const auto settled = growth(b.settled, a.settled);
  auto delivered = growth(b.delivered, a.delivered);
  // A delivery takes a message from the backlog; an arrival puts one there.
  if (!delivered && arrived) delivered = *arrived - pending;
  if (!delivered && settled) delivered = *settled + in_hand.value_or(0);
  if (!delivered) return {};

  Flow f;
  f.length = length;
  f.deliveries = std::max(0.0, *delivered);
  f.arrivals = std::max(0.0, arrived.value_or(pending + *delivered));
  f.settled = settled.value_or(*delivered - in_hand.value_or(0));
  f.upper_bound = a.upper_bound;
  return {false, f};
}

}  // namespace docktor
