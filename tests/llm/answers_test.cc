// Every kind of answer that a model's server may give, right and wrong, over real HTTP: the service keeps its
// bounds, the loop its interval, and the journal tells what happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <ostream>
#include <sstream>

#include "control/controller.h"
#include "core/record.h"
#include "llm/model_adviser.h"
#include "policy/policies.h"
#include "tests/support/model_server.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class TestClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = time_at(1000);
};

class TestJournal final : public Journal {
 public:
  Result<void> append(const nlohmann::ordered_json& record) override {
    records.push_back(record);
    return {};
  }
  std::vector<nlohmann::ordered_json> decisions() const {
    std::vector<nlohmann::ordered_json> out;
    for (const auto& r : records) {
      if (r.contains("decision")) out.push_back(r);
    }
    return out;
  }
  std::vector<nlohmann::ordered_json> events(const std::string& what) const {
    std::vector<nlohmann::ordered_json> out;
    for (const auto& r : records) {
      if (r.value("event", "") == what) out.push_back(r);
    }
    return out;
  }
  std::vector<nlohmann::ordered_json> records;
};

struct World {
  QueueSample queue;
  int replicas = 4;
  std::vector<int> orders;
};

class FakeSource final : public Source {
 public:
  explicit FakeSource(World& w) : w_(w) {}
  void read(const ReadRequest&, std::function<void(Result<Reading>)> done) override {
    w_.queue.delivered_consumer_seq = w_.queue.delivered_consumer_seq.value_or(0) + 1;
    done(Reading{w_.queue, std::nullopt});
  }
  std::vector<Finding> check(Duration) override { return {}; }

 private:
  World& w_;
};

class FakeTarget final : public Target {
 public:
  explicit FakeTarget(World& w) : w_(w) {}
  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override {
    w_.orders.push_back(order.replicas);
    w_.replicas = order.replicas;
    done(std::string("did it"));
  }
  TargetReport report() override {
    TargetReport r;
    for (int i = 0; i < w_.replicas; ++i)
      r.replicas.push_back({.id = std::to_string(i), .state = ReplicaState::kReady});
    return r;
  }
  std::vector<Finding> check() override { return {}; }

 private:
  World& w_;
};

// Counts what is on its way, so that a test with a clock of its own knows when to wait for a real answer.
class Counting final : public Adviser {
 public:
  Counting(LlmSpec spec, std::atomic<int>& under_way) : under_way_(under_way), model_(std::move(spec)) {}
  void ask(const AdviceQuestion& q, std::function<void(Result<Advice>)> done) override {
    ++under_way_;
    model_.ask(q, [this, done = std::move(done)](auto a) {
      done(std::move(a));
      --under_way_;
    });
  }
  void explain(const nlohmann::ordered_json& r, std::function<void(Result<std::string>)> done) override {
    ++under_way_;
    model_.explain(r, [this, done = std::move(done)](auto a) {
      done(std::move(a));
      --under_way_;
    });
  }

 private:
  std::atomic<int>& under_way_;
  llm::ModelAdviser model_;
};

class Bench {
 public:
  explicit Bench(ModelServer::Script script, LlmMode mode = LlmMode::kAdvise) : server(std::move(script)) {
    log_.sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(log));
    llm.base_url = server.url();
    llm.provider = "openai";
    llm.model = "ai/test";
    llm.mode = mode;
    llm.timeout = 20s;
    llm.api_key = Secret{"HUSH-key"};
  }

  static ServiceSpec spec() {
    ServiceSpec s;
    s.name = "a";
    s.limits.min_replicas = 1;
    s.limits.max_replicas = 10;
    s.check_interval = 10s;
    s.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}},
                        {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"}}};
    s.queue = QueueSpec{};
    return s;
  }

  void start() {
    controller.advise_with({.mode = llm.mode,
                            .provider = llm.provider,
                            .model = llm.model,
                            .timeout = llm.timeout,
                            .max_delay = llm.max_delay,
                            .adviser = std::make_shared<Counting>(llm, under_way)});
    controller.apply({spec()}, [this](const ServiceSpec& s) {
      ServiceParts p;
      p.spec = s;
      p.policy = make_policy(s);
      p.queue = std::make_unique<FakeSource>(world);
      p.target = std::make_unique<FakeTarget>(world);
      return p;
    });
  }

  // Lets `length` pass in steps of 100 ms; `patient` waits for real answers in between.
  void pass(Duration length, bool patient = true) {
    const Time end = clock.time + length;
    while (clock.time < end) {
      clock.time += 100ms;
      controller.step(0ns);
      controller.step(0ns);
      const auto until = std::chrono::steady_clock::now() + 60s;
      while (patient && under_way > 0 && std::chrono::steady_clock::now() < until) controller.step(2ms);
      controller.step(0ns);
    }
  }

  ModelServer server;
  LlmSpec llm;
  std::atomic<int> under_way{0};
  TestClock clock;
  TestJournal journal;
  World world;
  std::ostringstream log;

 private:
  TempDir folder_;
  StateStore state_{folder_.path().string()};
  spdlog::logger log_{"test"};

 public:
  Controller controller{{clock, journal, state_, log_, {{"provider", "none"}}, "run"}};
};

struct Case {
  const char* name;
  ModelReply reply;
  const char* verdict;
  int target;          // of the first scale-down, 4 -> 3 by the policy
  const char* detail;  // what the journal says beside
};
void PrintTo(const Case& x, std::ostream* out) { *out << x.name; }

ModelReply with_status(int status, const std::string& body = R"({"error":{"message":"no"}})") {
  ModelReply r;
  r.status = status;
  r.body = body;
  return r;
}
ModelReply raw(const std::string& body) {
  ModelReply r;
  r.body = body;
  return r;
}
ModelReply cut(ModelReply r) {
  r.cut_off = true;
  return r;
}
std::string delay(const std::string& seconds) {
  return R"({"action":"delay","delay_seconds":)" + seconds + R"(,"reason":"bursts"})";
}

class Answers : public testing::TestWithParam<Case> {};

TEST_P(Answers, LeaveTheServiceWithinItsBoundsAndTheLoopItsInterval) {
  const Case& c = GetParam();
  Bench b([&](const auto&, int) { return c.reply; });
  b.start();
  b.pass(41s);
  const auto decisions = b.journal.decisions();
  ASSERT_GE(decisions.size(), 5U);
  const auto& first = decisions[0];
  EXPECT_EQ(first["current_replicas"], 4);
  EXPECT_EQ(first["target_replicas"], c.target) << first;
  const auto& m = first["metadata"];
  EXPECT_EQ(m["provider"], "openai");
  EXPECT_EQ(m["model"], "ai/test");
  EXPECT_EQ(m["verdict"], c.verdict) << first;
  EXPECT_TRUE(m["latency"].is_number());
  EXPECT_THAT(first.dump(), HasSubstr(c.detail));
  for (std::size_t i = 1; i < decisions.size(); ++i) {
    EXPECT_NEAR(decisions[i]["t"].get<double>() - decisions[i - 1]["t"].get<double>(), 10, 0.3);
    EXPECT_EQ(decisions[i]["reason"].get<std::string>().find("HUSH"), std::string::npos);
  }
  for (const int n : b.world.orders) {
    EXPECT_GE(n, 1);
    EXPECT_LE(n, 4);  // nothing asked for more
  }
  for (const auto& q : b.server.requests()) {
    EXPECT_EQ(q["temperature"], 0);
    EXPECT_THAT(q.dump(), testing::Not(HasSubstr("HUSH")));
  }
  EXPECT_THAT(b.log.str(), testing::Not(HasSubstr("HUSH")));
}

INSTANTIATE_TEST_SUITE_P(
    Model, Answers,
    testing::Values(Case{"Agrees", says(R"({"action":"agree","delay_seconds":0,"reason":"calm"})"),
                         "followed", 3, "agree"},
                    Case{"Delays", says(delay("30")), "followed", 4, "put off for 30s on the model's advice"},
                    Case{"Cancels", says(R"({"action":"cancel","delay_seconds":0,"reason":"a burst comes"})"),
                         "followed", 4, "a burst comes"},
                    Case{"Streams", streams(delay("30")), "followed", 4, "put off for 30s"},
                    Case{"StreamCutOff", streams(delay("30"), true), "ignored", 3, "cut off"},
                    Case{"TooManyRequests", with_status(429), "unavailable", 3, "HTTP 429"},
                    Case{"ServerError", with_status(500), "unavailable", 3, "HTTP 500"},
                    Case{"Unauthorized", with_status(401), "unavailable", 3, "api_key"},
                    Case{"CutOff", cut(says(delay("30"))), "unavailable", 3, "detail"},
                    Case{"CutOffWithin", says(delay("30").substr(0, 25)), "ignored", 3, "not JSON"},
                    Case{"NotJson", says("I would wait."), "ignored", 3, "not JSON"},
                    Case{"NotEvenHttpJson", raw("<html>"), "ignored", 3, "not JSON"},
                    Case{"Huge", raw(std::string(4 << 20, '{')), "unavailable", 3, "larger than"},
                    Case{"HugeMessage", says(std::string(100'000, 'x')), "ignored", 3, "longer than"},
                    Case{"AbsurdNumber", says(delay("1e-465794991481644")), "ignored", 3, "whole number"},
                    Case{"Negative", says(delay("-5")), "ignored", 3, "whole number"},
                    Case{"StringForANumber", says(delay("\"3\"")), "ignored", 3, "whole number"},
                    Case{"TooLong", says(delay("86400")), "clamped", 4, "max_delay"},
                    Case{"Absurd", says(delay("99999999999999999999")), "ignored", 3, "whole number"},
                    Case{"LeavesTheBounds", says(R"({"action":"add","replicas":1000000,"reason":"more"})"),
                         "ignored", 3, "unknown key"},
                    Case{"WantsFewer", says(R"({"action":"agree","target_replicas":0,"reason":"x"})"),
                         "ignored", 3, "unknown key"},
                    Case{"Empty", raw(""), "ignored", 3, "not JSON"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Model, ASlowAnswerIsNotWaitedForLongerThanHalfAnInterval) {
  Bench b([](const auto&, int) {
    auto r = says(delay("30"));
    r.delay = 3s;
    return r;
  });
  b.start();
  b.pass(41s, false);
  const auto decisions = b.journal.decisions();
  ASSERT_GE(decisions.size(), 4U);
  EXPECT_EQ(decisions[0]["metadata"]["verdict"], "unavailable");
  EXPECT_EQ(decisions[0]["metadata"]["detail"], "no answer within 5s");
  EXPECT_EQ(decisions[0]["target_replicas"], 3);
  for (std::size_t i = 1; i < decisions.size(); ++i)
    EXPECT_NEAR(decisions[i]["t"].get<double>() - decisions[i - 1]["t"].get<double>(), 10, 0.3);
  EXPECT_EQ(b.world.replicas, 1);
}

TEST(Model, AServerThatTakesTooLongByItsOwnTimeoutIsUnavailable) {
  Bench b([](const auto&, int) {
    auto r = says(delay("30"));
    r.delay = 30s;
    return r;
  });
  b.llm.timeout = 200ms;
  b.start();
  b.pass(200ms);
  ASSERT_FALSE(b.journal.decisions().empty());
  EXPECT_EQ(b.journal.decisions()[0]["metadata"]["verdict"], "unavailable");
}

TEST(Model, AScaleUpGoesOutAtOnceAndTheAnswerAddsAtTheNextCheck) {
  Bench b([](const auto&, int) { return says(R"({"action":"add","replicas":7,"reason":"it grows"})"); });
  b.world.queue.num_pending = 1500;
  b.start();
  b.pass(1s, false);
  EXPECT_EQ(b.world.orders, std::vector<int>{6}) << "the answer was waited for";
  EXPECT_EQ(b.journal.decisions()[0]["metadata"]["verdict"], "not_asked");
  b.world.queue.num_pending = 300;  // the policy holds
  b.pass(11s);
  EXPECT_EQ(b.world.orders, (std::vector<int>{6, 7}));
  const auto d = b.journal.decisions()[1];
  EXPECT_EQ(d["metadata"]["verdict"], "followed");
  EXPECT_THAT(d["reason"].get<std::string>(), HasSubstr("to 7 on the model's advice: \"it grows\""));
}

TEST(Model, WhatItAddsStaysWithinStepAndBounds) {
  Bench b([](const auto&, int) { return says(R"({"action":"add","replicas":1000000,"reason":"more"})"); });
  b.world.queue.num_pending = 1500;
  b.start();
  b.pass(1s);
  b.world.queue.num_pending = 300;
  b.pass(60s);
  EXPECT_EQ(b.world.orders[0], 6);
  for (const int n : b.world.orders) EXPECT_LE(n, 10);
  const auto d = b.journal.decisions()[1];
  EXPECT_EQ(d["target_replicas"], 8);
  EXPECT_EQ(d["metadata"]["verdict"], "clamped");
}

TEST(Model, ThatKeepsFailingIsLeftAloneAndThatIsSaidOnce) {
  Bench b([](const auto&, int) { return with_status(500); });
  b.world.replicas = 10;
  b.start();
  b.pass(89s);
  EXPECT_EQ(b.world.replicas, 1);
  EXPECT_LE(b.server.requests().size(), 5U);
  EXPECT_GE(b.server.requests().size(), 4U) << "it is tried again";
  EXPECT_EQ(b.journal.events("model").size(), 1U);
  const auto log = b.log.str();
  const auto at = log.find("left alone for a while");
  ASSERT_NE(at, std::string::npos) << log;
  EXPECT_EQ(log.find("left alone for a while", at + 1), std::string::npos);
  bool told = false;
  for (const auto& d : b.journal.decisions())
    told = told || d["metadata"].value("detail", "").find("left alone after failures") != std::string::npos;
  EXPECT_TRUE(told);
}

TEST(Model, NobodyThereIsNoHarm) {
  Bench b([](const auto&, int) { return says(""); });
  b.llm.base_url = "http://127.0.0.1:1/v1";
  b.start();
  b.pass(1s);
  EXPECT_EQ(b.world.orders, std::vector<int>{3});
  EXPECT_EQ(b.journal.decisions()[0]["metadata"]["verdict"], "unavailable");
}

TEST(Model, AServiceThatChangesMeanwhileIsNotScaledByAnOldDecision) {
  Bench b([](const auto&, int) {
    auto r = says(R"({"action":"agree","delay_seconds":0,"reason":"calm"})");
    r.delay = 2s;
    return r;
  });
  b.start();
  b.pass(200ms, false);
  ASSERT_EQ(b.under_way, 1);
  b.world.replicas = 6;  // somebody's hand
  b.pass(100ms);
  EXPECT_TRUE(b.world.orders.empty());
  const auto d = b.journal.decisions()[0];
  EXPECT_EQ(d["decision"], "hold");
  EXPECT_EQ(d["metadata"]["verdict"], "ignored");
}

TEST(Model, InExplainModePutsTheNumbersIntoASentenceAfterwards) {
  Bench b([](const auto&, int) { return says("Scaled down\nsince the \x1b[31mbacklog was 0."); },
          LlmMode::kExplain);
  b.start();
  b.pass(2s);
  EXPECT_EQ(b.world.orders, std::vector<int>{3});
  EXPECT_EQ(b.journal.decisions()[0]["metadata"]["verdict"], "not_asked");
  const auto said = b.journal.events("explanation");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]["id"], b.journal.decisions()[0]["id"]);
  EXPECT_EQ(said[0]["text"], "Scaled down since the  [31mbacklog was 0.");
  EXPECT_EQ(said[0]["metadata"]["model"], "ai/test");
}

TEST(Model, SwitchedOffIsNeverAsked) {
  Bench b([](const auto&, int) { return says(delay("30")); }, LlmMode::kOff);
  b.start();
  b.pass(25s);
  EXPECT_TRUE(b.server.requests().empty());
  EXPECT_EQ(b.world.replicas, 1);
  EXPECT_EQ(b.journal.decisions()[0]["metadata"]["verdict"], "not_asked");
}

TEST(Model, TheJournalAloneReproducesAdvisedDecisions) {
  int n = 0;
  Bench b([&](const auto& request, int) {
    const bool down = request.dump().find("delay_seconds") != std::string::npos;
    switch (++n % 5) {
      case 0:
        return says(down ? delay("25") : R"({"action":"add","replicas":9,"reason":"x"})");
      case 1:
        return says(R"({"action":"cancel","delay_seconds":0,"reason":"y"})");
      case 2:
        return with_status(500);
      default:
        return says(R"({"action":"agree","reason":"z"})");
    }
  });
  b.start();
  for (int i = 0; i < 40; ++i) {
    b.world.queue.num_pending = i % 16 < 5 ? 900 : 20;
    b.pass(7s);
  }
  const auto& start = b.journal.records.front();
  ASSERT_EQ(start["event"], "start");
  Autoscaler again(Bench::spec(), make_policy(Bench::spec()));
  again.restore(start["state"], time_at(start["t"].get<double>()));
  int advised = 0;
  for (const auto& r : b.journal.decisions()) {
    for (const auto& line : r["inputs"])
      again.observe(input_from_json(nlohmann::json::parse(line.dump()))->second);
    const auto& c = r["replicas"];
    Decision d = again.evaluate(time_at(r["t"].get<double>()), {c["current"], c["ready"], c["failing"]});
    if (r.contains("advice")) {
      d = again.advise(d, *advice_from_json(r["advice"]));
      ++advised;
    }
    EXPECT_EQ(to_string(d.action), r["decision"].get<std::string>());
    EXPECT_EQ(d.target, r["target_replicas"]);
    EXPECT_EQ(d.reason, r["reason"].get<std::string>());
  }
  EXPECT_GE(advised, 5);
}

}  // namespace
}  // namespace docktor::test
