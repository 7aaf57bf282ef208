// A stream with a consumer group, on the real redis-server: what is read is what the test did.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <system_error>

#include "core/flow.h"
#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class StreamTest : public testing::Test {
 protected:
  void add(int count, const std::string& stream = "events") {
    for (int i = 0; i < count; ++i) server.cli(fmt::format("XADD {} '*' job {}", stream, i));
  }
  /// Lets consumer w take `count` entries; their ids, separated by blanks.
  std::string take(int count, const std::string& more = "") {
    const auto out =
        server.cli(fmt::format("XREADGROUP GROUP g w COUNT {} {} STREAMS events '>'", count, more));
    std::string ids;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      if (const auto dash = line.find('-'); dash != std::string::npos && dash > 10) ids += " " + line;
    }
    return ids;
  }
  void restart() {
    server.kill();
    server.start();
    EXPECT_TRUE(eventually([&] { return server.cli("PING") == "PONG"; })) << "it reads its data";
  }
  void ack(const std::string& ids) { server.cli("XACK events g" + ids); }

  RedisServer server;
};

TEST_F(StreamTest, CountsWhatWaitsWhatIsInHandAndWhatFlowed) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  const auto before = reader.sample();
  EXPECT_EQ(before.num_pending, 0u);
  EXPECT_EQ(before.num_ack_pending, 0u);
  add(10);
  const auto in_hand = take(4);
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 6u);
  EXPECT_EQ(s.num_ack_pending, 4u);
  EXPECT_EQ(s.consumers, 1u);
  ASSERT_TRUE(s.oldest_age);
  EXPECT_GE(*s.oldest_age, Duration::zero());
  EXPECT_LT(*s.oldest_age, kPatience);
  ack(in_hand);
  const auto after = reader.sample();
  EXPECT_EQ(after.num_ack_pending, 0u);
  const auto flow = flow_between(before, after, seconds(1));
  EXPECT_FALSE(flow.reset);
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 10);
  EXPECT_EQ(flow.flow->settled, 4);
}

TEST_F(StreamTest, AGroupThatIsMadeAtTheEndHasNothingToDo) {
  add(5);
  server.cli("XGROUP CREATE events g '$'");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  add(2);
  EXPECT_EQ(reader.sample().num_pending, 2u);
}

TEST_F(StreamTest, AfterARestartTheLagIsUnknownAndIsCounted) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(9);
  ack(take(4));
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_EQ(reader.sample().num_pending, 5u);
  restart();
  ASSERT_THAT(server.cli("XINFO GROUPS events"), EndsWith("\nlag"))
      << "this Redis knows the lag: nothing is tested";
  EXPECT_EQ(reader.sample().num_pending, 5u);
  server.cli("ACL SETUSER reader on '>pw' '~*' +@read +ping +info +select -xrange");
  auto without = stream_at(server.url(), "events", "g");
  without.user = "reader";
  without.password.value = "pw";
  EXPECT_THAT(RedisReader(without).error(ErrorCode::kDenied).message, HasSubstr("docktor has to count"))
      << "no data, never 0";
  add(2);
  EXPECT_EQ(reader.sample().num_pending, 7u);
  ack(take(1));
  EXPECT_EQ(reader.sample().num_pending, 6u);
}

TEST_F(StreamTest, ManyAreCountedPageByPage) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  ASSERT_THAT(
      server.cli("EVAL \"for i = 1, 2500 do redis.call('XADD', 'events', '*', 'a', '1') end return 1\" 0"),
      HasSubstr("1"));
  ack(take(10));
  restart();
  ASSERT_THAT(server.cli("XINFO GROUPS events"), EndsWith("\nlag"));
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_EQ(reader.sample().num_pending, 1000u);
  EXPECT_EQ(reader.sample().num_pending, 2000u);
  EXPECT_EQ(reader.sample().num_pending, 2490u);
  EXPECT_EQ(reader.sample().num_pending, 2490u);
}

TEST_F(StreamTest, LargeEntriesAreCountedByFewerAtATime) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  const auto add_large = [&](int count, const char* bytes) {
    server.cli(
        fmt::format("EVAL \"local body = string.rep('x', {}); for i = 1, {} do "
                    "redis.call('XADD', 'events', '*', 'a', body) end return 1\" 0",
                    bytes, count));
  };
  add(2);
  ack(take(2));
  add_large(100, "1024 * 1024");
  server.cli("XGROUP CREATE small g 0 MKSTREAM");
  restart();
  ASSERT_THAT(server.cli("XINFO GROUPS events"), EndsWith("\nlag"));
  RedisReader large(stream_at(server.url(), "events", "g"));
  RedisReader other(stream_at(server.url(), "small", "g"));
  EXPECT_EQ(large.sample().num_pending, 7u) << "in 8 MiB, each with its id";
  EXPECT_EQ(other.sample().num_pending, 0u);
  EXPECT_EQ(large.sample().num_pending, 14u);
  // The first and the last entry do not tell of these: an answer of 100 MB is none, and the next one is shorter.
  server.cli("DEL events");
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(2);
  ack(take(2));
  add(1);
  add_large(100, "1024 * 1024");
  add(1);
  restart();
  RedisReader hidden(stream_at(server.url(), "events", "g"));
  EXPECT_FALSE(hidden.read());
  EXPECT_EQ(hidden.with_backlog(102).num_pending, 102u);
}

TEST_F(StreamTest, WhatWasDeletedUndeliveredDoesNotWait) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(6);
  const auto one = server.cli("XADD events '*' job last");
  add(1);
  take(2);
  server.cli("XDEL events " + one);
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_EQ(reader.sample().num_pending, 5u);
  server.cli("XTRIM events MAXLEN 1");
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST_F(StreamTest, ATrimThatTakesWhatWaitsIsNoBacklog) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(10);
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_EQ(reader.sample().num_pending, 10u);
  server.cli("XTRIM events MAXLEN 3");
  EXPECT_EQ(reader.sample().num_pending, 3u);
  server.cli("XTRIM events MAXLEN 0");
  EXPECT_EQ(reader.sample().num_pending, 0u);
}

TEST_F(StreamTest, TheOldestOfACappedStreamIsOneThatIsStillThere) {
  const auto at = [](int hours) {
    const auto now = std::chrono::system_clock::now().time_since_epoch() - std::chrono::hours(hours);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  };
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  for (const int hours : {5, 4}) server.cli(fmt::format("XADD events MAXLEN 2 {}-0 a 1", at(hours)));
  EXPECT_GE(reader.sample().oldest_age, std::chrono::hours(5));
  for (const int hours : {3, 2, 1}) {  // the length stays, and nobody reads
    server.cli(fmt::format("XADD events MAXLEN 2 {}-0 a 1", at(hours)));
    const auto s = reader.sample();
    EXPECT_EQ(s.num_pending, 2u);
    EXPECT_GE(s.oldest_age, std::chrono::hours(hours + 1));
    EXPECT_LT(s.oldest_age, std::chrono::hours(hours + 2));
  }
}

TEST_F(StreamTest, WhatADeadWorkerHeldStaysInHandWithTheTimeOfItsReturn) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(3);
  take(3);
  auto spec = stream_at(server.url(), "events", "g");
  spec.claim_after = seconds(7);
  RedisReader reader(spec);
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 0u);
  EXPECT_EQ(s.num_ack_pending, 3u);
  EXPECT_EQ(s.redelivered_after, Duration(seconds(7)));
}

TEST_F(StreamTest, ARecreatedStreamBeginsANewWindow) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(5);
  RedisReader reader(stream_at(server.url(), "events", "g"));
  const auto before = reader.sample();
  server.cli("DEL events");
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(2);
  const auto after = reader.sample();
  EXPECT_EQ(after.num_pending, 2u);
  EXPECT_TRUE(flow_between(before, after, seconds(1)).reset);
}

TEST_F(StreamTest, NotThereYetIsAStateOfItsOwn) {
  RedisReader reader(stream_at(server.url(3), "events", "g"));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message,
              HasSubstr("stream events does not exist yet in database 3"));
  EXPECT_EQ(reader.source().unfit_for_zero(), "");
  server.cli("XADD events '*' a 1", "-n 3");
  EXPECT_TRUE(eventually([&] {
    const auto r = reader.read();
    return !r && r.error().message.find("has no group g:") != std::string::npos;
  }));
  EXPECT_THAT(reader.source().unfit_for_zero(), HasSubstr("one replica is kept, which has to make it"));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message,
              HasSubstr("docktor starts the first one where it may"));
  server.cli("XGROUP CREATE events g 0", "-n 3");
  EXPECT_EQ(reader.sample().num_pending, 1u);
  EXPECT_EQ(reader.source().unfit_for_zero(), "");
}

TEST_F(StreamTest, AKeyOfAnotherTypeIsAnError) {
  server.cli("RPUSH events a b");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_THAT(reader.error(ErrorCode::kInvalid).message, HasSubstr("holds another type of value"));
}

TEST_F(StreamTest, ANewEntryWakes) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  ASSERT_EQ(reader.sample().num_pending, 0u);
  for (int round = 0; round < 3; ++round) {
    std::promise<void> woken;
    reader.source().watch([&] { woken.set_value(); });
    add(1);
    EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
    EXPECT_EQ(reader.sample().num_pending, static_cast<std::uint64_t>(round + 1));
  }
  EXPECT_EQ(reader.source().watch_gap(), "");
  EXPECT_EQ(reader.sample().num_ack_pending, 0u) << "the wake took an entry";
}

TEST_F(StreamTest, AStreamThatComesWakesTooAndAnEndedWatchDoesNot) {
  RedisReader reader(stream_at(server.url(), "events", "g"));
  (void)reader.error(ErrorCode::kNotFound);
  std::promise<void> woken;
  reader.source().watch([&] { woken.set_value(); });
  add(1);
  EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
  server.cli("XGROUP CREATE events g 0");
  (void)reader.sample();
  std::atomic<int> calls{0};
  reader.source().watch([&] { ++calls; });
  reader.source().watch({});
  add(1);
  std::promise<void> again;  // the next block has seen both
  reader.source().watch([&] { again.set_value(); });
  EXPECT_EQ(again.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(calls, 0);
}

TEST_F(StreamTest, TheWatchSurvivesTheServer) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  ASSERT_EQ(reader.sample().num_pending, 0u);
  std::promise<void> woken;
  reader.source().watch([&] { woken.set_value(); });
  server.kill();
  EXPECT_TRUE(eventually([&] { return !reader.source().watch_gap().empty(); }));
  server.start();
  EXPECT_TRUE(eventually([&] {
    add(1);
    return reader.source().watch_gap().empty();
  }));
  EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(StreamTest, ASourceMayGoWhileItsWatchWaits) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  {
    RedisReader reader(stream_at(server.url(), "events", "g"));
    ASSERT_EQ(reader.sample().num_pending, 0u);
    reader.source().watch([] {});
    ASSERT_TRUE(eventually([&] { return server.cli("CLIENT LIST").find("cmd=xread") != std::string::npos; }));
    EXPECT_EQ(reader.source().watch_gap(), "");
  }
  EXPECT_EQ(RedisReader(stream_at(server.url(), "events", "g")).sample().num_pending, 0u);
}

TEST_F(StreamTest, WithoutADescriptorForTheWatchItPollsAndTriesAgain) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  RedisReader reader(stream_at(server.url(), "events", "g"));
  ASSERT_EQ(reader.sample().num_pending, 0u);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;  // what is open stays open
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::promise<void> woken;
  EXPECT_NO_THROW(reader.source().watch([&] { woken.set_value(); }));
  EXPECT_THROW(RedisConnection(RedisLoginOptions{}), std::system_error);
  EXPECT_THAT(reader.source().watch_gap(), HasSubstr("no connection to wait with"));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(reader.sample().num_pending, 0u);
  add(1);
  EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(eventually([&] { return reader.source().watch_gap().empty(); }));
}

TEST_F(StreamTest, ValidateTellsWhatIsThere) {
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_THAT(reader.findings(), HasSubstr("warning: stream events does not exist yet"));
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  add(3);
  take(1);
  const auto found = reader.findings();
  EXPECT_THAT(found, HasSubstr(fmt::format("ok: 127.0.0.1:{} answers (Redis ", server.port())));
  EXPECT_THAT(found, HasSubstr("ok: stream events exists: 3 entries"));
  EXPECT_THAT(found, HasSubstr("ok: group g exists: 2 waiting, 1 in hand, 1 consumers"));
}

}  // namespace
}  // namespace docktor::test
