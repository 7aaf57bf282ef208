// What must never happen to workers as people write them, whatever the speed of the machine.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/support/missing.h"
#include "tests/workers/trial.h"

namespace docktor::test {

/// Evaluations for which a service may stand still with late messages and room: some tests of a belief long.
inline constexpr int kMostIdleLooks = 40;

/// Skips aloud where the clients could not be fetched; an error where every test must run.
class NeedsClients : public testing::Test {
 protected:
  void SetUp() override {
    if (!worker_clients().empty()) return;
    SKIP_FOR_WANT_OF("the workers' clients were not fetched: scripts/fetch-worker-clients.sh says why");
  }
};

inline void judge(const Outcome& out) {
  fmt::print(
      "{} messages, {:.1f} % late, at most {} replicas; {} evaluations stood still with late messages\n",
      out.sent, 100 * out.late, out.most, out.idle_looks);
  EXPECT_GT(out.sent, 0);
  EXPECT_EQ(out.lost, 0) << out.moves;
  EXPECT_GT(out.most, 1) << "the trial asked nothing of docktor\n" << out.moves;
  EXPECT_LE(out.idle_looks, kMostIdleLooks) << "it stood still while messages were late\n" << out.moves;
  EXPECT_EQ(out.claims, 0) << "nothing is shared, yet more replicas are said not to help\n" << out.moves;
}

}  // namespace docktor::test
