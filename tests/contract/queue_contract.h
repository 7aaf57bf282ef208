// What every kind of queue must do, on its real server. A kind's folder says how its queue is made, filled and worked off
// (INSTANTIATE_TEST_SUITE_P), and compiles queue_contract.cc into its test program.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

/// One queue, which no other test uses. Blocks until the server has done what is asked for.
class QueueUnderTest {
 public:
  virtual ~QueueUnderTest() = default;
  /// Until then it is not there.
  virtual void make() = 0;
  virtual void send(int count) = 0;
  /// A worker takes as many and finishes them.
  virtual void finish(int count) = 0;
  virtual std::unique_ptr<SourceReader> reader() = 0;
  /// The same on a server that does not answer; nullptr where there is no server.
  virtual std::unique_ptr<SourceReader> nowhere() = 0;
};

struct QueueKindUnderTest {
  std::string name;
  std::function<std::unique_ptr<QueueUnderTest>(const std::string& queue)> open;
  /// What a read says of a queue that is not there; nothing where the server keeps no empty one, so that none and an empty one
  /// are the same.
  std::optional<ErrorCode> missing = ErrorCode::kNotFound;
  bool wakes = false;  ///< a message does, although the source says what may fail to
  /// Not empty: why there is no server here.
  std::function<std::string()> why_not = [] { return std::string(); };
};

inline void PrintTo(const QueueKindUnderTest& kind, std::ostream* out) { *out << kind.name; }
inline std::string kind_name(const testing::TestParamInfo<QueueKindUnderTest>& info) {
  return info.param.name;
}

class QueueContract : public testing::TestWithParam<QueueKindUnderTest> {
 protected:
  void SetUp() override;
  std::unique_ptr<QueueUnderTest> queue;
};

}  // namespace docktor::test
