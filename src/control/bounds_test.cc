// Bounds that move: by the calendar, and by what other services leave of max_total_replicas.
#include "control/controller_test_bench.h"
#include "core/record.h"

namespace docktor {
namespace {

// The bench's clock begins at 1970-01-01T00:16:40Z.
class CalendarTest : public ControllerTest {
 protected:
  static ServiceSpec at_twenty_past(std::optional<int> min, std::optional<int> max = {}) {
    auto s = spec("a");
    s.schedule = {{"20 0 * * *", 5min, "UTC", min, max}};
    return s;
  }
  void pass_to(int seconds) { pass(time_at(seconds) - clock.time); }
};

TEST_F(CalendarTest, BoundsComeAndGoAtTheirInstant) {
  World& w = worlds["a"];
  w.queue.num_pending = 300;  // no rule holds
  apply({at_twenty_past(5)});
  pass_to(1199);
  EXPECT_TRUE(w.orders.empty());
  EXPECT_EQ(controller->status("a")[0]["schedule"]["next"]["at"], 1200);
  EXPECT_EQ(controller->status("a")[0]["schedule"]["next"]["min_replicas"], 5);
  pass_to(1203);
  EXPECT_EQ(w.orders, (std::vector<int>{5})) << "at once, not with the next check";
  const auto d = journal.decisions().back();
  EXPECT_EQ(d["overrides"]["scheduled"]["min_replicas"], 5);
  EXPECT_NE(d["reason"].get<std::string>().find("schedule 20 0 * * *, until Thu 00:25 UTC"),
            std::string::npos);
  EXPECT_EQ(event("schedule")["text"], "bounds 5..10 (schedule 20 0 * * *, until Thu 00:25 UTC)");
  const auto status = controller->status("a")[0];
  EXPECT_EQ(status["min_replicas"], 5);
  EXPECT_EQ(status["schedule"]["next"]["min_replicas"], 1);
  w.queue.num_pending = 0;
  pass_to(1499);
  EXPECT_EQ(w.replicas, 5);
  pass_to(1520);
  EXPECT_LT(w.replicas, 5);
  EXPECT_EQ(event("schedule")["text"], "bounds 1..10 (no entry of schedule counts now)");
}

// The machine had the wrong time when docktor began, or was frozen for a while: then its clock is set right.
TEST_F(CalendarTest, FollowsTheClockOnTheWallWhenItIsSet) {
  World& w = worlds["a"];
  w.queue.num_pending = 300;
  apply({at_twenty_past(5)});
  pass_to(1020);
  EXPECT_EQ(w.replicas, 1);
  clock.set_by = 200s;  // 00:20:20 and later
  pass_to(1040);
  EXPECT_EQ(w.replicas, 5);
  EXPECT_EQ(controller->status("a")[0]["schedule"]["next"]["at"], 1500);
  clock.set_by = -600s;
  w.queue.num_pending = 0;
  pass_to(1100);
  EXPECT_LT(w.replicas, 5);
}

TEST_F(CalendarTest, ALowerMaxIsKeptWhateverWaits) {
  World& w = worlds["a"];
  w.queue.num_pending = 5000;
  apply({at_twenty_past({}, 3)});
  pass_to(1199);
  EXPECT_EQ(w.replicas, 10);
  pass_to(1203);
  EXPECT_EQ(w.replicas, 3);
  pass_to(1490);
  EXPECT_EQ(w.replicas, 3);
  pass_to(1540);
  EXPECT_EQ(w.replicas, 10);
}

TEST_F(CalendarTest, APersonsBoundsCountBeforeTheCalendars) {
  World& w = worlds["a"];
  apply({at_twenty_past(5)});
  pass(1s);
  ASSERT_TRUE(controller->set_bounds("a", {2, 4}, {}, "ann"));
  pass_to(1300);
  EXPECT_EQ(w.replicas, 2);
  ASSERT_TRUE(controller->reset_bounds("a", "ann"));
  pass(1s);
  EXPECT_EQ(w.replicas, 5);
}

TEST_F(CalendarTest, ARestartWithinAnEntryFindsItInEffect) {
  World& w = worlds["a"];
  clock.time = time_at(1260);
  apply({at_twenty_past(5)});
  pass(1s);
  EXPECT_EQ(w.orders, (std::vector<int>{5}));
}

class TotalTest : public ControllerTest {
 protected:
  void start(int total, std::vector<ServiceSpec> specs) {
    controller->shares().limit_total(total);
    apply(specs);
  }
  static ServiceSpec service(const std::string& name, int priority, int min = 1) {
    auto s = spec(name, min);
    s.priority = priority;
    return s;
  }
  int sum() const {
    int n = 0;
    for (const auto& [name, w] : worlds) n += w.replicas;
    return n;
  }
  void pass_within(Duration length, int total) {
    for (const Time end = clock.time + length; clock.time < end;) {
      pass(100ms);
      ASSERT_LE(sum(), total);
    }
  }
};

TEST_F(TotalTest, IsNeverExceededAndTheHigherPriorityIsGivenWay) {
  World &mail = worlds["mail"], &report = worlds["report"];
  report.queue.num_pending = 5000;
  start(8, {service("mail", 10), service("report", 0)});
  pass_within(60s, 8);
  EXPECT_EQ(report.replicas, 7);
  EXPECT_EQ(mail.replicas, 1);
  EXPECT_NE(
      controller->status("report")[0]["why_nothing_happens"].get<std::string>().find("max_total_replicas 8"),
      std::string::npos);
  EXPECT_EQ(controller->status("report")[0]["conditions"][0]["condition"], "no_room");
  mail.queue.num_pending = 5000;
  pass_within(180s, 8);
  EXPECT_EQ(mail.replicas, 7);
  EXPECT_EQ(report.replicas, 1) << "min_replicas is kept";
  mail.queue.num_pending = 0;
  pass_within(180s, 8);
  EXPECT_EQ(mail.replicas, 1);
  EXPECT_EQ(report.replicas, 7);
}

TEST_F(TotalTest, EqualPrioritiesTakeNothingFromOneAnother) {
  World &a = worlds["a"], &b = worlds["b"];
  a.queue.num_pending = 5000;
  start(6, {service("a", 0), service("b", 0)});
  pass_within(60s, 6);
  EXPECT_EQ(a.replicas, 5);
  b.queue.num_pending = 5000;
  pass_within(60s, 6);
  EXPECT_EQ(a.replicas, 5);
  EXPECT_EQ(b.replicas, 1);
}

TEST_F(TotalTest, ALowerOneAfterAReloadIsReached) {
  World &a = worlds["a"], &b = worlds["b"];
  a.queue.num_pending = b.queue.num_pending = 5000;
  start(20, {service("a", 0), service("b", 1)});
  pass(60s);
  EXPECT_EQ(sum(), 20);
  start(8, {service("a", 0), service("b", 1)});
  pass(60s);
  EXPECT_EQ(a.replicas, 1);
  EXPECT_EQ(b.replicas, 7);
}

TEST_F(TotalTest, WhoCannotStartMoreIsNotGivenWay) {
  World &mail = worlds["mail"], &report = worlds["report"];
  report.queue.num_pending = 5000;
  start(8, {service("mail", 10), service("report", 0)});
  pass(60s);
  ASSERT_TRUE(controller->pause("mail", {}, "", "ann"));
  mail.queue.num_pending = 5000;
  pass(60s);
  EXPECT_EQ(report.replicas, 7) << "a paused service wants none";
}

TEST_F(TotalTest, APersonsNumberStaysWithinIt) {
  World& a = worlds["a"];
  worlds["b"].replicas = 4;
  worlds["b"].queue.num_pending = 300;
  start(8, {service("a", 0), service("b", 0)});
  pass(1s);
  ASSERT_TRUE(controller->scale("a", 9, {}, "", "ann"));
  pass(15s);
  EXPECT_EQ(a.replicas, 4);
}

}  // namespace
}  // namespace docktor
