// A queue in Redis under test, read as the controller reads it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "queues/redis/redis_router.h"
#include "queues/redis/redis_source.h"
#include "queues/redis/redis_spec.h"
#include "tests/support/redis_server.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

inline RedisSpec stream_at(const std::string& url, const std::string& stream, const std::string& group) {
  RedisSpec s;
  s.url = url;
  s.stream = stream;
  s.group = group;
  s.claim_after = std::chrono::seconds(60);
  return s;
}

class RedisReader final : public SourceReader {
 public:
  explicit RedisReader(const RedisSpec& spec)
      : source_(routers_.get(RedisLoginOptions::from(spec)), wakes_.get(RedisLoginOptions::from(spec)),
                spec) {}

  RedisSource& source() override { return source_; }

 private:
  RedisRouters routers_;
  StreamWakes wakes_;
  RedisSource source_;
};

}  // namespace docktor::test
