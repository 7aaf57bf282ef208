// A source under test, read as the controller reads it.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>

#include "core/finding.h"
#include "core/source.h"
#include "tests/support/patience.h"

namespace docktor::test {

/// What a test does with any kind of queue; whoever derives from it owns the source.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  virtual Source& source() = 0;

  Result<Reading> read(Duration timeout = std::chrono::seconds(20)) {
    auto promise = std::make_shared<std::promise<Result<Reading>>>();
    auto future = promise->get_future();
    source().read({timeout, {}}, [promise](Result<Reading> r) { promise->set_value(std::move(r)); });
    return future.get();
  }

  /// The first good sample that the condition holds for.
  template <class Condition>
  QueueSample sample(Condition&& holds) {
    std::optional<QueueSample> s;
    std::string last = "no sample was as expected";
    const bool got = eventually([&] {
      const auto r = read();
      if (!r) last = r.error().message;
      if (r && holds(*r->queue)) s = r->queue;
      return s.has_value();
    });
    EXPECT_TRUE(got) << last;
    return s.value_or(QueueSample{});
  }
  QueueSample sample() {
    return sample([](const QueueSample&) { return true; });
  }
  QueueSample with_backlog(std::uint64_t p) {
    return sample([p](const QueueSample& q) { return q.num_pending == p; });
  }

  /// The error, once it has this code.
  Error error(ErrorCode code, Duration timeout = std::chrono::seconds(20)) {
    Error e;
    const bool got = eventually([&] {
      const auto r = read(timeout);
      if (!r) e = r.error();
      return !r && r.error().code == code;
    });
    EXPECT_TRUE(got) << e.message;
    return e;
  }

  /// What `config validate` would say, a line each.
  std::string findings(Duration timeout = std::chrono::seconds(20)) {
    std::string out;
    for (const auto& f : source().check(timeout)) {
      out += f.severity == Severity::kOk        ? "ok: "
             : f.severity == Severity::kWarning ? "warning: "
                                                : "error: ";
      out += f.what + (f.cure.empty() ? "" : " -> " + f.cure) + "\n";
    }
    return out;
  }
};

}  // namespace docktor::test
