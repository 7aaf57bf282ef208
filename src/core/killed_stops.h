// Whether replicas end when they are told to: what a target tells of those that had to be killed.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "core/text.h"
#include "core/time.h"

namespace docktor {

/// Stops that lie in time beside each other are one: those that end well while another has to be killed are no sign
/// that all is well. Plain data.
class KilledStops {
 public:
  /// A replica that was told to stop used up its grace period, which `setting` makes longer.
  void killed(std::string_view replica, Duration grace, std::string_view setting = "stop_grace_period") {
    killed_ = true;
    text_ = fmt::format(
        "{} did not end within {} of SIGTERM and was killed: what it had in hand is done again; let the "
        "worker "
        "end on SIGTERM, or write a longer {}",
        replica, short_duration(grace), setting);
  }
  /// A replica that was told to stop has ended, killed or not; `others` are still stopping.
  void ended(bool others) {
    if (others) return;
    if (!killed_) text_.clear();
    killed_ = false;
  }
  void forget() { *this = {}; }  ///< other workers, or another grace period

  const std::string& text() const { return text_; }  ///< empty: the last stops went well, or there was none

 private:
  bool killed_ = false;  // among the present stops
  std::string text_;
};

}  // namespace docktor
