// A Redis stream with a group, a list, and the frameworks' keys under the suite that every kind of queue runs. The frameworks
// themselves are in jobs_test.cc; groups_contract.cc has servers behind sentinels and in a cluster.
#include <memory>
#include <optional>
#include <string>

#include "tests/redis/contract_queues.h"

namespace docktor::test {
namespace {

class OneServer final : public RedisPlace {
 public:
  std::string cli(const std::string& command) const override { return server_.cli(command); }
  void name(RedisSpec& spec) const override { spec.url = server_.url(); }
  void misname(RedisSpec& spec) const override { spec.url = "redis://127.0.0.1:1/0"; }

 private:
  RedisServer server_;
};

// Redis keeps no empty list: what was never used is empty, and the check says that.
QueueKindUnderTest jobs(const Keys& keys) {
  return {.name = keys.name,
          .open =
              [keys](const std::string& queue) {
                return std::make_unique<JobsUnderTest>(std::make_shared<OneServer>(), keys, queue);
              },
          .missing = std::nullopt,
          .wakes = keys.wakes};
}

INSTANTIATE_TEST_SUITE_P(
    Redis, QueueContract,
    testing::Values(QueueKindUnderTest{.name = "Stream",
                                       .open =
                                           [](const std::string& queue) {
                                             return std::make_unique<StreamUnderTest>(
                                                 std::make_shared<OneServer>(), queue);
                                           }},
                    jobs(kListKeys),
                    jobs({"Celery", "celery", "SADD _kombu.binding.$Q $Q", "redis.call('LPUSH', '$Q', i)",
                          "redis.call('RPOP', '$Q')", "$Q"}),
                    jobs({"Rq", "rq", "SADD rq:queues rq:queue:$Q", "redis.call('RPUSH', 'rq:queue:$Q', i)",
                          "redis.call('LPOP', 'rq:queue:$Q')", "rq:queue:$Q"}),
                    jobs({"Sidekiq", "sidekiq", "SADD queues $Q", "redis.call('LPUSH', 'queue:$Q', i)",
                          "redis.call('RPOP', 'queue:$Q') redis.call('INCR', 'stat:processed')", "queue:$Q"}),
                    jobs(kBullMqKeys),
                    jobs({"Laravel", "laravel", "PING", "redis.call('RPUSH', 'queues:$Q', i)",
                          "redis.call('LPOP', 'queues:$Q')", "queues:$Q"})),
    kind_name);

}  // namespace
}  // namespace docktor::test
