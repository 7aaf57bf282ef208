#include "policy/objective/hand.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kMostSeen = 30;      // samples
constexpr double kMostMemory = 300;   // samples
constexpr double kDelayMemory = 120;  // samples
constexpr double kLeast = 0.02;       // messages per replica

}  // namespace

void Hand::full(double in_hand, double replicas) {
  if (!(in_hand > 0) || !(replicas > 0)) return;
  const double held = std::max(kLeast, in_hand / replicas);
  seen_ = std::min(seen_ + 1, kMostSeen);
  messages_ += (held - messages_) / seen_;
}

void Hand::held(double per_replica) {
  most_ = std::max({1.0, per_replica, most_ - (most_ - per_replica) / kMostMemory});
}

void Hand::idle(double age) {
  if (age > most_delay_) return;  // nobody sees messages that late: something else keeps them waiting
  delays_seen_ = std::min(delays_seen_ + 1, kDelayMemory);
  const double gain = 1 / (delays_seen_ + 4);  // as though none had been seen late before
  const double error = age - delay_;
  delay_ += gain * error;
  delay_variance_ += gain * (error * error * (1 - gain) - delay_variance_);
}

double Hand::longest_delay() const {
  return std::min(most_delay_, delay_ + 2 * std::sqrt(std::max(0.0, delay_variance_)));
}

void Hand::save(nlohmann::json& state) const {
  state = {{"messages", messages_},
           {"most", most_},
           {"seen", seen_},
           {"delay", delay_},
           {"variance", delay_variance_},
           {"delays_seen", delays_seen_}};
}

void Hand::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "messages", kLeast, 1e9, messages_);
  restore_number(state, "most", kLeast, 1e9, most_);
  restore_number(state, "seen", 0, kMostSeen, seen_);
  restore_number(state, "delay", 0, 1e6, delay_);
  restore_number(state, "variance", 0, 1e12, delay_variance_);
  restore_number(state, "delays_seen", 0, kDelayMemory, delays_seen_);
}

}  // namespace docktor::objective
