// A group on a Kafka topic under the suite that every kind of queue runs.
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/kafka/reader.h"

namespace docktor::test {
namespace {

class KafkaUnderTest final : public QueueUnderTest {
 public:
  explicit KafkaUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { admin_.create(name_); }
  void send(int count) override { admin_.produce(name_, count); }
  void finish(int count) override { admin_.commit(name_, name_, done_ += count); }
  std::unique_ptr<SourceReader> reader() override { return std::make_unique<Reader>(spec_of(name_, name_)); }
  std::unique_ptr<SourceReader> nowhere() override {
    auto spec = spec_of(name_, name_);
    spec.servers = "127.0.0.1:1";
    return std::make_unique<Reader>(spec);
  }

 private:
  const std::string name_;
  std::int64_t done_ = 0;
  KafkaAdmin admin_{shared_server().url()};
};

INSTANTIATE_TEST_SUITE_P(
    Kafka, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Group",
        .open = [](const std::string& queue) { return std::make_unique<KafkaUnderTest>(queue); },
        .why_not = why_no_kafka}),
    kind_name);

}  // namespace
}  // namespace docktor::test
