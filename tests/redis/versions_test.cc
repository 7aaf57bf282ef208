// Sidekiq and BullMQ in the versions that people run, and services that work on several queues of a framework.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <ostream>
#include <string>
#include <vector>

#include "core/flow.h"
#include "tests/redis/jobs.h"

namespace docktor::test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// Debian 12 has 6.
class SidekiqTest : public JobsTest, public testing::WithParamInterface<int> {
 protected:
  bool no_sidekiq() {
    if (GetParam() == 6) return false;
    rubylib = DOCKTOR_SIDEKIQ_7 "/lib";
    program_ = "ruby " DOCKTOR_SIDEKIQ_7 "/bin/sidekiq";
    return missing(DOCKTOR_SIDEKIQ_7, "scripts/fetch-sidekiq.sh");
  }
  std::string works() const {
    return fmt::format("{} -r {}/sidekiq_job.rb -c 2 -q default -t 2", program_, DOCKTOR_REDIS_TESTS);
  }

 private:
  std::string program_ = "sidekiq";
};

TEST_P(SidekiqTest, SidekiqsLife) {
  if (no_sidekiq()) return;
  const std::string program = fmt::format("ruby {}/sidekiq_job.rb ", DOCKTOR_REDIS_TESTS);
  RedisReader reader(framework("sidekiq", {"default"}));
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for default in the set queues"));
  run(program + "put 3");
  run(program + "put-mail 2");
  run(program + "put-later 4");
  run(program + "put-due 1");
  run(program + "put-due-mail 5");
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 4u) << "three, and one whose time has come; the others are another queue's";
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(s.num_ack_pending, 0u);
  EXPECT_EQ(RedisReader(framework("sidekiq", {"default", "mail"})).sample().num_pending, 11u);
  EXPECT_EQ(own(program + "count"), "3 0 10 0") << "to Sidekiq those whose time has come are scheduled still";
  auto worker = start(works());
  s = until(reader, [](const QueueSample& q) { return q.in_hand() == 2; });
  EXPECT_EQ(s.consumers, 1u);
  EXPECT_THAT(reader.findings(),
              ContainsRegex(fmt::format("ok: Sidekiq {}([.][0-9.]+)?: 2 queues, 1 process\n", GetParam())));
  EXPECT_THAT(RedisReader(framework("sidekiq", {"defualt"})).findings(),
              HasSubstr("queues that are there: with this prefix default, mail"));
  EXPECT_EQ(RedisReader(framework("sidekiq", {"mail"})).sample().num_ack_pending, 0u);
  open_gate();
  until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == 0; });
  run(program + "put-failing 1");
  until(reader, [](const QueueSample& q) { return q.dead == 1; });
  const auto before = reader.sample().scheduled.value_or(0);
  run(program + "put-retrying 1");
  s = until(reader, [&](const QueueSample& q) { return q.num_pending == 0 && q.scheduled == before + 1; });
  worker->stop();
  EXPECT_EQ(reader.sample().consumers, 0u);
  EXPECT_EQ(own(program + "count"), read(reader.sample()));
  run(program + "put 3");
  EXPECT_EQ(reader.sample().num_pending, 3u);
  run(program + "purge");
  EXPECT_EQ(read(reader.sample()), "0 0 1 1") << "what waits for its next try and what is dead stay";
  EXPECT_EQ(own(program + "count"), read(reader.sample()));
  server.cli("FLUSHALL");
  EXPECT_EQ(read(reader.sample()), "0 0 0 0");
}

// Of a process that is killed Sidekiq's basic fetch gives nothing back: what it had counts as in hand until its key ends, and is
// gone then.
TEST_P(SidekiqTest, AWorkerThatIsKilledTakesItsJobsWithIt) {
  if (no_sidekiq()) return;
  const std::string program = fmt::format("ruby {}/sidekiq_job.rb ", DOCKTOR_REDIS_TESTS);
  RedisReader reader(framework("sidekiq", {"default"}));
  const auto expect = [&](const std::string& figures, const char* why) {
    EXPECT_EQ(read(reader.sample()), figures) << why;
    EXPECT_EQ(own(program + "count"), figures) << why;
  };
  run(program + "put 5");
  auto worker = start(works());
  until(reader, [](const QueueSample& q) { return q.in_hand() == 2; });
  expect("3 2 0 0", "at work");
  worker->kill();
  expect("3 2 0 0", "nobody knows yet");
  EXPECT_EQ(reader.sample().consumers, 1u);
  const auto process = server.cli("SMEMBERS processes");
  EXPECT_GT(std::stoi(server.cli("TTL " + process)), 0) << "it ends by itself, within a minute";
  for (const char* key : {"", ":workers", ":work"}) server.cli("DEL " + process + key);  // as then
  expect("3 0 0 0", "nothing came back");
  EXPECT_EQ(reader.sample().consumers, 0u);
  open_gate();
  worker = start(works());
  until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == 0; });
  worker->stop();
  EXPECT_EQ(server.cli("GET stat:processed"), "3") << "the two are lost";
  expect("0 0 0 0", "done");
}

INSTANTIATE_TEST_SUITE_P(Versions, SidekiqTest, testing::Values(6, 7),
                         [](const auto& i) { return fmt::format("Sidekiq{}", i.param); });

struct BullMqVersion {
  const char* folder;
  const char* told;
};
void PrintTo(const BullMqVersion& x, std::ostream* out) { *out << x.folder; }

class BullMqTest : public JobsTest, public testing::WithParamInterface<BullMqVersion> {};

TEST_P(BullMqTest, BullMqsLife) {
  bullmq += GetParam().folder;
  if (no_bullmq()) return;
  const std::string program = fmt::format("node {}/bullmq_job.js ", DOCKTOR_REDIS_TESTS);
  RedisReader reader(framework("bullmq", {"mail"}));
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for bull:mail:meta"));
  std::promise<void> woken;
  reader.source().watch([&] { woken.set_value(); });
  const auto before = reader.sample();
  // What comes before it waits is not its to tell.
  ASSERT_TRUE(eventually([&] { return server.cli("CLIENT LIST").find("cmd=xread") != std::string::npos; }));
  run(program + "put 3");
  EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
  run(program + "put-priority 2");
  run(program + "put-later 4");
  run(program + "put-due 1");
  const auto loaded = until(reader, [](const QueueSample& q) { return q.num_pending == 6; });
  EXPECT_EQ(loaded.scheduled, 4u);
  EXPECT_EQ(loaded.num_ack_pending, 0u);
  EXPECT_EQ(own(program + "count"), "5 0 5 0") << "to BullMQ one whose time has come is delayed still";
  EXPECT_THAT(reader.findings(), HasSubstr(fmt::format("ok: BullMQ {}: bull:mail:meta\n", GetParam().told)));
  auto elsewhere = framework("bullmq", {"mail"});
  elsewhere.key_prefix = "app";
  EXPECT_THAT(RedisReader(elsewhere).findings(),
              AllOf(HasSubstr("docktor looked for app:mail:meta; queues that are there: with key_prefix "
                              "\"bull\" mail"),
                    HasSubstr("write key_prefix: \"bull\"")));
  const auto came = flow_between(before, loaded, seconds(1));
  ASSERT_TRUE(came.flow);
  EXPECT_EQ(came.flow->arrivals, 6);
  run(program + "pause");
  EXPECT_THAT(reader.sample().paused, HasSubstr("queue mail is paused in BullMQ"));
  run(program + "resume");
  EXPECT_EQ(reader.sample().paused, "");
  const auto resumed = reader.sample();
  EXPECT_EQ(resumed.num_pending, 6u);

  auto worker = start(program + "work");
  auto s = until(reader, [](const QueueSample& q) { return q.in_hand() == 2; });
  EXPECT_EQ(s.num_pending, 4u);
  worker->kill();
  EXPECT_EQ(reader.sample().num_ack_pending, 2u) << "work of a dead worker stays in hand";
  open_gate();
  worker = start(program + "work");
  until(reader, [](const QueueSample& q) { return q.num_pending == 0; });
  run(program + "put-failing 1");
  s = until(reader, [](const QueueSample& q) { return q.dead == 1; });
  const auto went = flow_between(resumed, s, seconds(1));
  ASSERT_TRUE(went.flow);
  EXPECT_EQ(went.flow->arrivals, 1);
  run(program + "put-retrying 1");
  s = until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.scheduled == 5; });
  EXPECT_EQ(own(program + "count").substr(2), read(s).substr(2));
  worker->kill();
  run(program + "put 2");
  EXPECT_EQ(reader.sample().num_pending, 2u);
  run(program + "purge");
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_EQ(own(program + "count"), read(reader.sample()));
  run(program + "obliterate");
  const auto empty = reader.sample();
  EXPECT_EQ(empty.num_pending, 0u);
  EXPECT_TRUE(flow_between(s, empty, seconds(1)).reset);
  run(program + "put 2");
  const auto anew = reader.sample();
  EXPECT_EQ(anew.num_pending, 2u);
  server.cli("FLUSHALL");
  const auto flushed = reader.sample();
  EXPECT_EQ(read(flushed), "0 0 0 0");
  EXPECT_TRUE(flow_between(anew, flushed, seconds(1)).reset);
}

// Its counter grows all the same: what it would say of arrivals is not told.
TEST_P(BullMqTest, AddsThatAreDroppedAreNoArrivals) {
  bullmq += GetParam().folder;
  if (no_bullmq()) return;
  const std::string program = fmt::format("node {}/bullmq_job.js ", DOCKTOR_REDIS_TESTS);
  RedisReader reader(framework("bullmq", {"mail"}));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  run(program + "put 3");
  EXPECT_EQ(until(reader, [](const QueueSample& q) { return q.num_pending == 3; }).totals.arrived, 3u);
  EXPECT_EQ(reader.sample().totals.arrived, 3u);
  run(program + "put-dropped 4");
  until(reader, [](const QueueSample& q) { return !q.totals.arrived; });
  EXPECT_EQ(own(program + "count"), "4 0 0 0");
  const auto r = reader.read();
  ASSERT_TRUE(r);
  EXPECT_EQ(read(*r->queue), "4 0 0 0");
  EXPECT_THAT(r->note, HasSubstr("how many come is not told"));
  // Who may not look at events believes the counter.
  server.cli("ACL SETUSER reader on '>pw' '~*' +@all -xrevrange");
  auto spec = framework("bullmq", {"mail"});
  spec.user = "reader";
  spec.password.value = "pw";
  RedisReader blind(spec);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(blind.sample().totals.arrived, 7u);
}

INSTANTIATE_TEST_SUITE_P(Versions, BullMqTest,
                         testing::Values(BullMqVersion{"", "5.81.0"}, BullMqVersion{"/6", "6.7.0"}),
                         [](const auto& i) { return fmt::format("BullMq{}", i.param.told[0]); });

struct Named {
  const char* framework;
  const char* program;
  std::uint64_t at_once;  // jobs that a worker takes
  const char* prefix = nullptr;
  bool pauses = false;  // one queue of several
};
void PrintTo(const Named& x, std::ostream* out) { *out << x.framework; }

class SeveralNames : public JobsTest, public testing::WithParamInterface<Named> {
 protected:
  RedisSpec spec(std::vector<std::string> queues) const {
    auto s = framework(GetParam().framework, std::move(queues));
    if (GetParam().prefix) s.key_prefix = GetParam().prefix;
    return s;
  }
  static std::string on(const std::string& queue, const std::string& verb) {
    return fmt::format("env QUEUE={} {} {}", queue,
                       fmt::format(fmt::runtime(GetParam().program), DOCKTOR_REDIS_TESTS), verb);
  }
};

TEST_P(SeveralNames, AreReadAsOneAndEachAloneAsWhatItIs) {
  if (GetParam().framework == std::string("bullmq") && no_bullmq()) return;
  RedisReader first(spec({"default"})), second(spec({"reports"})), both(spec({"default", "reports"}));
  run(on("default", "put 3"));
  run(on("reports", "put 2"));
  run(on("reports", "put-later 4"));
  EXPECT_EQ(read(both.sample()), "5 0 4 0");
  EXPECT_EQ(read(first.sample()), "3 0 0 0");
  EXPECT_EQ(read(second.sample()), "2 0 4 0");
  EXPECT_THAT(both.findings(), HasSubstr("default and reports: 5 waiting, 0 in hand, 4 scheduled"));
  if (GetParam().pauses) {
    run(on("default", "pause"));
    EXPECT_EQ(read(both.sample()), "2 0 4 0") << "what lies in one that is paused is nobody's work";
    EXPECT_EQ(both.sample().paused, "") << "the other goes on";
    run(on("default", "resume"));
  }
  auto worker = start(on("reports", "work"));
  const auto held = GetParam().at_once;
  const auto s = until(both, [&](const QueueSample& q) { return q.in_hand() == held; });
  EXPECT_EQ(s.num_pending, 5 - held);
  EXPECT_EQ(read(first.sample()), "3 0 0 0");
  worker->kill();
  run(on("default", "purge"));
  EXPECT_EQ(both.sample().num_pending, 2 - held);
  EXPECT_EQ(both.sample().in_hand(), held);
}

INSTANTIATE_TEST_SUITE_P(Frameworks, SeveralNames,
                         testing::Values(Named{"rq", "/usr/bin/python3 {}/frameworks.py rq", 1},
                                         Named{"bullmq", "node {}/bullmq_job.js", 2, nullptr, true},
                                         Named{"laravel", "php {}/laravel_job.php", 1, "laravel_database_"}),
                         [](const auto& i) { return std::string(i.param.framework); });

}  // namespace
}  // namespace docktor::test
