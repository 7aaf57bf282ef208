// Lists and the frameworks' queues: the frameworks themselves put jobs in and work on them, and what is read is what was
// done at every moment of their lives.
#include "tests/redis/jobs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <ostream>
#include <string>

namespace docktor::test {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST_F(JobsTest, AListASetASortedSetAndAStreamAreCounted) {
  RedisSpec spec;
  spec.url = server.url();
  spec.list = "my:jobs";
  RedisReader alone(spec);
  EXPECT_THAT(alone.findings(), HasSubstr("no such queue has ever been used in database 0"));
  EXPECT_EQ(alone.sample().num_pending, 0u);
  EXPECT_FALSE(alone.sample().num_ack_pending) << "0 would mean that nobody works";
  EXPECT_THAT(alone.source().watch_gap(), HasSubstr("tells nobody"));
  spec.in_flight_list = "my:busy";
  RedisReader reader(spec);
  server.cli("RPUSH my:jobs a b c");
  server.cli("LMOVE my:jobs my:busy LEFT RIGHT");
  EXPECT_EQ(reader.sample().num_pending, 2u);
  EXPECT_EQ(reader.sample().num_ack_pending, 1u);
  auto odd = spec;
  odd.list = "jobs";
  odd.in_flight_list.clear();
  EXPECT_THAT(RedisReader(odd).findings(), HasSubstr("keys of such a name: my:jobs"));
  odd.url = server.url(3);
  EXPECT_THAT(RedisReader(odd).findings(),
              HasSubstr("no such queue has ever been used in database 3: docktor looked for a key jobs; "
                        "database 0 of this server has keys, too"));
  server.cli("DEL my:busy my:jobs");
  server.cli("ZADD my:busy 1 a 2 b");
  server.cli("SADD my:jobs a b c d");
  EXPECT_EQ(reader.sample().num_pending, 4u);
  EXPECT_EQ(reader.sample().num_ack_pending, 2u);
  server.cli("DEL my:jobs");
  server.cli("XADD my:jobs '*' a b");
  EXPECT_EQ(reader.sample().num_pending, 1u);
  server.cli("DEL my:jobs");
  server.cli("SET my:jobs 7");
  EXPECT_THAT(reader.error(ErrorCode::kInvalid).message,
              HasSubstr("key my:jobs holds a value of type string"));
}

TEST_F(JobsTest, WhatItLookedForHasThePrefixWhereTheFrameworkPutsIt) {
  auto spec = framework("celery", {"celery"});
  spec.key_prefix = "app:";
  EXPECT_THAT(RedisReader(spec).findings(), HasSubstr("docktor looked for app:_kombu.binding.celery"));
}

TEST_F(JobsTest, AUserWhoMayNotWaitForBullMqsEventsIsTold) {
  server.cli("ACL SETUSER reader on '>pw' '~*' +@read +ping +info +select -xread");
  auto spec = framework("bullmq", {"mail"});
  EXPECT_THAT(RedisReader(spec).findings(), ::testing::Not(HasSubstr("may not use XREAD")));
  spec.user = "reader";
  spec.password.value = "pw";
  EXPECT_THAT(RedisReader(spec).findings(), HasSubstr("this user may not use XREAD"));
}

// Debian 12's, and the newest one.
struct PythonVersion {
  const char* name;
  const char* folder = "";
  const char* script = "";
};
void PrintTo(const PythonVersion& x, std::ostream* out) { *out << x.name; }
std::string python_name(const testing::TestParamInfo<PythonVersion>& i) { return i.param.name; }

class OfPython : public JobsTest, public testing::WithParamInterface<PythonVersion> {
 protected:
  bool not_fetched() const { return *GetParam().folder && missing(GetParam().folder, GetParam().script); }
  std::string program(const char* framework) const {
    return fmt::format("env PYTHONPATH={0}:{1} /usr/bin/python3 {1}/frameworks.py {2} ", GetParam().folder,
                       DOCKTOR_REDIS_TESTS, framework);
  }
};
class CeleryTest : public OfPython {};
class RqTest : public OfPython {};
INSTANTIATE_TEST_SUITE_P(Versions, CeleryTest,
                         testing::Values(PythonVersion{"Celery5_2"},
                                         PythonVersion{"Celery5_7", DOCKTOR_CELERY,
                                                       "scripts/fetch-celery.sh"}),
                         python_name);
INSTANTIATE_TEST_SUITE_P(Versions, RqTest,
                         testing::Values(PythonVersion{"Rq1"},
                                         PythonVersion{"Rq2", DOCKTOR_RQ_2, "scripts/fetch-rq.sh"}),
                         python_name);

TEST_P(CeleryTest, CelerysLife) {
  if (not_fetched()) return;
  const auto program = OfPython::program("celery");
  auto spec = framework("celery", {"celery"});
  spec.acks_late = true;
  spec.claim_after = seconds(2);
  RedisReader reader(spec);
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for _kombu.binding.celery"));
  run(program + "put 3");
  run(program + "put-low 2");
  run(program + "put-mail 4");
  EXPECT_EQ(reader.sample().num_pending, 5u);
  auto both = spec;
  both.queues = {"celery", "mail"};
  EXPECT_EQ(RedisReader(both).sample().num_pending, 9u);
  EXPECT_THAT(reader.findings(), HasSubstr("ok: Celery celery: 5 waiting, 0 in hand"));
  EXPECT_THAT(reader.findings(), testing::Not(HasSubstr("no such queue")));
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: Celery (its version is not in Redis): _kombu.binding.celery"));
  auto elsewhere = spec;
  elsewhere.key_prefix = "app:";
  EXPECT_THAT(RedisReader(elsewhere).findings(),
              AllOf(HasSubstr("queues that are there: with key_prefix \"\" celery, mail"),
                    HasSubstr("write key_prefix: \"\"")));
  EXPECT_EQ(own(program + "count"), "5 0 0");
  auto early = spec;
  early.acks_late = false;
  EXPECT_FALSE(RedisReader(early).sample().num_ack_pending);

  auto worker = start(program + "work");
  const auto busy = until(reader, [](const QueueSample& s) { return s.in_hand() > 0; });
  EXPECT_EQ(busy.num_pending + busy.in_hand(), 5u);
  worker
      ->kill();  // what it had comes again after the visibility timeout: then it is work, with nobody there to find it
  const auto lost = until(reader, [](const QueueSample& s) { return s.in_hand() == 0; });
  EXPECT_EQ(lost.num_pending, 5u);
  open_gate();
  worker = start(program + "work");
  until(reader, [](const QueueSample& s) { return s.num_pending == 0 && s.in_hand() == 0; });
  EXPECT_EQ(server.cli("LLEN mail"), "4");
  worker->stop();
  run(program + "put 3");
  EXPECT_EQ(reader.sample().num_pending, 3u);
  run(program + "purge");
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_EQ(own(program + "count"), "0 0 0");
  run(program + "put 2");
  server.cli("FLUSHALL");
  EXPECT_EQ(reader.sample().num_pending, 0u);
  run(program + "put 2");
  EXPECT_EQ(reader.sample().num_pending, 2u);
}

TEST_P(CeleryTest, WhatCelerysWorkersHoldCountsForItsOwnQueueAlone) {
  if (not_fetched()) return;
  const auto program = OfPython::program("celery");
  auto of = framework("celery", {"celery"});
  of.acks_late = true;
  of.claim_after = seconds(2);
  auto mail = of, both = of;
  mail.queues = {"mail"};
  both.queues = {"mail", "celery"};
  RedisReader reader(of), others(mail), all(both);
  run(program + "put 1");
  auto worker = start(program + "work");
  until(reader, [](const QueueSample& s) { return s.in_hand() == 1; });
  EXPECT_EQ(others.sample().in_hand(), 0u);
  EXPECT_EQ(all.sample().in_hand(), 1u);
  worker->kill();
  until(reader, [](const QueueSample& s) { return s.num_pending == 1 && s.in_hand() == 0; });
  EXPECT_EQ(others.sample().num_pending, 0u) << "what is lost comes again to its own queue";
  EXPECT_EQ(all.sample().num_pending, 1u);
  // More than are looked into in one reading, half of them mail's: the rest are taken to be alike, until all are known.
  server.cli(
      "EVAL \"local t = redis.call('TIME')[1]; for i = 1, 400 do local q = i % 2 == 0 and 'mail' or "
      "'celery'; "
      "redis.call('ZADD', 'unacked_index', t + 3600, 'tag' .. i); "
      "redis.call('HSET', 'unacked', 'tag' .. i, '[{}, \\\"\\\", \\\"' .. q .. '\\\"]') end\" 0");
  EXPECT_NEAR(others.sample().in_hand(), 200, 5);
  until(others, [](const QueueSample& s) { return s.in_hand() == 200; });
  EXPECT_EQ(all.sample().in_hand(), 400u);
  // One of mail's among many that are not known yet: its last replica must not be taken for idle.
  server.cli("DEL unacked unacked_index");
  server.cli(
      "EVAL \"local t = redis.call('TIME')[1]; for i = 1, 120 do local q = i == 120 and 'mail' or 'celery'; "
      "redis.call('ZADD', 'unacked_index', t + i, 'next' .. i); "
      "redis.call('HSET', 'unacked', 'next' .. i, '[{}, \\\"\\\", \\\"' .. q .. '\\\"]') end\" 0");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(others.sample().in_hand(), 1u) << i;
  // By an exchange a task may have come to any queue, and what cannot be read may be anybody's.
  server.cli("HSET unacked tagX '[{}, \"tasks\", \"image.resize\"]' tagY rubbish");
  server.cli("ZADD unacked_index 9e9 tagX 9e9 tagY");
  until(others, [](const QueueSample& s) { return s.in_hand() == 3; });
}

TEST_F(JobsTest, EachOfCelerysPrioritiesIsCounted) {
  const auto program = [](const char* separator) {
    return fmt::format("env SEP='{}' /usr/bin/python3 {}/frameworks.py celery ", separator,
                       DOCKTOR_REDIS_TESTS);
  };
  auto spec = framework("celery", {"celery"});
  run(program("\x06\x16") + "put-each 10");
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 10u);
  EXPECT_THAT(RedisReader(spec).findings(), testing::Not(HasSubstr("priority_separator")));
  server.cli("FLUSHALL");
  run(program(":") + "put-each 10");
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 1u);
  EXPECT_THAT(RedisReader(spec).findings(),
              AllOf(HasSubstr("there is a key celery:1: a list of Celery's priorities"),
                    HasSubstr("write priority_separator: \":\"")));
  spec.priority_separator = ":";
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 10u);
}

// What Celery tells: the queue's length, and by its worker what that one works on or has taken, and what it holds until the
// time has come. In Redis the last two are one.
TEST_F(JobsTest, CelerysTasksThatComeLaterFailAndAreTriedAgain) {
  const std::string program =
      fmt::format("env VISIBILITY_TIMEOUT=3600 POOL=prefork /usr/bin/python3 {}/frameworks.py celery ",
                  DOCKTOR_REDIS_TESTS);
  auto spec = framework("celery", {"celery"});
  spec.acks_late = true;
  RedisReader reader(spec);
  run(program + "put 2");
  run(program + "put-later 3");
  run(program + "put-due 1");
  run(program + "put-failing 1");
  run(program + "put-retrying 1");
  EXPECT_EQ(read(reader.sample()), "8 0 0 0") << "a task for later waits for a worker to take it";
  EXPECT_EQ(own(program + "count"), "8 0 0");
  auto worker = start(program + "work");
  auto s = until(reader, [](const QueueSample& q) { return q.in_hand() == 1; });
  EXPECT_EQ(read(s), "7 1 0 0");
  EXPECT_EQ(own(program + "count 1"), "7 1 0");
  open_gate();
  EXPECT_TRUE(eventually([&] { return own(program + "count 1") == "0 0 4"; }))
      << "three for later, and one for its next try" << said();
  s = reader.sample();
  EXPECT_EQ(read(s), "0 4 0 0");
  EXPECT_FALSE(s.scheduled || s.dead) << "not told, which is not 0";
  std::filesystem::remove(gate());
  run(program + "put 2");
  s = until(reader, [](const QueueSample& q) { return q.in_hand() == 5; });
  EXPECT_EQ(read(s), "1 5 0 0") << "what it holds for later does not keep it from work";
  EXPECT_EQ(own(program + "count 1"), "1 1 4");
  worker->kill();
  EXPECT_EQ(read(reader.sample()), "1 5 0 0") << "until the visibility timeout is over";
  EXPECT_EQ(own(program + "count"), "1 0 0") << "nobody is there who could tell";
  run(program + "purge");
  EXPECT_EQ(read(reader.sample()), "0 5 0 0") << "what a worker had is not purged";
  spec.claim_after = seconds(1);
  RedisReader later(spec);
  until(later, [](const QueueSample& q) { return q.num_pending == 5 && q.in_hand() == 0; });
  worker = start("env VISIBILITY_TIMEOUT=1 " + program.substr(program.find("POOL")) + "work");
  until(reader, [](const QueueSample& q) { return q.num_pending > 0 || q.in_hand() < 5; });
}

TEST_P(RqTest, RqsLife) {
  if (not_fetched()) return;
  const auto program = OfPython::program("rq");
  RedisReader reader(framework("rq", {"default"}));
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for rq:queue:default in rq:queues"));
  run(program + "put 3");
  run(program + "put-failing 1");
  run(program + "put-later 2");
  run(program + "put-due 1");
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 5u) << "four, and one whose time has come";
  EXPECT_EQ(s.scheduled, 2u);
  EXPECT_EQ(s.num_ack_pending, 0u);
  EXPECT_EQ(s.consumers, 0u);
  EXPECT_EQ(own(program + "count"), "4 0 3 0") << "to RQ one whose time has come is scheduled still";
  run(program + "pause");
  EXPECT_THAT(reader.sample().paused, HasSubstr("suspended"));
  run(program + "resume");
  EXPECT_EQ(reader.sample().paused, "");
  auto worker = start(program + "work");
  s = until(reader, [](const QueueSample& q) { return q.in_hand() == 1; });
  EXPECT_EQ(s.num_pending, 4u);
  EXPECT_EQ(s.consumers, 1u);
  EXPECT_THAT(reader.findings(), ContainsRegex("ok: RQ [0-9.]+: 1 queue, 1 worker\n"));
  // Not killed before RQ itself has it at work: what lies between queue and worker is in hand, and RQ counts it nowhere.
  EXPECT_TRUE(eventually([&] { return own(program + "count") == "3 1 3 0"; }));
  EXPECT_THAT(RedisReader(framework("rq", {"defualt"})).findings(),
              HasSubstr("docktor looked for rq:queue:defualt in rq:queues; queues that are there: default"));
  worker->kill();
  EXPECT_EQ(reader.sample().num_ack_pending, 1u) << "work of a dead worker stays in hand";
  open_gate();
  run(program + "work 1");
  s = until(reader, [](const QueueSample& q) { return q.num_pending == 0; });
  EXPECT_EQ(s.dead, 1u);
  EXPECT_EQ(s.scheduled, 2u);
  EXPECT_THAT(reader.findings(), HasSubstr("ok: RQ default: 0 waiting"));
  run(program + "put-retrying 1");
  run(program + "work");
  EXPECT_EQ(reader.sample().scheduled, 3u) << "one that failed waits for its next try";
  EXPECT_EQ(own(program + "count"), read(reader.sample()));
  run(program + "put 3");
  EXPECT_EQ(reader.sample().num_pending, 3u);
  run(program + "purge");
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_EQ(own(program + "count"), read(reader.sample()));
  server.cli("FLUSHALL");
  EXPECT_EQ(read(reader.sample()), "0 0 0 0");
}

TEST_F(JobsTest, ASidekiqNamespaceStandsBeforeEveryKey) {
  auto spec = framework("sidekiq", {"default"});
  server.cli("SADD app:queues default");
  server.cli("LPUSH app:queue:default a b");
  server.cli("SADD app:processes p");
  server.cli("HSET app:p info '{\"queues\":[\"default\"]}' rss 1");
  server.cli("HSET app:p:work t '{\"queue\":\"default\"}'");
  EXPECT_EQ(read(RedisReader(spec).sample()), "0 0 0 0");
  EXPECT_THAT(RedisReader(spec).findings(), HasSubstr("write key_prefix: \"app:\""));
  spec.key_prefix = "app:";
  EXPECT_EQ(read(RedisReader(spec).sample()), "2 1 0 0");
  EXPECT_THAT(RedisReader(spec).findings(), HasSubstr("ok: Sidekiq 6: 1 queue, 1 process"));
}

// Newer versions move a job by way of a list of its own; who dies then leaves it there.
TEST_F(JobsTest, AJobBetweenRqsQueueAndItsWorkerIsInHand) {
  server.cli("RPUSH rq:queue:default:intermediate a");
  EXPECT_EQ(read(RedisReader(framework("rq", {"default"})).sample()), "0 1 0 0");
}

TEST_F(JobsTest, WhoMayNotAskWhetherRqIsSuspendedReadsAllElse) {
  server.cli("ACL SETUSER reader on '>pw' '~*' +@read +ping +info +select -get");
  auto spec = framework("rq", {"default"});
  spec.user = "reader";
  spec.password.value = "pw";
  server.cli("RPUSH rq:queue:default a b");
  const auto s = RedisReader(spec).sample();
  EXPECT_EQ(s.num_pending, 2u);
  EXPECT_EQ(s.paused, "");
}

TEST_F(JobsTest, LaravelsLife) {
  const std::string program = fmt::format("php {}/laravel_job.php ", DOCKTOR_REDIS_TESTS);
  auto spec = framework("laravel", {"default"});
  const auto elsewhere = spec;
  spec.key_prefix = "laravel_database_";
  RedisReader reader(spec);
  const auto all = [](const QueueSample& s) {  // what its queue's size() is
    return fmt::format("{}", s.num_pending + s.in_hand() + s.scheduled.value_or(0));
  };
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for laravel_database_queues:default"));
  run(program + "put 3");
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: Laravel (its version is not in Redis): laravel_database_queues:default"));
  run(program + "put-mail 2");
  run(program + "put-later 4");
  run(program + "put-due 1");
  auto s = reader.sample();
  EXPECT_EQ(read(s), "4 0 4 0") << "three, and one whose time has come";
  EXPECT_EQ(own(program + "count"), all(s));
  EXPECT_EQ(s.redelivered_after, Duration(seconds(90)));
  EXPECT_THAT(reader.findings(), HasSubstr("ok: Laravel default: 4 waiting, 0 in hand, 4 scheduled"));
  EXPECT_THAT(RedisReader(elsewhere).findings(),
              AllOf(HasSubstr("queues that are there: with key_prefix \"laravel_database_\" default, mail"),
                    HasSubstr("write key_prefix: \"laravel_database_\"")));

  auto worker = start(program + "work");
  s = until(reader, [](const QueueSample& q) { return q.in_hand() == 1; });
  EXPECT_EQ(read(s), "3 1 4 0");
  EXPECT_EQ(own(program + "count"), all(s));
  worker->kill();
  EXPECT_EQ(read(reader.sample()), "3 1 4 0") << "work of a dead worker stays in hand";
  worker = start("env RETRY_AFTER=1 " + program + "work");
  EXPECT_TRUE(eventually([&] { return server.cli("LLEN laravel_database_queues:default") == "2"; }))
      << said();
  worker->kill();
  s = until(reader, [](const QueueSample& q) { return q.in_hand() == 1; });
  EXPECT_EQ(read(s), "3 1 4 0") << "what a dead worker has waits again when retry_after is over";
  EXPECT_EQ(own(program + "count"), all(s));
  open_gate();
  worker = start(program + "work");
  s = until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == 1; });
  EXPECT_EQ(own(program + "count"), all(s)) << "the first worker's is left";
  run(program + "put-failing 1");
  run(program + "put-retrying 1");
  s = until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.scheduled == 5; });
  EXPECT_EQ(read(s), "0 1 5 0") << "one that failed for good is in Redis no more";
  EXPECT_EQ(own(program + "count"), all(s));
  worker->stop();
  run(program + "put 2");
  EXPECT_EQ(read(reader.sample()), "2 1 5 0");
  run(program + "purge");
  EXPECT_EQ(read(reader.sample()), "0 0 0 0");
  EXPECT_EQ(own(program + "count"), "0");
  run(program + "put 2");
  server.cli("FLUSHALL");
  EXPECT_EQ(read(reader.sample()), "0 0 0 0");
}

}  // namespace
}  // namespace docktor::test
