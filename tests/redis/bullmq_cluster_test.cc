// BullMQ itself on a cluster of three, its keys kept together by the hash tag of its prefix: what is read is what it counts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <sstream>
#include <string>

#include "core/flow.h"
#include "tests/redis/cluster.h"
#include "tests/redis/jobs.h"

namespace docktor::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class BullMqClusterTest : public JobsTest {
 protected:
  std::string program() const {
    std::string ports;
    for (const auto& n : cluster.nodes) ports += fmt::format("{}{}", ports.empty() ? "" : ",", n->port());
    return fmt::format("env REDIS_CLUSTER={} node {}/bullmq_job.js ", ports, DOCKTOR_REDIS_TESTS);
  }
  RedisSpec spec() const {
    auto s = framework("bullmq", {"mail"});
    s.url = cluster.url(0) + "," + cluster.url(1);
    s.key_prefix = "{bull}";
    return s;
  }
  /// Which of the three has the slot.
  std::size_t home() const {
    return static_cast<std::size_t>(redis_slot("{bull}:mail:wait")) * RedisCluster::kMasters /
           SlotMap::kSlots;
  }

  RedisCluster cluster;
};

TEST_F(BullMqClusterTest, BullMqsLifeAlsoWhereItsSlotMoves) {
  if (no_bullmq()) return;
  RedisReader reader(spec());
  const auto agree = [&](const std::string& figures) {
    EXPECT_EQ(read(reader.sample()), figures);
    EXPECT_EQ(own(program() + "count"), figures);
  };
  EXPECT_THAT(reader.findings(), HasSubstr("docktor looked for {bull}:mail:meta"));
  std::promise<void> woken;
  reader.source().watch([&] { woken.set_value(); });
  const auto before = reader.sample();
  ASSERT_TRUE(eventually(
      [&] { return cluster.nodes[home()]->cli("CLIENT LIST").find("cmd=xread") != std::string::npos; }));
  run(program() + "put 5");
  EXPECT_EQ(woken.get_future().wait_for(kPatience), std::future_status::ready);
  run(program() + "put-later 4");
  agree("5 0 4 0");
  EXPECT_EQ(flow_between(before, reader.sample(), std::chrono::seconds(1)).flow.value().arrivals, 5);
  EXPECT_THAT(reader.findings(), AllOf(HasSubstr("ok: cluster, 3 masters"),
                                       HasSubstr("mail: 5 waiting, 0 in hand, 4 scheduled")));
  run(program() + "pause");
  EXPECT_THAT(reader.sample().paused, HasSubstr("queue mail is paused in BullMQ"));
  run(program() + "resume");
  auto worker = start(program() + "work");
  until(reader, [](const QueueSample& q) { return q.in_hand() == 2; });
  agree("3 2 4 0");
  // Its keys go to another server, one by one.
  const auto from = home(), to = (from + 1) % RedisCluster::kMasters;
  const std::string key = "{bull}:mail:wait";
  cluster.begin_move(key, from, to);
  for (int i = 0; i < 3; ++i) {
    std::istringstream keys(
        cluster.nodes[from]->cli(fmt::format("CLUSTER GETKEYSINSLOT {} 3", redis_slot(key))));
    for (std::string k; std::getline(keys, k);) {
      if (!k.empty()) cluster.carry("'" + k + "'", from, to);
    }
    EXPECT_EQ(read(reader.sample()), "3 2 4 0") << "while they move";
  }
  std::istringstream rest(
      cluster.nodes[from]->cli(fmt::format("CLUSTER GETKEYSINSLOT {} 1000", redis_slot(key))));
  for (std::string k; std::getline(rest, k);) {
    if (!k.empty()) cluster.carry("'" + k + "'", from, to);
  }
  cluster.end_move(key, to);
  agree("3 2 4 0");
  open_gate();
  until(reader, [](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == 0; });
  run(program() + "put-failing 1");
  until(reader, [](const QueueSample& q) { return q.dead == 1; });
  agree("0 0 4 1");
  worker->kill();
  run(program() + "purge");
  agree("0 0 0 1");
}

}  // namespace
}  // namespace docktor::test
