// A Redis stream with a group, a list, and the frameworks' keys under the suite that every kind of queue runs. The frameworks
// themselves are in jobs_test.cc.
#include <fmt/format.h>

#include <sstream>
#include <string>

#include "queues/redis/job_layouts.h"
#include "tests/contract/queue_contract.h"
#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

class StreamUnderTest final : public QueueUnderTest {
 public:
  explicit StreamUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { server_.cli(fmt::format("XGROUP CREATE {} g 0 MKSTREAM", name_)); }
  void send(int count) override {
    for (int i = 0; i < count; ++i) server_.cli(fmt::format("XADD {} '*' job {}", name_, i));
  }
  void finish(int count) override {
    std::istringstream lines(
        server_.cli(fmt::format("XREADGROUP GROUP g w COUNT {} STREAMS {} '>'", count, name_)));
    for (std::string line; std::getline(lines, line);) {
      if (const auto dash = line.find("-"); dash != std::string::npos && dash > 10)
        server_.cli(fmt::format("XACK {} g {}", name_, line));
    }
  }
  std::unique_ptr<SourceReader> reader() override { return at(server_.url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("redis://127.0.0.1:1/0"); }

 private:
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<RedisReader>(stream_at(url, name_, "g"));
  }

  const std::string name_;
  RedisServer server_;
};

// $Q is the queue's name.
struct Keys {
  const char* name;
  const char* framework;
  const char* mark;  // what tells that the queue was used
  const char* put;   // Lua, one job
  const char* done;
  bool wakes = false;
};

class JobsUnderTest final : public QueueUnderTest {
 public:
  JobsUnderTest(const Keys& keys, std::string name) : keys_(keys), name_(std::move(name)) {}

  void make() override { server_.cli(filled(keys_.mark)); }
  void send(int count) override { run(keys_.put, count); }
  void finish(int count) override { run(keys_.done, count); }
  std::unique_ptr<SourceReader> reader() override { return at(server_.url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("redis://127.0.0.1:1/0"); }

 private:
  std::string filled(std::string text) const {
    for (auto at = text.find("$Q"); at != std::string::npos; at = text.find("$Q")) text.replace(at, 2, name_);
    return text;
  }
  void run(const char* one, int count) {
    server_.cli(fmt::format("EVAL \"for i = 1, {} do {} end\" 0", count, filled(one)));
  }
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    RedisSpec s;
    s.url = url;
    s.claim_after = std::chrono::seconds(60);
    s.acks_late = true;
    if (const auto* f = framework_named(keys_.framework)) {
      s.framework = keys_.framework;
      s.queues = {name_};
      s.key_prefix = f->prefix;
    } else {
      s.list = name_;
    }
    return std::make_unique<RedisReader>(s);
  }

  const Keys keys_;
  const std::string name_;
  RedisServer server_;
};

// Redis keeps no empty list: what was never used is empty, and the check says that.
QueueKindUnderTest jobs(const Keys& keys) {
  return {.name = keys.name,
          .open = [keys](const std::string& queue) { return std::make_unique<JobsUnderTest>(keys, queue); },
          .missing = std::nullopt,
          .wakes = keys.wakes};
}

INSTANTIATE_TEST_SUITE_P(
    Redis, QueueContract,
    testing::Values(QueueKindUnderTest{.name = "Stream",
                                       .open =
                                           [](const std::string& queue) {
                                             return std::make_unique<StreamUnderTest>(queue);
                                           }},
                    jobs({"List", "", "PING", "redis.call('RPUSH', '$Q', i)", "redis.call('LPOP', '$Q')"}),
                    jobs({"Celery", "celery", "SADD _kombu.binding.$Q $Q", "redis.call('LPUSH', '$Q', i)",
                          "redis.call('RPOP', '$Q')"}),
                    jobs({"Rq", "rq", "SADD rq:queues rq:queue:$Q", "redis.call('RPUSH', 'rq:queue:$Q', i)",
                          "redis.call('LPOP', 'rq:queue:$Q')"}),
                    jobs({"Sidekiq", "sidekiq", "SADD queues $Q", "redis.call('LPUSH', 'queue:$Q', i)",
                          "redis.call('RPOP', 'queue:$Q') redis.call('INCR', 'stat:processed')"}),
                    jobs({"BullMq", "bullmq", "HSET bull:$Q:meta version bullmq:5.81.0",
                          "redis.call('LPUSH', 'bull:$Q:wait', redis.call('INCR', 'bull:$Q:id')) "
                          "redis.call('XADD', 'bull:$Q:events', '*', 'event', 'waiting')",
                          "redis.call('RPOP', 'bull:$Q:wait')", true}),
                    jobs({"Laravel", "laravel", "PING", "redis.call('RPUSH', 'queues:$Q', i)",
                          "redis.call('LPOP', 'queues:$Q')"})),
    kind_name);

}  // namespace
}  // namespace docktor::test
