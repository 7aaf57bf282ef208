// Waiting for what must happen, without trusting the speed of the machine.
#pragma once

#include <chrono>
#include <thread>

namespace docktor::test {

/// Long enough for a slow, shared machine under a sanitizer; reached only when the test fails.
inline constexpr auto kPatience = std::chrono::seconds(60);

/// Asks again and again until `condition` holds; false when it did not within `patience`.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::nanoseconds patience = kPatience,
                std::chrono::nanoseconds pause = std::chrono::milliseconds(5)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace docktor::test
