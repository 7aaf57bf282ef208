#include "sim/study.h"

#include <gtest/gtest.h>

#include "policy/policies.h"
#include "sim/world_text.h"

namespace docktor::sim {
namespace {

Contender objective(const char* name, double max_wait) {
  Contender c;
  c.name = name;
  c.service.name = "consumer";
  c.service.queue = QueueSpec{};
  c.service.limits = {.min_replicas = 1, .max_replicas = 50};
  c.service.check_interval = std::chrono::seconds(1);
  c.service.objective = ObjectiveSpec{seconds(max_wait), 0.99};
  c.make = make_policy;
  return c;
}

TEST(Study, IsTheSameWhateverTheNumberOfThreads) {
  const auto load = built_in_load("onoff", 3);
  ASSERT_TRUE(load);
  StudySpec spec;
  spec.load = &*load;
  spec.seeds = 3;
  spec.bin = 60;
  double last = 0;
  spec.progress = [&](double share) {
    EXPECT_LE(share, 1 + 1e-9);
    last = share;
  };
  const std::vector<Contender> both = {objective("short", 2), objective("long", 20)};
  const auto one = study(spec, both);
  EXPECT_NEAR(last, 1, 1e-9);
  spec.threads = 3;
  const auto three = study(spec, both);
  ASSERT_EQ(one.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(one[i].runs.size(), 3u);
    EXPECT_EQ(one[i].mean.rho, three[i].mean.rho);
    EXPECT_EQ(one[i].mean.p99, three[i].mean.p99);
    EXPECT_EQ(one[i].mean.messages, three[i].mean.messages);
    EXPECT_FALSE(one[i].mean.series.empty());
    // Every contender of a seed meets the same messages.
    for (std::size_t s = 0; s < 3; ++s) EXPECT_EQ(one[0].runs[s].messages, one[1].runs[s].messages);
  }
  EXPECT_NE(one[0].runs[0].messages, one[0].runs[1].messages);
  EXPECT_GT(one[0].mean.rho, one[1].mean.rho) << "haste costs replicas";
}

TEST(Study, ConfidenceIsStudentsT) {
  EXPECT_EQ(confidence_95({3}), 0);
  // s = 1, n = 4: 3.182 / 2.
  EXPECT_NEAR(confidence_95({-1.5, -0.5, 0.5, 1.5}), 3.182 * std::sqrt(5.0 / 3) / 2, 1e-3);
}

TEST(WorldText, SetsFaultsAndRefusesWhatIsNone) {
  World w;
  ASSERT_TRUE(set_fault(w, "lose-sample=0.25"));
  EXPECT_EQ(w.faults.lose_sample, 0.25);
  ASSERT_TRUE(set_fault(w, "blackout=600+60"));
  EXPECT_EQ(w.faults.blackout_at, 600);
  EXPECT_EQ(w.faults.blackout_length, 60);
  for (const char* wrong : {"lose-sample=1.5", "lose-sample=", "lose-sample", "crash=x", "blackout=600",
                            "nan", "", "crash=nan", "sample-delay=-1", "blackout=-1+4"}) {
    const auto r = set_fault(w, wrong);
    ASSERT_FALSE(r) << wrong;
    EXPECT_EQ(r.error().code, ErrorCode::kInvalid);
  }
  const auto near = set_fault(w, "crahs=1");
  ASSERT_FALSE(near);
  EXPECT_NE(near.error().message.find("did you mean 'crash'"), std::string::npos) << near.error().message;
}

}  // namespace
}  // namespace docktor::sim
