// The objective policy's reasons, in words and units that fit what they tell of.
#pragma once

#include <string>

namespace docktor::objective {

/// What a reason tells; rates in messages per second, times in seconds.
struct Told {
  double waiting = 0;  ///< messages
  double oldest = 0;   ///< seconds that the oldest of them has waited
  double max_wait = 0;
  double rate_in = 0;
  double capacity = 0;  ///< of a replica
  double start_up = 0;
  // See core/guess.h.
  bool flows_guessed = false;  ///< rate_in and oldest
  bool capacity_guessed = false;
};

/// "112 messages waiting (oldest 1.9 s, goal 5 s); 60 msg/s arriving, 20 msg/s per replica".
std::string situation(const Told& told);

/// "...: adding 6 (start-up 1.5 s)".
std::string adding(const Told& told, int more);

/// "...: 4 replicas are enough".
std::string enough(const Told& told, int replicas);

/// "20 msg/s per replica", or for long jobs "a job takes 52 s".
std::string capacity_text(double per_second, bool guessed = false);

/// "1.9 s", "4 min".
std::string seconds_text(double seconds);

/// "about 1.9 s".
inline std::string about(bool guessed, const std::string& text) { return guessed ? "about " + text : text; }

}  // namespace docktor::objective
