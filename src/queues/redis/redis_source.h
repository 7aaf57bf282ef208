// Reads one queue in Redis, however it lies there: a stream, a list, a framework's keys.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "queues/redis/layout.h"
#include "queues/redis/redis_router.h"
#include "queues/redis/stream_wake.h"

namespace docktor {

/// Thread-safe. Nothing is ever written to the server, and nothing taken from it.
class RedisSource final : public Source {
 public:
  RedisSource(std::shared_ptr<RedisRouter> router, std::shared_ptr<StreamWake> wake, RedisSpec spec);
  ~RedisSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  void watch(std::function<void()> on_message) override;
  std::string watch_gap() const override;
  std::string unfit_for_zero() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;

  const RedisSpec spec_;
  // In this order: the core ends first, then the threads that call it.
  std::shared_ptr<RedisRouter> router_;
  std::shared_ptr<StreamWake> wake_;
  std::shared_ptr<Core> core_;
};

}  // namespace docktor
