// The suite that every kind of queue runs, on servers that sentinels watch and on a cluster of three. A program of its own, since its
// servers are started once for all of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/redis/cluster.h"
#include "tests/redis/contract_queues.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

class BySentinel final : public RedisPlace {
 public:
  static std::shared_ptr<const RedisPlace> shared() {
    static const auto place = std::make_shared<BySentinel>();
    return place;
  }
  std::string cli(const std::string& command) const override { return master_.cli(command); }
  void name(RedisSpec& spec) const override {
    spec.url = fmt::format("redis://127.0.0.1:{}", sentinel_.port());
    spec.sentinel = "jobs";
  }
  void misname(RedisSpec& spec) const override {
    spec.url = "redis://127.0.0.1:1";
    spec.sentinel = "jobs";
  }

 private:
  RedisServer master_;
  RedisServer replica_{{.arguments = {"--replicaof", "127.0.0.1", std::to_string(master_.port())}}};
  RedisServer sentinel_{
      {.sentinel = true,
       .config =
           fmt::format("sentinel monitor jobs 127.0.0.1 {} 1\nsentinel down-after-milliseconds jobs 60000\n",
                       master_.port())}};
};

class InACluster final : public RedisPlace {
 public:
  static std::shared_ptr<const RedisPlace> shared() {
    static const auto place = std::make_shared<InACluster>();
    return place;
  }
  std::string cli(const std::string& command) const override { return cluster_.cli(command); }
  void name(RedisSpec& spec) const override { spec.url = cluster_.url(0) + "," + cluster_.url(1); }
  void misname(RedisSpec& spec) const override { spec.url = "redis://127.0.0.1:1,redis://127.0.0.1:2"; }

 private:
  RedisCluster cluster_;
};

using Shared = std::shared_ptr<const RedisPlace> (*)();

// What it has in hash tags lies in one slot.
std::string tagged(const char* kind, const std::string& queue) {
  return fmt::format("{{{}-{}}}", kind, queue);
}

QueueKindUnderTest stream(const char* name, Shared place) {
  return {.name = name, .open = [place](const std::string& queue) {
            return std::make_unique<StreamUnderTest>(place(), tagged("stream", queue));
          }};
}

QueueKindUnderTest jobs_of(const char* name, Shared place, const Keys& keys) {
  return {.name = name,
          .open =
              [place, keys](const std::string& queue) {
                return std::make_unique<JobsUnderTest>(place(), keys, tagged(keys.name, queue));
              },
          .missing = std::nullopt,
          .wakes = keys.wakes};
}

INSTANTIATE_TEST_SUITE_P(RedisGroups, QueueContract,
                         testing::Values(stream("StreamBySentinel", BySentinel::shared),
                                         jobs_of("ListBySentinel", BySentinel::shared, kListKeys),
                                         jobs_of("BullMqBySentinel", BySentinel::shared, kBullMqKeys),
                                         stream("StreamInACluster", InACluster::shared),
                                         jobs_of("ListInACluster", InACluster::shared, kListKeys),
                                         jobs_of("BullMqInACluster", InACluster::shared, kBullMqKeys)),
                         kind_name);

}  // namespace
}  // namespace docktor::test
