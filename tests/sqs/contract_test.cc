// An SQS queue under the suite that every kind of queue runs.
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/sqs/elasticmq.h"
#include "tests/sqs/reader.h"

namespace docktor::test {
namespace {

class SqsUnderTest final : public QueueUnderTest {
 public:
  explicit SqsUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { server().create(name_); }
  void send(int count) override { server().send(name_, count); }
  void finish(int count) override {
    for (int done = 0; done < count;) {
      const auto receipt = server().receive(name_);
      if (receipt.empty()) continue;
      server().remove(name_, receipt);
      ++done;
    }
  }
  std::unique_ptr<SourceReader> reader() override { return at(server().queue(name_)); }
  std::unique_ptr<SourceReader> nowhere() override { return at("http://127.0.0.1:1/000000000000/" + name_); }

  static std::string why_not() {
    return ElasticMq::is_there() ? "" : "ElasticMQ is not there: scripts/fetch-elasticmq.sh";
  }

 private:
  static ElasticMq& server() {
    static ElasticMq server;
    return server;
  }
  static std::unique_ptr<SourceReader> at(const std::string& url) {
    return std::make_unique<SqsReader>(spec_at(url));
  }

  const std::string name_;
};

INSTANTIATE_TEST_SUITE_P(
    Sqs, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Queue",
        .open = [](const std::string& queue) { return std::make_unique<SqsUnderTest>(queue); },
        .why_not = SqsUnderTest::why_not}),
    kind_name);

}  // namespace
}  // namespace docktor::test
