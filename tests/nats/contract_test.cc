// A JetStream consumer under the suite that every kind of queue runs.
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/nats/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

class JetStreamUnderTest final : public QueueUnderTest {
 public:
  explicit JetStreamUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override {
    client_.create_stream(name_, {name_ + ".>"}, {{"retention", "workqueue"}});
    client_.create_consumer(name_, "workers");
  }
  void send(int count) override { client_.publish_many(name_ + ".job", count); }
  void finish(int count) override {
    for (int done = 0; done < count;) {
      for (const auto& m : client_.pull(name_, "workers", count - done, std::chrono::seconds(1))) {
        client_.ack(m);
        ++done;
      }
    }
  }
  std::unique_ptr<SourceReader> reader() override { return at(server().url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("nats://127.0.0.1:1"); }

 private:
  static NatsServer& server() {
    static NatsServer server;
    return server;
  }
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<Reader>(queue_at(url, name_, "workers"), true);
  }

  const std::string name_;
  NatsClient client_{server().url()};
};

INSTANTIATE_TEST_SUITE_P(
    JetStream, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Consumer",
        .open = [](const std::string& queue) { return std::make_unique<JetStreamUnderTest>(queue); }}),
    kind_name);

}  // namespace
}  // namespace docktor::test
