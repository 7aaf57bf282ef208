// Asks the loop from another thread, and waits for its answer.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "core/result.h"
#include "os/inbox.h"

namespace docktor {

/// What `f` returns, called on the loop, ahead of what is not a person's. kUnavailable where the loop does not get to it
/// within 30 s, or ends.
template <class F>
Result<std::invoke_result_t<F>> call_on_loop(Inbox& inbox, F f) {
  using T = std::invoke_result_t<F>;
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  const bool posted = inbox.push_first([f = std::move(f), promise]() mutable { promise->set_value(f()); });
  promise.reset();  // an event that is dropped breaks its promise: the loop ends
  if (!posted || future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
    return fail(ErrorCode::kUnavailable, "the daemon is too busy or stopping; try again", true);
  try {
    return future.get();
  } catch (const std::future_error&) {
    return fail(ErrorCode::kUnavailable, "the daemon is stopping");
  }
}

}  // namespace docktor
