// What every kind of target must do, with its real engine. A kind's folder says how a service of its own is opened
// (INSTANTIATE_TEST_SUITE_P), and compiles target_contract.cc into its test program.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "core/target.h"

namespace docktor::test {

/// A service and a neighbour of it, which no other test uses. Both have at least one replica that runs.
class TargetUnderTest {
 public:
  virtual ~TargetUnderTest() = default;
  /// docktor's target on the service. It is opened again when it was let go.
  virtual std::unique_ptr<Target> open() = 0;
  /// The replicas that run, by names of the engine's, as anybody sees them without docktor.
  virtual std::set<std::string> running() = 0;
  virtual std::set<std::string> neighbours() = 0;
};

struct TargetKindUnderTest {
  std::string name;
  std::function<std::unique_ptr<TargetUnderTest>()> open;
  /// Not empty: why there is no engine here.
  std::function<std::string()> why_not = [] { return std::string(); };
};

inline void PrintTo(const TargetKindUnderTest& kind, std::ostream* out) { *out << kind.name; }
inline std::string target_name(const testing::TestParamInfo<TargetKindUnderTest>& info) {
  return info.param.name;
}

class TargetContract : public testing::TestWithParam<TargetKindUnderTest> {
 protected:
  void SetUp() override;
  /// As the controller orders: by the version of a report, and anew where the state has changed since.
  Result<std::string> order(int replicas);
  /// So many are ready, and nothing else is there, by the report and for everybody.
  bool ready(int replicas);

  std::unique_ptr<TargetUnderTest> service;
  std::unique_ptr<Target> target;
  TargetReport last;
};

}  // namespace docktor::test
