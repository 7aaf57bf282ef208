// What a real broker does rarely, by librdkafka's own mock of one.
#include "queues/kafka/kafka_client.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka_mock.h>

namespace docktor {
namespace {

using std::chrono::steady_clock;

// Once a library that crashed here ended the whole daemon.
TEST(KafkaClientTest, ABrokerThatIsNoLongerTheCoordinatorIsAnErrorAndNotTheEnd) {
  auto* handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0);
  auto* mock = rd_kafka_mock_cluster_new(handle, 1);
  rd_kafka_mock_topic_create(mock, "t", 1, 1);
  {
    auto client = KafkaClient::open(
        {.servers = rd_kafka_mock_cluster_bootstraps(mock), .topics = {"t"}, .group = "g"}, {});
    ASSERT_TRUE(client) << client.error().message;
    constexpr std::int16_t kOffsetFetch = 9;
    rd_kafka_mock_push_request_errors(mock, kOffsetFetch, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    int errors = 0;
    Result<Commits> last;
    for (std::uint64_t tag = 1; tag < 20; ++tag) {
      const auto until = steady_clock::now() + std::chrono::seconds(10);
      (*client)->ask_commits(tag, "g", {{"t", 0}}, until);
      const auto answer = (*client)->next(until);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->tag, tag);
      last = std::get<Result<Commits>>(answer->what);
      if (last) break;
      ++errors;
    }
    EXPECT_GE(errors, 1);
    ASSERT_TRUE(last) << last.error().message;
    EXPECT_EQ(*last, Commits{std::nullopt});  // no commit: not 0
  }
  rd_kafka_mock_cluster_destroy(mock);
  rd_kafka_destroy(handle);
}

}  // namespace
}  // namespace docktor
