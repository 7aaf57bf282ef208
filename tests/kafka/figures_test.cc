// What a group on a topic shows, on a real broker: counts against the test's own, nothing taken, nothing written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "core/meter.h"
#include "tests/kafka/reader.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class KafkaFigures : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) admin = std::make_unique<KafkaAdmin>(shared_server().url());
  }
  std::unique_ptr<KafkaAdmin> admin;
};

TEST_F(KafkaFigures, CountsAgreeWithTheTestsOwn) {
  admin->create("counts", 3);
  Reader reader(spec_of("counts", "workers"));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  for (int p = 0; p < 3; ++p) admin->produce("counts", 100, p);
  auto q = reader.sample();
  EXPECT_EQ(q.num_pending, 300u);  // no commit: the workers begin at the oldest record
  EXPECT_EQ(q.totals.arrived, 300u);
  admin->commit("workers", "counts", 60, 1);
  q = reader.sample();
  EXPECT_EQ(q.num_pending, 240u);
  EXPECT_EQ(q.totals.settled, 60u);
  admin->commit("workers", "counts", 100, 1);
  admin->commit("workers", "counts", 100, 0);
  admin->produce("counts", 5, 2);
  q = reader.sample();
  EXPECT_EQ(q.num_pending, 105u);
  EXPECT_EQ(q.totals.arrived, 305u);
  EXPECT_EQ(q.totals.settled, 200u);
  EXPECT_EQ(*q.last_seq - *q.delivered_stream_seq, 105u);  // queue.lag
  EXPECT_EQ(q.useful->most, 3);
  EXPECT_EQ(q.useful->why, "3 partitions");
  EXPECT_EQ(q.totals.incarnation, "1");
  EXPECT_EQ(reader.source().unfit_for_zero(), "");
  EXPECT_FALSE(q.num_ack_pending || q.num_waiting || q.dead || q.scheduled || q.num_redelivered ||
               q.delivered_consumer_seq || q.oldest_age);
}

TEST_F(KafkaFigures, WithLatestAGroupWithoutCommitHasNoLagAndIsNotLeftAlone) {
  admin->create("latest", 2);
  admin->produce("latest", 7);
  Reader reader(spec_of("latest", "late", false));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_THAT(reader.source().unfit_for_zero(), HasSubstr("no commit in partition 0 of topic latest"));
  EXPECT_THAT(reader.findings(), HasSubstr("offset_reset: earliest"));
  admin->commit("late", "latest", 7, 0);
  admin->commit("late", "latest", 0, 1);
  reader.sample([&](const QueueSample&) { return reader.source().unfit_for_zero().empty(); });
  admin->produce("latest", 4, 1);
  EXPECT_EQ(reader.sample().num_pending, 4u);
}

TEST_F(KafkaFigures, ATopicThatIsNotThereYetIsAStateOfItsOwnAndIsNotMadeByLooking) {
  admin->create("there");
  admin->produce("there", 3);
  Reader missing(spec_of("later", "g")), there(spec_of("there", "g"));
  EXPECT_THAT(missing.error(ErrorCode::kNotFound).message, HasSubstr("topic later is not there yet"));
  for (int i = 0; i < 20; ++i) {  // the broker makes topics for whoever asks for them carelessly
    EXPECT_EQ(missing.read().error().code, ErrorCode::kNotFound);
    EXPECT_EQ(there.sample().num_pending, 3u);
  }
  EXPECT_THAT(missing.findings(), HasSubstr("warning: topic later is not there yet"));
  admin->create("later", 2);
  admin->produce("later", 2);
  missing.with_backlog(2);
}

TEST_F(KafkaFigures, ManyGroupsShareOneClientAndMissingOnesHoldUpNobody) {
  admin->create("many", 4);
  admin->produce("many", 9);
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 60; ++i)
    readers.push_back(std::make_unique<Reader>(
        spec_of(i % 2 ? "none" + std::to_string(i) : "many", "m" + std::to_string(i))));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<Result<Reading>>> answers;
    for (auto& r : readers) answers.push_back(std::async(std::launch::async, [&] { return r->read(); }));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto r = answers[i].get();
      if (i % 2 == 0) {
        ASSERT_TRUE(r) << i << " " << r.error().message;
        EXPECT_EQ(r->queue->num_pending, 9u);
      } else {
        ASSERT_FALSE(r) << i;
        EXPECT_EQ(r.error().code, ErrorCode::kNotFound);
      }
    }
  }
  EXPECT_EQ(Reader::clusters().get(spec_of("x", "y"), {}).use_count(), 61);
}

TEST_F(KafkaFigures, SeveralTopicsOfAGroupAreOneQueue) {
  admin->create("one", 2);
  admin->create("two", 3);
  admin->produce("one", 5, 1);
  admin->produce("two", 6, 2);
  auto spec = spec_of("one", "both");
  spec.topics = {"one", "two"};
  Reader reader(spec);
  const auto q = reader.sample();
  EXPECT_EQ(q.num_pending, 11u);
  EXPECT_EQ(q.useful->most, 5);
  spec.topics = {"one", "three"};
  Reader half(spec);
  EXPECT_THAT(half.error(ErrorCode::kNotFound).message,
              HasSubstr("topic three"));  // and not the other's lag alone
}

TEST_F(KafkaFigures, WhatGoesBackIsToldAsAResetAndNeverNegative) {
  admin->create("anew");
  admin->produce("anew", 40);
  admin->commit("g", "anew", 40);
  Reader reader(spec_of("anew", "g"));
  auto before = reader.sample();
  EXPECT_EQ(before.num_pending, 0u);
  const auto reset = [&](const QueueSample& now) {
    const auto flow = flow_between(before, now, std::chrono::seconds(1));
    if (flow.flow) {
      EXPECT_GE(flow.flow->arrivals, 0);
      EXPECT_LE(flow.flow->arrivals, 100);
      EXPECT_GE(flow.flow->settled, 0);
      EXPECT_LE(flow.flow->settled, 100);
    }
    before = now;
    return flow.reset;
  };
  admin->produce("anew", 2);
  EXPECT_FALSE(reset(reader.with_backlog(2)));
  admin->commit("g", "anew", 10);  // somebody goes back to read again
  EXPECT_TRUE(reset(reader.with_backlog(32)));
  admin->truncate("anew", 0, 30);  // retention: what is gone is not work
  EXPECT_FALSE(reset(reader.with_backlog(12)));
  EXPECT_THAT(reader.findings(), HasSubstr("20 records were deleted before group g read them"));
  admin->commit("g", "anew", 42);
  EXPECT_FALSE(reset(reader.with_backlog(0)));
  admin->remove("anew");
  reader.error(ErrorCode::kNotFound);
  admin->create("anew", 2);
  admin->produce("anew", 7);
  bool seen = false;
  reader.sample([&](const QueueSample& s) {
    seen |= reset(s);
    return s.num_pending == 7;
  });
  EXPECT_TRUE(seen);
}

TEST_F(KafkaFigures, ACommitBehindTheEndIsNoDataAndAWorkerIsKeptToMendIt) {
  admin->create("short");
  admin->produce("short", 5);
  admin->commit("ahead", "short", 50);
  Reader reader(spec_of("short", "ahead"));
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message,
              HasSubstr("has its commit at 50 in partition 0 of topic short"));
  EXPECT_THAT(reader.source().unfit_for_zero(), HasSubstr("ends at 5"));
  admin->commit("ahead", "short", 3);
  reader.with_backlog(2);
  EXPECT_EQ(reader.source().unfit_for_zero(), "");
}

TEST_F(KafkaFigures, WhatTransactionsLeaveInTheLogIsNoWork) {
  admin->create("money");
  KafkaTransactions writer(shared_server().url(), "writer");
  Reader reader(spec_of("money", "tellers"));
  auto everything = spec_of("money", "auditors");
  everything.read_uncommitted = true;
  Reader uncommitted(everything);
  EXPECT_EQ(reader.sample().num_pending, 0u);
  writer.begin();
  writer.produce("money", 8);
  EXPECT_EQ(uncommitted.with_backlog(8).num_pending, 8u);
  EXPECT_EQ(reader.sample().num_pending, 0u);  // not readable yet
  writer.commit();
  EXPECT_EQ(reader.with_backlog(9).num_pending, 9u);  // eight records, and the marker of the commit
  admin->commit("tellers", "money", 8);               // as a consumer does that has read all there is
  const auto q = reader.with_backlog(0);
  EXPECT_EQ(*q.last_seq - *q.delivered_stream_seq, 1u);  // queue.lag is what other tools show
  EXPECT_TRUE(q.totals.upper_bound);
  writer.begin();
  writer.produce("money", 4);
  writer.abort();
  reader.with_backlog(0);  // four records that nobody gets, and a marker
  admin->produce("money", 1);
  reader.sample([](const QueueSample& s) { return s.num_pending > 0; });
}

// Offsets do not tell what compaction took away: the backlog is at most what is told, and is 0 for who has read all.
TEST_F(KafkaFigures, HolesOfCompactionCountUntilTheGroupIsPastThemAndNoLonger) {
  admin->create(
      "compact", 1,
      {{"cleanup.policy", "compact"}, {"segment.ms", "100"}, {"min.cleanable.dirty.ratio", "0.01"}});
  admin->create("deleted");
  Reader reader(spec_of("compact", "late"));
  EXPECT_THAT(reader.findings(), HasSubstr("warning: topic compact is compacted (cleanup.policy)"));
  EXPECT_THAT(Reader(spec_of("deleted", "late")).findings(), Not(HasSubstr("compacted")));
  admin->produce_keyed("compact", "one", 500);
  std::uint64_t sent = 500;
  ASSERT_TRUE(eventually([&] {  // a segment is closed by the next record, and cleaned then
    admin->produce_keyed("compact", "one");
    ++sent;
    return admin->stored("compact") < 100;
  }));
  EXPECT_EQ(reader.with_backlog(sent).num_pending, sent);  // much more than there is
  const auto past = static_cast<std::int64_t>(sent);
  admin->commit("late", "compact", past - 1);  // in the midst of holes, the newest record is still to be read
  const auto before = reader.with_backlog(1);
  admin->commit("late", "compact", past);
  const auto after = reader.with_backlog(0);
  EXPECT_FALSE(flow_between(before, after, std::chrono::seconds(1)).reset);
}

TEST_F(KafkaFigures, MembersAreCountedAndRebalancesSeen) {
  admin->create("joined", 4);
  Reader reader(spec_of("joined", "members"));
  reader.sample();
  {
    KafkaMember one(shared_server().url(), "members", "joined"),
        two(shared_server().url(), "members", "joined");
    reader.sample([&](const QueueSample& s) {
      one.poll();
      two.poll();
      return s.consumers == 2;
    });
  }
  reader.sample([&](const QueueSample& s) { return s.consumers == 0; });
}

// A member is lost and another joins: until the lost one's session ends the group rebalances. What of it holds depends on
// the assignor, which the broker does not tell just then.
TEST_F(KafkaFigures, ARebalanceIsToldWhereItStopsTheMembersAndNotWhereTheyGoOn) {
  for (const std::string assignor : {"range", "cooperative-sticky"}) {
    const auto topic = "members-" + assignor;
    admin->create(topic, 4);
    Reader reader(spec_of(topic, topic));
    KafkaMember lost(shared_server().url(), topic, topic, assignor);
    reader.sample([&](const QueueSample& s) {
      lost.poll();
      return s.consumers == 1 && s.paused.empty();
    });
    lost.vanish();
    KafkaMember next(shared_server().url(), topic, topic, assignor);
    bool told = false, both = false;
    reader.sample([&](const QueueSample& s) {
      next.poll();
      told |= !s.paused.empty();
      both |= s.consumers == 2;
      return both && s.consumers == 1 && s.paused.empty();
    });
    EXPECT_EQ(told, assignor == "range") << assignor;
  }
}

// The broker goes on counting the lost one as a member, and the others wait for it when one joins in its place.
TEST_F(KafkaFigures, WhatALostMemberCostsIsNotTakenForTheCostOfAChange) {
  admin->create("cost", 4);
  Reader reader(spec_of("cost", "cost"));
  Meter meter(std::chrono::seconds(10), std::chrono::seconds(5));
  const auto begin = std::chrono::steady_clock::now();
  const auto until = [&](int replicas, const std::vector<KafkaMember*>& members, const auto& wanted) {
    reader.sample([&](const QueueSample& s) {
      for (auto* m : members) m->poll();
      Input in;
      in.at = Time(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin));
      in.replicas = {replicas, replicas};
      in.queue = s;
      meter.observe(in);
      return wanted(s) && !s.rebalancing;
    });
    return meter.latest(Time(std::chrono::steady_clock::now() - begin)).rebalances;
  };
  const auto has = [](std::uint64_t members) {
    return [=](const QueueSample& s) { return s.consumers == members; };
  };
  KafkaMember lost(shared_server().url(), "cost", "cost");
  until(1, {&lost}, has(1));
  KafkaMember stays(shared_server().url(), "cost", "cost");
  const auto change = until(2, {&lost, &stays}, has(2));
  lost.vanish();
  KafkaMember next(shared_server().url(), "cost", "cost");
  bool stood = false;
  const auto after = until(2, {&stays, &next}, [&](const QueueSample& s) {
    stood |= s.rebalancing && s.consumers == 3;
    return stood && s.consumers == 2;
  });
  EXPECT_GT(after.over, change.over);
  EXPECT_EQ(after.length, change.length);
}

// A producer and a worker at known speeds, seen by a meter for a while.
TEST_F(KafkaFigures, RatesComeToWhatWasReallySentAndCommitted) {
  admin->create("rates");
  Reader reader(spec_of("rates", "g"));
  Meter meter(std::chrono::seconds(10), std::chrono::seconds(5));
  double arrivals = 0, settled = 0;
  std::int64_t sent = 0, done = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto take = [&] {
    Input in;
    in.queue = reader.sample();
    in.at = Time(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin)) +
            std::chrono::seconds(1000);
    const auto o = meter.observe(in);
    ASSERT_TRUE(o);
    EXPECT_FALSE(o->reset);
    if (!o->flow) return;
    EXPECT_GE(o->flow->arrivals, 0);
    arrivals += o->flow->arrivals;
    settled += o->flow->settled;
  };
  take();
  for (int i = 0; i < 30; ++i) {
    admin->produce("rates", 4);
    sent += 4;
    done += 3;
    admin->commit("g", "rates", done);
    take();
  }
  EXPECT_EQ(reader.sample().num_pending, static_cast<std::uint64_t>(sent - done));
  EXPECT_EQ(arrivals, static_cast<double>(sent));
  EXPECT_EQ(settled, static_cast<double>(done));
}

}  // namespace
}  // namespace docktor::test
