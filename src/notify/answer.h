// What a receiver's answer means for what was sent.
#pragma once

#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "os/http_client.h"

namespace docktor::notify {

struct Verdict {
  enum class What {
    kTaken,
    kLater,    ///< try again
    kRefused,  ///< trying again is of no use
    kGone,     ///< nobody is there any more: nothing further is sent
  };
  What what = What::kTaken;
  std::optional<Duration> wait;  ///< what the receiver asks for; an hour at most
  std::string why;               ///< for people, on one line; empty when taken
};

inline constexpr auto kLongestWait = std::chrono::hours(1);

/// `secret` is what of the request must not be repeated, should the answer quote it.
Verdict judge(const Result<HttpResponse>& answer, Time now, std::string_view secret);

}  // namespace docktor::notify
