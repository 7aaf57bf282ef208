#include "policy/objective/reasons.h"

#include <fmt/format.h>

#include <cmath>

#include "core/rate_text.h"

namespace docktor::objective {
namespace {

// Three digits, and no decimals of whole numbers.
std::string digits(double v) {
  if (v >= 100) return fmt::format("{:.0f}", v);
  return fmt::format("{:.{}g}", v, 3);
}

}  // namespace

std::string seconds_text(double seconds) {
  if (seconds < 0.001) return "0 s";
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 120) return fmt::format("{} s", digits(std::round(seconds * 10) / 10));
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{} h", digits(seconds / 3600));
}

std::string capacity_text(double per_second, bool guessed) {
  if (per_second >= 1) return about(guessed, rate_text(per_second) + " per replica");
  return "a job takes " + about(guessed, seconds_text(1 / per_second));
}

std::string situation(const Told& t) {
  const std::string flows = fmt::format("{} arriving, {}", about(t.flows_guessed, rate_text(t.rate_in)),
                                        capacity_text(t.capacity, t.capacity_guessed));
  if (t.waiting <= 0) return "no message waiting; " + flows;
  return fmt::format("{:.0f} message{} waiting (oldest {}, goal {}); {}", t.waiting,
                     t.waiting == 1 ? "" : "s", about(t.flows_guessed, seconds_text(t.oldest)),
                     seconds_text(t.max_wait), flows);
}

std::string adding(const Told& t, int more) {
  return fmt::format("{}: adding {} (start-up {})", situation(t), more, seconds_text(t.start_up));
}

std::string enough(const Told& t, int replicas) {
  return fmt::format("{}: {} replica{} enough", situation(t), replicas, replicas == 1 ? " is" : "s are");
}

}  // namespace docktor::objective
