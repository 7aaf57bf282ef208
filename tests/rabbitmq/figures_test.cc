// What a queue shows, on a real server: counts against the test's own, nothing taken, nothing written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>

#include "core/meter.h"
#include "tests/rabbitmq/reader.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class RabbitFigures : public RabbitTest {};

TEST_F(RabbitFigures, CountsAgreeWithTheTestsOwn) {
  RabbitClient client(shared_server());
  client.declare("counts");
  Reader reader(spec_of(shared_server(), "counts"));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  client.publish("counts", 100);
  EXPECT_EQ(reader.sample().num_pending, 100u);  // live: at once
  std::vector<std::uint64_t> held;
  for (int i = 0; i < 5; ++i) held.push_back(*client.get("counts"));
  EXPECT_EQ(reader.sample().num_pending, 95u);
  client.ack(held[0]);
  client.ack(held[1]);
  client.reject(held[2], true);
  const auto q = reader.sample([](const QueueSample& s) {
    return s.num_pending == 96 && s.num_ack_pending == 2 && s.totals.arrived == 100 &&
           s.totals.delivered == 5;
  });
  EXPECT_EQ(q.consumers, 0u);
  EXPECT_FALSE(q.num_waiting || q.dead || q.scheduled || q.num_redelivered || q.last_seq ||
               q.delivered_consumer_seq);
}

TEST_F(RabbitFigures, AQueueThatIsNotThereYetIsAStateOfItsOwnAndHoldsUpNobody) {
  RabbitClient client(shared_server());
  client.declare("there");
  client.publish("there", 3);
  Reader missing(spec_of(shared_server(), "later")), there(spec_of(shared_server(), "there"));
  const auto error = missing.error(ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("queue later is not there yet"));
  EXPECT_THAT(error.message, HasSubstr("virtual host /"));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(missing.read().error().code, ErrorCode::kNotFound);
    EXPECT_EQ(there.sample().num_pending, 3u);
  }
  client.declare("later");
  client.publish("later", 2);
  missing.with_backlog(2);
}

TEST_F(RabbitFigures, ManyMissingQueuesAmongManyThatAreThere) {
  RabbitClient client(shared_server());
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 60; ++i) {
    const auto name = "many" + std::to_string(i);
    if (i % 2 == 0) {
      client.declare(name);
      client.publish(name, 1);
    }
    readers.push_back(std::make_unique<Reader>(spec_of(shared_server(), name)));
  }
  const auto connections = [&] {
    const auto told = shared_server().ctl({"-q", "list_connections", "pid"});
    return std::count(told.begin(), told.end(), '\n');
  };
  for (int round = 0; round < 3; ++round) {
    std::vector<std::future<Result<Reading>>> answers;
    for (auto& r : readers) answers.push_back(std::async(std::launch::async, [&] { return r->read(); }));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto r = answers[i].get();
      if (i % 2 == 0) {
        ASSERT_TRUE(r) << i << " " << r.error().message;
        EXPECT_EQ(r->queue->num_pending, 1u);
      } else {
        ASSERT_FALSE(r) << i;
        EXPECT_EQ(r.error().code, ErrorCode::kNotFound);
      }
    }
  }
  EXPECT_EQ(Reader::servers().get(spec_of(shared_server(), "x"), {}).use_count(),
            61);  // one connection for all
  // And the server agrees: this one, the test's own, and a headline.
  EXPECT_TRUE(eventually([&] { return connections() <= 3; })) << connections();
}

TEST_F(RabbitFigures, APurgeAndAQueueMadeAnewAreNeverNegative) {
  RabbitClient client(shared_server());
  client.declare("anew");
  client.publish("anew", 40);
  Reader reader(spec_of(shared_server(), "anew"));
  auto before = reader.sample([](const QueueSample& s) { return s.totals.arrived == 40; });
  const auto check_flow = [&](const QueueSample& now) {
    const auto flow = flow_between(before, now, std::chrono::seconds(5));
    if (flow.flow) {
      EXPECT_GE(flow.flow->arrivals, 0);
      EXPECT_LT(flow.flow->arrivals, 100);
      EXPECT_LT(std::abs(flow.flow->settled), 100);
    }
    before = now;
    return flow.reset;
  };
  client.purge("anew");
  EXPECT_FALSE(check_flow(reader.with_backlog(0)));  // no counter moves
  client.remove("anew");
  reader.error(ErrorCode::kNotFound);
  client.declare("anew");
  client.publish("anew", 7);
  check_flow(reader.with_backlog(7));
  bool reset = false;
  reader.sample([&](const QueueSample& s) {
    reset |= check_flow(s);
    return s.totals.arrived == 7;
  });
  EXPECT_TRUE(reset || before.totals.incarnation != "1");
}

TEST_F(RabbitFigures, WorkOfAKilledWorkerIsBacklogAgainAtOnce) {
  RabbitClient client(shared_server());
  client.declare("killed");
  auto worker = std::make_unique<RabbitClient>(shared_server());
  worker->consume("killed");
  client.publish("killed", 1);
  Reader reader(spec_of(shared_server(), "killed"));
  const auto in_hand =
      reader.sample([](const QueueSample& s) { return s.num_pending == 0 && s.num_ack_pending == 1; });
  EXPECT_EQ(in_hand.consumers, 1u);
  worker->cut();
  const auto back = reader.with_backlog(1);
  EXPECT_EQ(back.consumers, 0u);
}

TEST_F(RabbitFigures, AWrongPasswordIsDeniedAndNotRepeated) {
  auto spec = spec_of(shared_server(), "counts");
  spec.address.password = "sesame";
  Reader reader(spec);
  const auto error = reader.error(ErrorCode::kDenied);
  EXPECT_THAT(error.message, HasSubstr("refuses user guest"));
  EXPECT_THAT(error.message, Not(HasSubstr("sesame")));
}

TEST_F(RabbitFigures, VirtualHostsAreApart) {
  shared_server().ctl({"add_vhost", "other/jobs"});
  shared_server().ctl({"set_permissions", "-p", "other/jobs", "guest", ".*", ".*", ".*"});
  RabbitClient here(shared_server()), there(shared_server(), "other/jobs");
  here.declare("twin");
  there.declare("twin");
  here.publish("twin", 1);
  there.publish("twin", 2);
  Reader a(spec_of(shared_server(), "twin")), b(spec_of(shared_server(), "twin", "other/jobs"));
  EXPECT_EQ(a.sample().num_pending, 1u);
  const auto q = b.sample([](const QueueSample& s) { return s.num_ack_pending.has_value(); });
  EXPECT_EQ(q.num_pending, 2u);
  Reader nowhere(spec_of(shared_server(), "twin", "nope"));
  EXPECT_THAT(nowhere.error(ErrorCode::kDenied).message, HasSubstr("virtual host nope"));
}

TEST_F(RabbitFigures, WhatTheQueueIsDecidesWhatMayBeDone) {
  RabbitClient client(shared_server());
  client.declare("deleted", {.auto_delete = true});
  client.declare("expires", {.numbers = {{"x-expires", 600'000}}});
  client.declare("single", {.flags = {"x-single-active-consumer"}});
  client.declare("owned", {.durable = false, .exclusive = true});
  client.declare("stream", {.texts = {{"x-queue-type", "stream"}}});
  const auto unfit = [](const std::string& queue) {
    Reader reader(spec_of(shared_server(), queue));
    reader.sample([](const QueueSample& s) { return s.num_ack_pending.has_value(); });
    return reader.source().unfit_for_zero();
  };
  EXPECT_THAT(unfit("deleted"), HasSubstr("auto_delete"));
  EXPECT_THAT(unfit("expires"), HasSubstr("unused for 10m"));
  EXPECT_EQ(unfit("single"), "");
  Reader single(spec_of(shared_server(), "single"));
  const auto q = single.sample([](const QueueSample& s) { return s.useful.has_value(); });
  EXPECT_EQ(q.useful->most, 1);
  EXPECT_THAT(q.useful->why, HasSubstr("single active consumer"));
  EXPECT_THAT(Reader(spec_of(shared_server(), "owned")).error(ErrorCode::kDenied).message,
              HasSubstr("exclusive"));
  EXPECT_THAT(Reader(spec_of(shared_server(), "stream")).error(ErrorCode::kInvalid).message,
              HasSubstr("is a stream"));
}

TEST_F(RabbitFigures, AQuorumQueueWithoutLeaderIsNoDataAndNeverEmpty) {
  RabbitClient client(shared_server());
  client.declare("quorum", {.texts = {{"x-queue-type", "quorum"}}});
  client.publish("quorum", 500);
  Reader reader(spec_of(shared_server(), "quorum"));
  reader.with_backlog(500);
  shared_server().ctl({"eval", "ra:stop_server(quorum_queues, {'%2F_quorum', node()})."});
  int errors = 0;
  const bool seen = eventually(
      [&] {
        const auto r = reader.read();
        if (r) {
          EXPECT_GT(r->queue->num_pending, 0u);
        }
        errors += !r;
        return errors >= 5;
      },
      kPatience, std::chrono::milliseconds(200));
  EXPECT_TRUE(seen);
  shared_server().ctl({"eval", "ra:restart_server(quorum_queues, {'%2F_quorum', node()})."});
  reader.with_backlog(500);
  client.purge("quorum");
  reader.with_backlog(0);  // a true zero, confirmed
}

TEST_F(RabbitFigures, AtZeroReplicasTheWatchSeesAMessageAndTakesNothing) {
  RabbitClient client(shared_server());
  client.declare("wake");
  Reader reader(spec_of(shared_server(), "wake"), true);
  reader.with_backlog(0);
  EXPECT_THAT(reader.source().watch_gap(), HasSubstr("every 250ms"));
  std::atomic<int> woken = 0;
  reader.source().watch([&] { ++woken; });
  client.publish("wake", 1);
  EXPECT_TRUE(eventually([&] { return woken == 1; }));
  EXPECT_EQ(reader.sample().num_pending, 1u);
  // There already: the next watch tells it, too. One that is ended tells nothing.
  reader.source().watch([&] { ++woken; });
  EXPECT_TRUE(eventually([&] { return woken == 2; }));
  client.purge("wake");
  reader.with_backlog(0);
  reader.source().watch([&] { ++woken; });
  reader.source().watch({});
  client.publish("wake", 1);
  reader.with_backlog(1);
  EXPECT_EQ(woken, 2);
}

// One queue among several that producers and workers use at known speeds, seen by a meter.
class MeteredQueue {
 public:
  explicit MeteredQueue(const std::string& name) : name(name), reader_(spec_of(shared_server(), name)) {
    reader_.sample();
  }

  void take(Duration since) {
    Input in;
    in.queue = reader_.sample();
    in.at = Time(since) + std::chrono::seconds(1000);
    last = *in.queue;
    const auto o = meter_.observe(in);
    ASSERT_TRUE(o);
    resets += o->reset;
    if (!o->flow) return;
    EXPECT_GE(o->flow->arrivals, 0) << name;
    EXPECT_LT(o->flow->arrivals, 1e6) << name;
    EXPECT_GT(o->flow->settled, -1e6) << name;
    arrivals += o->flow->arrivals;
    settled += o->flow->settled;
  }

  const std::string name;
  std::uint64_t sent = 0, done = 0;  // by the test
  double arrivals = 0, settled = 0;  // as seen
  int resets = 0;
  QueueSample last;

 private:
  Reader reader_;
  Meter meter_{std::chrono::seconds(10), std::chrono::seconds(5)};
};

class RabbitRates : public RabbitTest {
 protected:
  // For so long each queue gets four messages and `work` is done, some 40 times a second.
  void run(std::chrono::seconds length, const std::vector<MeteredQueue*>& queues,
           const std::function<void()>& work) {
    const auto until = since() + length;
    auto next_sample = since();
    while (since() < until) {
      work();
      if (since() >= next_sample) {
        next_sample = since() + std::chrono::milliseconds(500);
        for (auto* q : queues) q->take(since());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  static void finish_one(RabbitClient& worker, MeteredQueue& q) {
    const auto tag = worker.get(q.name);
    if (!tag) return;
    worker.ack(*tag);
    ++q.done;
  }
  Duration since() const {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin_);
  }

  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

TEST_F(RabbitRates, ComeToWhatWasReallySentAndSettledAlsoByDeadLetteringAndLoss) {
  RabbitClient producer(shared_server()), worker(shared_server());
  const std::string dead = "x-dead-letter-exchange", key = "x-dead-letter-routing-key";
  producer.declare("rates");
  producer.declare("retried");  // all comes from `waits`, where it expires
  producer.declare("waits", {.texts = {{dead, ""}, {key, "retried"}}, .numbers = {{"x-message-ttl", 1}}});
  producer.declare("refused", {.texts = {{dead, ""}, {key, "retried-not"}}});  // a third is rejected
  producer.declare("short", {.numbers = {{"x-max-length", 5}}});               // and drops what is above
  producer.declare("limited", {.texts = {{"x-queue-type", "quorum"}}, .numbers = {{"x-delivery-limit", 1}}});
  MeteredQueue rates("rates"), retried("retried"), refused("refused"), shortened("short"), limited("limited");
  const std::vector<MeteredQueue*> all{&rates, &retried, &refused, &shortened, &limited};
  const auto work = [&] {
    for (auto* q : all) {
      producer.publish(q == &retried ? "waits" : q->name, 4);
      q->sent += 4;
    }
    for (int i = 0; i < 3; ++i) {
      finish_one(worker, rates);
      finish_one(worker, retried);
      if (i == 2) {
        if (const auto tag = worker.get("refused")) {
          worker.reject(*tag, false);
          ++refused.done;
        }
        continue;
      }
      finish_one(worker, refused);
      finish_one(worker, shortened);
    }
    // Given back once, it is dropped with the second time.
    for (int i = 0; i < 2; ++i) {
      if (const auto tag = worker.get("limited")) worker.reject(*tag, true);
    }
    ++limited.done;
  };
  run(std::chrono::seconds(28), all, work);  // until it is known that more comes to it than is published
  for (auto* q : all) q->arrivals = q->settled = 0;
  run(std::chrono::seconds(14), all, work);
  // All that was told late has been told then: the counts are the test's.
  for (auto* q : all) {
    const auto counted = [&] {
      q->take(since());
      return q->last.totals.delivered == q->done && (q == &retried || q->last.totals.arrived == q->sent);
    };
    EXPECT_TRUE(eventually(counted, kPatience, std::chrono::milliseconds(500)))
        << q->name << " " << q->sent << " " << q->done << " seen " << *q->last.totals.arrived << " "
        << *q->last.totals.delivered;
    EXPECT_EQ(q->resets, 0) << q->name;
  }
  EXPECT_EQ(rates.last.num_pending, rates.sent - rates.done);
  // In those seconds what came to each is what came to the first, and of it as much went as the test took.
  EXPECT_LE(rates.arrivals, static_cast<double>(rates.sent) * 0.6);
  EXPECT_GE(rates.arrivals, static_cast<double>(rates.sent) * 0.15);
  for (auto* q : all) {
    EXPECT_NEAR(q->arrivals / rates.arrivals, 1, 0.3) << q->name;
    EXPECT_NEAR(q->settled / rates.arrivals, static_cast<double>(q->done) / static_cast<double>(q->sent),
                0.25)
        << q->name;
  }
}

}  // namespace
}  // namespace docktor::test
