#include "policy/objective/net_flow.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kLeastTime = 1e-3;      // seconds
constexpr double kStep = 0.195;          // of the logarithm: the longest is about 1,000 s
constexpr double kEvidenceMemory = 400;  // samples while messages wait
constexpr double kIdleMemory = 100;      // samples while none waits
constexpr double kFollow = 0.25;         // of a change of the arrivals is believed at once
constexpr double kFreedom = 3;           // of Student's t: loads jump
constexpr double kMostOfASample = 4;     // of evidence: a purge looks like very fast workers
constexpr double kBelieved = 0.5;        // of the evidence: loads often change just when replicas do
constexpr double kFirstSamples = 5;      // make the first guess ...
constexpr double kGuessError = 1.4;      // ... whose logarithm errs by so much
constexpr double kCaution = 1.25;        // errors of its logarithm, by which T is taken longer
constexpr double kSharp = 0.1;           // error that asks for no caution
constexpr double kRateError = 0.1;    // arrivals and capacity rest on the same T, so that its error cancels
constexpr double kIdleFollow = 0.05;  // of what samples without a backlog say of T, each
constexpr double kSmooth = 0.4;       // of the messages in hand at one instant, where none waits
// Less in hand than it could be may also be a delay until workers see what waits: only a long wait tells them apart.
constexpr double kBusy = 0.6;                       // of what all hands can hold
constexpr double kLongWait = 2, kVeryLongWait = 4;  // of the wait after which an idle replica takes a message
constexpr double kLeastHand = 0.8;
constexpr double kNothing = 0.05;
constexpr double kHandRises = 1.0 / 3, kHandFalls = 1.0 / 20;
constexpr double kLeastPaces = 20;   // samples
constexpr double kPaceError = 0.15;  // of the ratio of the changes over one sample and over four

}  // namespace

double NetFlow::time(std::size_t i) { return kLeastTime * std::exp(kStep * static_cast<double>(i)); }

double NetFlow::in_hand_for() const {
  return known_ ? std::exp(log_time_ + kCaution * std::max(0.0, error_ - kSharp)) : 0;
}

std::optional<NetFlow::Capacity> NetFlow::capacity() const {
  if (!known_ || hand_ <= 0) return std::nullopt;
  return Capacity{hand_ / in_hand_for(), kRateError};
}

std::optional<Flow> NetFlow::between(const Gauges& before, const Gauges& after, double idle_wait,
                                     bool steady) {
  const double length = to_seconds(after.at - before.at);
  if (!(length > 0)) return std::nullopt;
  const double in_hand = (before.in_hand + after.in_hand) / 2;
  const double grown = after.pending + after.in_hand - before.pending - before.in_hand;
  const double replicas = std::max(before.replicas.current, after.replicas.current);
  // Messages that wait beside idle hands are not seen by the workers yet.
  const double ready = (before.replicas.ready + after.replicas.ready) / 2.0;
  const bool busy = before.in_hand > 0 && after.in_hand > 0 && in_hand >= kBusy * hand_ * ready;
  const bool full =
      busy && before.pending > 0 && after.pending > 0 && before.oldest >= std::max(length, idle_wait);
  if (replicas > 0) learn_hand(in_hand / replicas, full && steady ? before.oldest / idle_wait : 0);
  const bool nobody = in_hand == 0 && before.replicas.ready == 0 && after.replicas.ready == 0;
  if (full || nobody)  // all that grows where nobody works has come
    learn_full(in_hand, grown / length, length);
  else
    learn_idle(before, after, length);

  smooth_ += (full ? 1 : kSmooth) * (in_hand - smooth_);
  if (in_hand == 0 && smooth_ < kNothing) smooth_ = 0;  // or nothing would ever be over
  double settled = 0;
  if (known_) {
    settled = (full ? in_hand : smooth_) * length / in_hand_for();
    if (!full && hand_ > 0)
      settled = std::min(settled, std::max(in_hand, replicas * hand_) * length / in_hand_for());
  }
  Flow flow;
  flow.length = after.at - before.at;
  flow.arrivals = std::max(0.0, grown + settled);
  flow.settled = flow.arrivals - grown;
  flow.deliveries = std::max(0.0, flow.arrivals - (after.pending - before.pending));
  return flow;
}

// More than ever counts at once, whoever holds it; less counts only where every replica has what it can hold, and less
// than one message each only where messages wait for very long.
void NetFlow::learn_hand(double per_replica, double idle_waits) {
  if (per_replica > hand_)
    hand_ += (per_replica - hand_) * (hand_ > 0 ? kHandRises : 1);
  else if (idle_waits >= kLongWait)
    hand_ += (std::max(per_replica, idle_waits >= kVeryLongWait ? 0 : kLeastHand) - hand_) * kHandFalls;
  if (hand_ > 0 && idle_waits < kVeryLongWait) hand_ = std::max(hand_, kLeastHand);
}

void NetFlow::learn_full(double in_hand, double net, double length) {
  lately_seen_ = 0;
  in_a_row_ += 1;
  if (in_hand > 0 && begun_ < kFirstSamples) {
    begun_ += 1;
    begun_held_ += in_hand * length;
    begun_net_ += net * length;
  }
  const double gain = std::max(kFollow, 1 / in_a_row_);
  const double best =
      known_ ? in_hand_for() : std::max(kLeastTime, begun_held_ / std::max(1.0, std::fabs(begun_net_)));
  const double by_chance = (std::fabs(net) + 2 * in_hand / best) / length;  // as of Poisson's
  const double variance = std::max({by_chance, noise_, 1e-9});
  double least_off = 1e300, change_of_best = 0;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const double came = net + in_hand / time(i);
    const double change = in_a_row_ > 1 ? came - arrivals_[i] : 0;
    arrivals_[i] += gain * (came - arrivals_[i]);
    double seen = -(kFreedom + 1) / 2 * std::log1p(change * change / (kFreedom * variance));
    if (arrivals_[i] < 0) seen -= arrivals_[i] * arrivals_[i] * (2 - gain) / (2 * variance);
    evidence_[i] = evidence_[i] * (1 - 1 / kEvidenceMemory) + std::max(seen, -kMostOfASample);
    if (const double off = std::fabs(std::log(time(i) / best)); off < least_off) {
      least_off = off;
      change_of_best = change;
    }
  }
  if (in_a_row_ > 1) noise_ += (std::min(change_of_best * change_of_best, 9 * variance) - noise_) / 30;
  if (in_hand > 0) weigh(1);
}

void NetFlow::learn_idle(const Gauges& before, const Gauges& after, double length) {
  in_a_row_ = 0;
  const double grown = after.pending + after.in_hand - before.pending - before.in_hand;
  left_ += std::max(0.0, -grown) - left_ / kIdleMemory;
  held_ += (before.in_hand + after.in_hand) / 2 * length - held_ / kIdleMemory;
  std::rotate(lately_.begin(), lately_.begin() + 1, lately_.end());
  lately_.back() = after.in_hand;
  lately_seen_ = std::min(lately_seen_ + 1, 5.0);
  if (lately_seen_ < 5) return;
  paces_ = std::min(paces_ + 1, kIdleMemory);
  const double one = lately_[4] - lately_[3], four = lately_[4] - lately_[0];
  change_1_ += (one * one - change_1_) / paces_;
  change_4_ += (four * four - change_4_) / paces_;
  pace_ += (length - pace_) / paces_;
  if (known_) weigh(kIdleFollow);
}

// What samples without a backlog have against a time as long as this one.
double NetFlow::against(std::size_t i) const {
  const double work = time(i) / std::max(1.0, hand_);  // at least so much of T is no waiting in the hand
  double sum = 0;
  const double unexplained = left_ - held_ / work;
  if (unexplained > 0) sum += unexplained * unexplained / (2 * (left_ + 1));
  if (paces_ > kLeastPaces && change_4_ > 0) {
    // Of messages that stay for exponential times of mean w: (1 - x) / (1 - x^4), x = exp(-pace / w).
    const double x = std::exp(-pace_ / work);
    const double over = (change_1_ / change_4_ - 1 / ((1 + x) * (1 + x * x))) / kPaceError;
    if (over > 0) sum += over * over / 2 * paces_ / kIdleMemory;
  }
  return sum;
}

void NetFlow::weigh(double follow) {
  const double guess = std::log(std::max(kLeastTime, begun_held_ / std::max(1.0, std::fabs(begun_net_))));
  ByTime weight{};
  double most = -1e300;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const double off = (std::log(time(i)) - guess) / kGuessError;
    weight[i] = kBelieved * evidence_[i] - off * off / 2 - against(i);
    most = std::max(most, weight[i]);
  }
  double sum = 0, mean = 0, square = 0;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const double p = std::exp(weight[i] - most), at = std::log(time(i));
    sum += p;
    mean += p * at;
    square += p * at * at;
  }
  mean /= sum;
  const double error = std::sqrt(std::max(0.0, square / sum - mean * mean));
  if (!known_) follow = 1;
  log_time_ += follow * (mean - log_time_);
  error_ += follow * (error - error_);
  known_ = true;
}

void NetFlow::save(nlohmann::json& state) const {
  state = {{"evidence", evidence_}, {"arrivals", arrivals_}, {"lately", lately_}};
  if (known_) state["time"] = {log_time_, error_};
  for (const auto& [name, value] : {std::pair{"in_a_row", in_a_row_},
                                    {"noise", noise_},
                                    {"begun", begun_},
                                    {"begun_held", begun_held_},
                                    {"begun_net", begun_net_},
                                    {"lately_seen", lately_seen_},
                                    {"paces", paces_},
                                    {"pace", pace_},
                                    {"change_1", change_1_},
                                    {"change_4", change_4_},
                                    {"left", left_},
                                    {"held", held_},
                                    {"hand", hand_},
                                    {"smooth", smooth_}})
    state[name] = value;
}

void NetFlow::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  NetFlow read;
  const auto list = [&](const char* key, auto& into, double most) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_array() || it->size() != into.size()) return false;
    for (std::size_t i = 0; i < into.size(); ++i) {
      into[i] = std::nan("");
      restore_number((*it)[i], -most, most, into[i]);
      if (std::isnan(into[i])) return false;
    }
    return true;
  };
  std::array<double, 2> time{};
  if (!list("evidence", read.evidence_, 1e9) || !list("arrivals", read.arrivals_, 1e18) ||
      !list("lately", read.lately_, 1e18))
    return;
  read.known_ = list("time", time, 100);
  read.log_time_ = time[0];
  read.error_ = std::fabs(time[1]);
  restore_number(state, "in_a_row", 0, 1e15, read.in_a_row_);
  restore_number(state, "noise", 0, 1e30, read.noise_);
  restore_number(state, "begun", 0, kFirstSamples, read.begun_);
  restore_number(state, "begun_held", 0, 1e18, read.begun_held_);
  restore_number(state, "begun_net", -1e18, 1e18, read.begun_net_);
  restore_number(state, "lately_seen", 0, 5, read.lately_seen_);
  restore_number(state, "paces", 0, kIdleMemory, read.paces_);
  restore_number(state, "pace", 1e-6, 1e9, read.pace_);
  restore_number(state, "change_1", 0, 1e30, read.change_1_);
  restore_number(state, "change_4", 0, 1e30, read.change_4_);
  restore_number(state, "left", 0, 1e18, read.left_);
  restore_number(state, "held", 0, 1e18, read.held_);
  restore_number(state, "hand", 0, 1e9, read.hand_);
  restore_number(state, "smooth", 0, 1e18, read.smooth_);
  *this = read;
}

}  // namespace docktor::objective
