// Queues in Redis for the suite that every kind of queue runs, wherever the server is: alone, behind sentinels, in a cluster.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "queues/redis/job_layouts.h"
#include "tests/contract/queue_contract.h"
#include "tests/redis/reader.h"

namespace docktor::test {

/// Where the keys lie.
class RedisPlace {
 public:
  virtual ~RedisPlace() = default;
  /// What redis-cli says, of the server that takes writes.
  virtual std::string cli(const std::string& command) const = 0;
  /// How a configuration names it.
  virtual void name(RedisSpec& spec) const = 0;
  /// The same with nobody there.
  virtual void misname(RedisSpec& spec) const = 0;
};

class StreamUnderTest final : public QueueUnderTest {
 public:
  StreamUnderTest(std::shared_ptr<const RedisPlace> place, std::string name)
      : place_(std::move(place)), name_(std::move(name)) {}

  void make() override { place_->cli(fmt::format("XGROUP CREATE {} g 0 MKSTREAM", name_)); }
  void send(int count) override {
    for (int i = 0; i < count; ++i) place_->cli(fmt::format("XADD {} '*' job {}", name_, i));
  }
  void finish(int count) override {
    std::istringstream lines(
        place_->cli(fmt::format("XREADGROUP GROUP g w COUNT {} STREAMS {} '>'", count, name_)));
    for (std::string line; std::getline(lines, line);) {
      if (const auto dash = line.find("-"); dash != std::string::npos && dash > 10)
        place_->cli(fmt::format("XACK {} g {}", name_, line));
    }
  }
  std::unique_ptr<SourceReader> reader() override { return at(&RedisPlace::name); }
  std::unique_ptr<SourceReader> nowhere() override { return at(&RedisPlace::misname); }

 private:
  std::unique_ptr<SourceReader> at(void (RedisPlace::*where)(RedisSpec&) const) const {
    auto spec = stream_at({}, name_, "g");
    ((*place_).*where)(spec);
    return std::make_unique<RedisReader>(spec);
  }

  const std::shared_ptr<const RedisPlace> place_;
  const std::string name_;
};

/// A list, or a framework's keys. $Q is the queue's name.
struct Keys {
  const char* name;
  const char* framework;
  const char* mark;  // what tells that the queue was used
  const char* put;   // Lua, one job
  const char* done;
  const char* key;  // one of those that these name, all of which lie in one slot
  bool wakes = false;
};

class JobsUnderTest final : public QueueUnderTest {
 public:
  JobsUnderTest(std::shared_ptr<const RedisPlace> place, const Keys& keys, std::string name)
      : place_(std::move(place)), keys_(keys), name_(std::move(name)) {}

  void make() override { place_->cli(filled(keys_.mark)); }
  void send(int count) override { run(keys_.put, count); }
  void finish(int count) override { run(keys_.done, count); }
  std::unique_ptr<SourceReader> reader() override { return at(&RedisPlace::name); }
  std::unique_ptr<SourceReader> nowhere() override { return at(&RedisPlace::misname); }

 private:
  std::string filled(std::string text) const {
    for (auto at = text.find("$Q"); at != std::string::npos; at = text.find("$Q")) text.replace(at, 2, name_);
    return text;
  }
  void run(const char* one, int count) const {
    place_->cli(fmt::format("EVAL \"for i = 1, {} do {} end\" 1 {}", count, filled(one), filled(keys_.key)));
  }
  std::unique_ptr<SourceReader> at(void (RedisPlace::*where)(RedisSpec&) const) const {
    RedisSpec s;
    s.claim_after = std::chrono::seconds(60);
    s.acks_late = true;
    if (const auto* f = framework_named(keys_.framework)) {
      s.framework = keys_.framework;
      s.queues = {name_};
      s.key_prefix = f->prefix;
    } else {
      s.list = name_;
    }
    ((*place_).*where)(s);
    return std::make_unique<RedisReader>(s);
  }

  const std::shared_ptr<const RedisPlace> place_;
  const Keys keys_;
  const std::string name_;
};

inline const Keys kListKeys = {"List", "", "PING", "redis.call('RPUSH', '$Q', i)", "redis.call('LPOP', '$Q')",
                               "$Q"};
inline const Keys kBullMqKeys = {"BullMq",
                                 "bullmq",
                                 "HSET bull:$Q:meta version bullmq:5.81.0",
                                 "redis.call('LPUSH', 'bull:$Q:wait', redis.call('INCR', 'bull:$Q:id')) "
                                 "redis.call('XADD', 'bull:$Q:events', '*', 'event', 'waiting')",
                                 "redis.call('RPOP', 'bull:$Q:wait')",
                                 "bull:$Q:wait",
                                 true};

}  // namespace docktor::test
