// What this machine bounds, and that a record has all that it takes to decide the same again.
#include "control/controller_test_bench.h"
#include "core/autoscaler.h"
#include "core/record.h"

namespace docktor {
namespace {

constexpr double kMiB = 1024.0 * 1024;

class HostBoundTest : public ControllerTest {
 protected:
  HostBoundTest() {
    look_at_host = [this] {
      ++looks;
      return figures;
    };
    build();
  }

  World& burdened(const std::string& name, double memory, double cpu = 0) {
    World& w = worlds[name];
    w.place = HostPlace::kBeside;
    w.memory = memory;
    w.cpu = cpu;
    w.queue.num_pending = 5000;
    return w;
  }
  static ServiceSpec quick(const std::string& name, int priority = 0) {
    auto s = spec(name);
    s.check_interval = s.sample_interval = 1s;
    s.priority = priority;
    return s;
  }
  // As much is available as `budget` has left over the replicas that are there.
  void memory(double total, double budget) {
    look_at_host = [this, total, budget] {
      ++looks;
      double used = 0;
      for (const auto& [name, w] : worlds) used += w.replicas * w.memory;
      HostFigures f;
      f.memory.push_back({total, std::max(0.0, budget - used), true});
      return f;
    };
    build();
  }
  std::string why(const std::string& name) {
    return controller->status(name)[0].value("why_nothing_happens", "");
  }

  HostFigures figures;
  int looks = 0;
};

TEST_F(HostBoundTest, NoReplicaIsAddedThatTheMemoryHasNoRoomFor) {
  World& w = burdened("a", 100 * kMiB);
  memory(1000 * kMiB, 650 * kMiB);  // 100 are kept in reserve: room for five
  apply({quick("a")});
  pass(60s);
  EXPECT_EQ(w.replicas, 5);
  EXPECT_NE(why("a").find("this host has 150 MiB of 1000 MiB memory available and keeps 100 MiB in reserve"),
            std::string::npos)
      << why("a");
  const auto d = journal.decisions().back();
  EXPECT_EQ(d["limits"].back()["limit"], "host_memory");
  EXPECT_EQ(d["overrides"]["host_memory"]["most"], 5);
  const auto conditions = controller->status("a")[0]["conditions"];
  ASSERT_FALSE(conditions.empty());
  EXPECT_EQ(conditions[0]["condition"], "host_full");
}

TEST_F(HostBoundTest, ARecordHasAllThatItTakesToDecideTheSameAgain) {
  burdened("a", 100 * kMiB);
  memory(1000 * kMiB, 650 * kMiB);
  apply({quick("a")});
  pass(30s);
  Autoscaler again(quick("a"), make_policy(quick("a")));
  int bound = 0;
  for (const auto& record : journal.decisions()) {
    for (const auto& input : record["inputs"]) {
      ASSERT_EQ(input.contains("cpu"), false) << "read for the machine alone";
      again.observe(input_from_json(nlohmann::json::parse(input.dump()))->second);
    }
    const auto& r = record["replicas"];
    const auto d = again.evaluate(
        time_at(record["t"].get<double>()), {r["current"].get<int>(), r["ready"].get<int>(), 0, 0},
        record.contains("overrides") ? overrides_from_json(nlohmann::json::parse(record["overrides"].dump()))
                                     : Overrides{});
    ASSERT_EQ(d.target, record["target_replicas"].get<int>());
    ASSERT_EQ(d.reason, record["reason"].get<std::string>());
    bound += !beyond_host(d).empty();
  }
  EXPECT_GT(bound, 5);
}

TEST_F(HostBoundTest, LessMemoryStopsNothingThatRuns) {
  World& w = burdened("a", 100 * kMiB);
  memory(1000 * kMiB, 650 * kMiB);
  apply({quick("a")});
  pass(30s);
  ASSERT_EQ(w.replicas, 5);
  w.memory = 300 * kMiB;
  pass(30s);
  EXPECT_EQ(w.replicas, 5);
}

TEST_F(HostBoundTest, TwoServicesDoNotBothTakeTheLastOfIt) {
  World &a = burdened("a", 100 * kMiB), &b = burdened("b", 100 * kMiB);
  memory(1000 * kMiB, 650 * kMiB);
  a.queue.num_pending = b.queue.num_pending = 300;  // no rule holds
  apply({quick("a"), quick("b")});
  pass(3s);  // what a replica needs is known
  a.queue.num_pending = b.queue.num_pending = 5000;
  for (int second = 0; second < 60; ++second) {
    pass(1s);
    ASSERT_LE(a.replicas + b.replicas, 5);
  }
  EXPECT_EQ(a.replicas + b.replicas, 5);
}

TEST_F(HostBoundTest, TheHigherPriorityGetsWhatIsLeft) {
  World &low = burdened("low", 100 * kMiB), &high = burdened("high", 100 * kMiB);
  low.queue.num_pending = 300;  // no rule holds
  memory(1000 * kMiB, 650 * kMiB);
  apply({quick("low"), quick("high", 10)});
  pass(3s);
  ASSERT_EQ(low.replicas, 1);
  low.queue.num_pending = 5000;
  pass(60s);
  EXPECT_EQ(low.replicas + high.replicas, 5);
  EXPECT_EQ(low.replicas, 1);
}

TEST_F(HostBoundTest, CoresThatAreBusyGetNoMore) {
  World& w = burdened("a", 0, 1.0);
  look_at_host = [this, &w] {
    ++looks;
    HostFigures f;
    f.cpu.push_back({2, std::min(2.0, w.replicas * 1.0), true});
    w.cpu = std::min(1.0, 2.0 / w.replicas);
    return f;
  };
  build();
  apply({quick("a")});
  pass(4s);
  const int unknown = w.replicas;  // its first seconds are no measure
  pass(60s);
  EXPECT_EQ(w.replicas, unknown);
  EXPECT_NE(why("a").find("this host has 2 cores, replicas use 2.0 of them"), std::string::npos) << why("a");
}

TEST_F(HostBoundTest, WhereNothingIsKnownNothingIsBound) {
  World& w = burdened("a", 0, 0);
  World& elsewhere = worlds["b"];
  elsewhere.queue.num_pending = 5000;
  apply({quick("a"), quick("b")});
  pass(30s);
  EXPECT_EQ(w.replicas, 10);
  EXPECT_EQ(elsewhere.replicas, 10);
  EXPECT_EQ(elsewhere.usage_reads, 0);
}

TEST_F(HostBoundTest, ItCanBeSwitchedOffAndOn) {
  World& w = burdened("a", 100 * kMiB);
  memory(1000 * kMiB, 350 * kMiB);
  controller->shares().limit_host({.enabled = false});
  apply({quick("a")});
  pass(30s);
  EXPECT_EQ(w.replicas, 10);
  EXPECT_EQ(w.usage_reads, 0);
  EXPECT_EQ(looks, 0);
}

TEST_F(HostBoundTest, TheMachineIsLookedAtOnceForAllServices) {
  std::vector<ServiceSpec> specs;
  for (int i = 0; i < 50; ++i) {
    const auto name = "s" + std::to_string(i);
    burdened(name, kMiB).queue.num_pending = 300;
    specs.push_back(quick(name));
  }
  memory(1000 * kMiB, 900 * kMiB);
  apply(specs);
  pass(10s);
  EXPECT_LE(looks, 11);
  EXPECT_LE(worlds["s7"].usage_reads, 6) << "every other second";
  EXPECT_GE(worlds["s7"].usage_reads, 4);
}

}  // namespace
}  // namespace docktor
