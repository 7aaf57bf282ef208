// Which of a policy's numbers are guesses: one rule for whoever tells them.
#pragma once

#include <optional>
#include <string_view>

namespace docktor {

/// Share of a number up to which its standard error leaves it a fact.
inline constexpr double kWellKnown = 0.25;

/// Of the numbers of a decision: whether the one of this name is told as "about". Where the queue counts nothing all that
/// flows is inferred from what waits and what is in hand (`in_hand_for` is there), and so is how long a message has
/// waited; what a replica does is a guess, too, as long as little was seen of it. `number(name)`: optional<double>.
template <class Number>
bool is_guess(std::string_view name, const Number& number) {
  const bool inferred = number("in_hand_for").has_value();
  if (name == "rate_in" || name == "oldest_wait") return inferred;
  if (name != "capacity") return false;
  const std::optional<double> rate = number("capacity"), error = number("capacity_error");
  return inferred || (rate && error && *error > kWellKnown * *rate);
}

}  // namespace docktor
