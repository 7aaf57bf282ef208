// A RabbitMQ queue under the suite that every kind of queue runs.
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/rabbitmq/reader.h"

namespace docktor::test {
namespace {

class RabbitUnderTest final : public QueueUnderTest {
 public:
  explicit RabbitUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { client_.declare(name_); }
  void send(int count) override { client_.publish(name_, count); }
  void finish(int count) override {
    for (int done = 0; done < count;) {
      if (const auto tag = client_.get(name_)) {
        client_.ack(*tag);
        ++done;
      }
    }
  }
  std::unique_ptr<SourceReader> reader() override {
    return std::make_unique<Reader>(spec_of(shared_server(), name_), true, true);
  }
  std::unique_ptr<SourceReader> nowhere() override {
    Settings s;
    s.set("url", Url{"amqp://127.0.0.1:1"});
    s.set("management_url", Url{"http://127.0.0.1:1"});
    s.set("queue", name_);
    s.set("vhost", std::string());
    return std::make_unique<Reader>(RabbitSpec::from(s));
  }

 private:
  const std::string name_;
  RabbitClient client_{shared_server()};
};

INSTANTIATE_TEST_SUITE_P(
    Rabbit, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Queue",
        .open = [](const std::string& queue) { return std::make_unique<RabbitUnderTest>(queue); },
        .why_not = why_no_rabbitmq}),
    kind_name);

}  // namespace
}  // namespace docktor::test
