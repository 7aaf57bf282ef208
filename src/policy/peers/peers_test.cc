#include "policy/peers/peers.h"

#include <gtest/gtest.h>

#include <set>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

ServiceSpec service() {
  ServiceSpec s;
  s.limits = {.min_replicas = 1, .max_replicas = 10};
  return s;
}

TEST(Peers, EachHasASourceAndAtMostTwelveSettingsThatDiffer) {
  std::set<std::string> names;
  for (const Peer& p : all()) {
    EXPECT_TRUE(names.insert(p.name).second) << p.name;
    EXPECT_FALSE(p.source.empty()) << p.name;
    EXPECT_EQ(p.adaptation, !p.adaptation_note.empty()) << p.name;
    std::set<std::string> settings;
    for (const Setting& s : p.settings)
      EXPECT_TRUE(settings.insert(s.name).second) << p.name << ": " << s.name;
    EXPECT_EQ(p.settings.size(), p.name == "static" ? 0u : 12u) << "the same budget for all: " << p.name;
    for (std::size_t i = 0; i < p.settings.size(); ++i)
      EXPECT_TRUE(make(p.name, i, service(), {})) << p.name << i;
  }
  EXPECT_EQ(names, (std::set<std::string>{"keda", "hpa", "knative", "flink", "aws", "nomad", "laravel",
                                          "natsbyexample", "docktor", "static"}));
}

TEST(Peers, AnUnknownNameIsToldWithTheList) {
  const auto r = make("kedda", 0, service(), {});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kNotFound);
  EXPECT_NE(r.error().message.find("did you mean keda?"), std::string::npos) << r.error().message;
  EXPECT_NE(r.error().message.find("laravel, natsbyexample, docktor, static:N"), std::string::npos)
      << r.error().message;
}

TEST(Peers, ASettingThatIsNoneIsRefused) {
  const auto r = make("hpa", 12, service(), {});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message, "hpa has 12 settings, 0 to 11; there is none with number 12");
}

TEST(Peers, StaticTakesItsNumberFromTheName) {
  const auto r = make("static:7", 0, service(), {});
  ASSERT_TRUE(r);
  const Observation none;
  EXPECT_EQ((*r)->recommend({time_at(0), {2, 2}, none, none}).wanted, 7);
  for (const char* wrong :
       {"static", "static:", "static:x", "static:-1", "static:3x", "static:11", "static:1e9"}) {
    const auto bad = make(wrong, 0, service(), {});
    ASSERT_FALSE(bad) << wrong;
    EXPECT_EQ(bad.error().code, ErrorCode::kInvalid) << wrong;
  }
}

TEST(Peers, WithoutAFreshSampleNoneMoves) {
  Observation stale;
  stale.queue_at = time_at(0);
  stale.queue.num_pending = 100'000;
  stale.queue_stale = true;
  for (const Observation& o : {Observation{}, stale}) {
    for (const Peer& p : all()) {
      if (p.settings.empty()) continue;
      const auto policy = p.settings[0].make(service(), {});
      const auto r = policy->recommend({time_at(60), {4, 4}, o, o});
      EXPECT_EQ(r.wanted, 4) << p.name;
      EXPECT_TRUE(r.no_data) << p.name;
    }
  }
}

TEST(Every, KeepsItsBeatThroughLateCalls) {
  Every e(std::chrono::seconds(10));
  EXPECT_TRUE(e.due(time_at(3)));
  EXPECT_FALSE(e.due(time_at(12)));
  EXPECT_TRUE(e.due(time_at(14)));
  EXPECT_FALSE(e.due(time_at(22)));
  EXPECT_TRUE(e.due(time_at(23)));
  EXPECT_TRUE(e.due(time_at(60))) << "after a silence at once";
  EXPECT_FALSE(e.due(time_at(69)));
  EXPECT_TRUE(e.due(time_at(70)));
}

TEST(MovingMean, ForgetsWhatIsOlderThanItsWindow) {
  MovingMean m(std::chrono::seconds(10));
  EXPECT_FALSE(m.mean(time_at(0)));
  m.add(time_at(0), 30, 1);
  m.add(time_at(5), 20, 4);
  EXPECT_EQ(m.mean(time_at(9)), 10);
  EXPECT_EQ(m.mean(time_at(10)), 5);
  EXPECT_FALSE(m.mean(time_at(15)));
}

// More replicas than messages are of no use to anybody, so no target derived from the goal asks for them.
TEST(Goal, IsOneMessageAReplicaAtLeast) {
  ServiceSpec s = service();
  s.objective = ObjectiveSpec{std::chrono::seconds(10), 0.99};
  EXPECT_EQ(Goal(s).messages(0.5, 20), 100);
  EXPECT_EQ(Goal(s).messages(0.25, 0.02), 1);
}

}  // namespace
}  // namespace docktor::peers
