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
constexpr double kEvidenceMemory = 400;  // samples with full hands
constexpr double kSpareMemory = 4000;    // others
constexpr double kIdleMemory = 100;      // samples while none waits
constexpr double kLoadDrift = 0.05;      // of the arrivals: standard deviation of their change in a second
constexpr double kLoadJump = 9;          // square of a surprise over its variance: the load jumped
constexpr double kMostNoise = 20;        // times what chance explains
constexpr double kNoiseMemory = 30;      // samples
constexpr double kFreedom = 3;           // of Student's t: loads jump
constexpr double kMostOfASample = 4;     // of evidence: a purge looks like very fast workers
constexpr double kBelieved = 0.5;        // of the evidence: loads often change just when replicas do
constexpr double kFirstSamples = 5;      // make the first guess ...
constexpr double kLeastLeft = 5;         // ... or so many messages, where no backlog stands for so long
constexpr double kGuessError = 1.4;      // ... whose logarithm errs by so much
constexpr double kCaution = 1.25;        // errors of its logarithm, by which T is taken longer
constexpr double kSharp = 0.1;           // error that asks for no caution
constexpr double kRateError = 0.1;    // arrivals and capacity rest on the same T, so that its error cancels
constexpr double kIdleFollow = 0.05;  // of what samples without a backlog say of T, each
constexpr double kSmooth = 0.4;       // of the messages in hand at one instant, where none waits
// Idle hands show T by how many they are after a backlog; later, loads that vary by themselves look like long jobs.
constexpr double kFirstSpare = 5, kLaterSpare = 0.2;  // samples; what the others count
constexpr double kSurely = 2;                         // standard deviations
// Less in hand than it could be may also be a delay until workers see what waits: only a long wait tells them apart.
constexpr double kBusy = 0.6;                       // of what all hands can hold
constexpr double kAllBusy = 0.9;                    // likewise, at one instant
constexpr double kLongWait = 2, kVeryLongWait = 4;  // of the wait after which an idle replica takes a message
constexpr double kLeastHand = 0.8;
constexpr double kHoldsOne = 1.2;  // messages: hands that hold more hide how long the work takes
constexpr double kHeldAtLeast = 0.3, kNothing = 0.05;
constexpr double kHandRises = 1.0 / 3, kHandFalls = 1.0 / 20;
constexpr double kLeastPaces = 20;   // samples
constexpr double kPaceError = 0.15;  // of the ratio of the changes over one sample and over four

}  // namespace

double NetFlow::time(std::size_t i) { return kLeastTime * std::exp(kStep * static_cast<double>(i)); }

std::size_t NetFlow::best() const {
  const double i = std::round(((known_ ? log_time_ : 0) - std::log(kLeastTime)) / kStep);
  return static_cast<std::size_t>(std::clamp(i, 0.0, kTimes - 1.0));
}

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
  const bool nobody = in_hand == 0 && ((before.replicas.ready == 0 && after.replicas.ready == 0) ||
                                       (before.pending > 0 && before.oldest >= std::max(length, idle_wait)));
  learn(before, after, length,
        full     ? Hands::kFull
        : nobody ? Hands::kNone
                 : hands(before, after, length, idle_wait));

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

// Of samples that are neither surely full nor without any hand.
NetFlow::Hands NetFlow::hands(const Gauges& before, const Gauges& after, double length,
                              double idle_wait) const {
  const auto busy = [&](const Gauges& g) {
    const double all = std::max(kLeastHand, hand_) * g.replicas.current;
    return g.pending > 0 && g.in_hand > 0 && g.in_hand >= kAllBusy * all;
  };
  const bool first = busy(before), last = busy(after);
  const double rate = arrivals_[best()];
  if (known_ && first && last) {
    // Full all the time, unless so few wait that chance may have emptied the queue in between.
    const double done = (before.in_hand + after.in_hand) / 2 * length / std::exp(log_time_);
    if (std::min(before.pending, after.pending) > kSurely * std::sqrt(rate * length + done))
      return Hands::kSeemFull;
  }
  const bool waits = before.oldest >= idle_wait ||
                     after.pending > rate * idle_wait + (before.replicas.ready + after.replicas.ready) / 2.0;
  return first || last || waits || hand_ > kHoldsOne ? Hands::kMixed : Hands::kSpare;
}

void NetFlow::learn(const Gauges& before, const Gauges& after, double length, Hands hands) {
  for (std::size_t i = 0; i < kTimes; ++i) {
    const double drift = kLoadDrift * std::max(arrivals_[i], 1 / length);
    unsure_[i] += drift * drift * length;
  }
  const double grown = after.pending + after.in_hand - before.pending - before.in_hand;
  switch (hands) {
    case Hands::kFull:
      if (const double in_hand = (before.in_hand + after.in_hand) / 2; begun_ < kFirstSamples) {
        begun_ += 1;
        begun_held_ += in_hand * length;
        begun_net_ += grown;
      }
      [[fallthrough]];
    case Hands::kSeemFull:
    case Hands::kNone:
      lately_seen_ = 0;
      learn_full(before, after, grown, length);
      if (hands != Hands::kNone) weigh(1);
      return;
    case Hands::kMixed:
      learn_idle(before, after, length);
      learn_mixed(std::max(1.0, hand_) * std::max(before.replicas.current, after.replicas.current), grown,
                  length);
      if (known_) weigh(1);
      return;
    case Hands::kSpare:
      learn_idle(before, after, length);
      if (before.in_hand > 0 || after.in_hand > 0) learn_spare(before, after, length);
      if (known_) weigh(kIdleFollow);
  }
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

// While every hand is full, or nobody works, the queue grows by what comes less what those hands do.
void NetFlow::learn_full(const Gauges& before, const Gauges& after, double grown, double length) {
  const double in_hand = (before.in_hand + after.in_hand) / 2, change = after.in_hand - before.in_hand;
  const auto see = [&](std::size_t i) {
    const double done = in_hand * length / time(i), blur = change * length / time(i),
                 came = arrivals_[i] * length;
    return Seen{grown + done - came, length, came + done + 1,
                blur * blur / 12};  // nobody saw when it changed
  };
  follow(see, 1 / kEvidenceMemory, 1);
  spare_ = 0;
}

// While hands are idle, a message stays in hand over the sample with the chance exp(-length / T), and those that come
// are taken: the transitions of a queue M/M/inf.
void NetFlow::learn_spare(const Gauges& before, const Gauges& after, double length) {
  const double grown = (after.pending - before.pending) / length;  // of what waits
  const auto see = [&](std::size_t i) {
    const double stay = std::exp(-length / time(i)), per_rate = time(i) * (1 - stay);
    const double left = before.in_hand * stay, joined = std::max(0.0, arrivals_[i] - grown) * per_rate;
    return Seen{after.in_hand - left - joined, per_rate, left * (1 - stay) + joined + kHeldAtLeast};
  };
  spare_ = std::min(spare_ + 1, kFirstSpare + 1);
  follow(see, 1 / kSpareMemory, spare_ > kFirstSpare ? kLaterSpare : 1);
}

// Where a backlog came or went within the sample: no more was done than all hands can do.
void NetFlow::learn_mixed(double hands, double grown, double length) {
  const auto see = [&](std::size_t i) {
    const double most = hands * length / time(i), chance = most + 1;
    return Seen{std::min(0.0, most + kSurely * std::sqrt(chance) + grown), 0, chance};
  };
  if (followed_) follow(see, 1 / kSpareMemory, 1);
}

// A step of a Kalman filter for each candidate's arrivals. All are held to the variance that the best one expects, or
// those that expect more would explain an unsteady load the better.
template <class See>
void NetFlow::follow(const See& see, double fade, double weight) {
  const Seen usual = see(best());
  const double unsure = unsure_[best()] * usual.per_rate * usual.per_rate, chance = usual.chance * noise_;
  ByTime likely{};
  double most = -1e300;
  for (std::size_t i = 0; i < kTimes; ++i) {
    const Seen s = see(i);
    const double own = chance + s.blur, square = s.miss * s.miss;
    likely[i] =
        -std::log(unsure + own) / 2 - (kFreedom + 1) / 2 * std::log1p(square / (kFreedom * (unsure + own)));
    most = std::max(most, likely[i]);
    if (s.per_rate <= 0) continue;
    const double jump = square > kLoadJump * (unsure + own) ? square : 0;
    const double gain = followed_ ? (unsure + jump) / (unsure + own + jump) : 1;
    arrivals_[i] = std::max(0.0, arrivals_[i] + gain * s.miss / s.per_rate);
    unsure_[i] = gain * own / (s.per_rate * s.per_rate);
  }
  if (!std::exchange(followed_, true)) return;
  if (known_ && usual.per_rate > 0) {
    const double surprise = usual.miss * usual.miss / (unsure + chance + usual.blur);
    noise_ = std::clamp(noise_ * (1 + (std::min(surprise, kLoadJump) - 1) / kNoiseMemory), 1.0, kMostNoise);
  }
  for (std::size_t i = 0; i < kTimes; ++i)
    evidence_[i] = evidence_[i] * (1 - fade) + weight * std::max(likely[i] - most, -kMostOfASample);
}

void NetFlow::learn_idle(const Gauges& before, const Gauges& after, double length) {
  const double grown = after.pending + after.in_hand - before.pending - before.in_hand;
  left_ += std::max(0.0, -grown) - left_ / kIdleMemory;
  held_ += (before.in_hand + after.in_hand) / 2 * length - held_ / kIdleMemory;
  // Where no backlog stands long enough for a first guess: what left was in hand for at most so long.
  if (!known_ && begun_ == 0 && left_ >= kLeastLeft && held_ > 0) {
    begun_ = kFirstSamples;
    begun_held_ = held_;
    begun_net_ = left_;
    weigh(1);
  }
  std::rotate(lately_.begin(), lately_.begin() + 1, lately_.end());
  lately_.back() = after.in_hand;
  lately_seen_ = std::min(lately_seen_ + 1, 5.0);
  if (lately_seen_ < 5) return;
  paces_ = std::min(paces_ + 1, kIdleMemory);
  const double one = lately_[4] - lately_[3], four = lately_[4] - lately_[0];
  change_1_ += (one * one - change_1_) / paces_;
  change_4_ += (four * four - change_4_) / paces_;
  pace_ += (length - pace_) / paces_;
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
  state = {{"evidence", evidence_}, {"arrivals", arrivals_}, {"unsure", unsure_}, {"lately", lately_}};
  if (known_) state["time"] = {log_time_, error_};
  for (const auto& [name, value] : {std::pair{"noise", noise_},
                                    {"followed", followed_ ? 1.0 : 0.0},
                                    {"spare", spare_},
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
  restore_number(state, "noise", 1, kMostNoise, read.noise_);
  restore_number(state, "spare", 0, kFirstSpare + 1, read.spare_);
  double followed = 0;
  restore_number(state, "followed", 0, 1, followed);
  read.followed_ = list("unsure", read.unsure_, 1e30) && followed == 1;
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
