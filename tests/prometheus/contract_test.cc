// A Prometheus query under the suite that every kind of queue runs.
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/prometheus/prometheus_server.h"
#include "tests/prometheus/reader.h"

namespace docktor::test {
namespace {

class SeriesUnderTest final : public QueueUnderTest {
 public:
  explicit SeriesUnderTest(std::string name) : name_(std::move(name)) {}
  ~SeriesUnderTest() override { exporter().remove(name_); }

  void make() override { set(0); }
  void send(int count) override { set(waiting_ + count); }
  void finish(int count) override { set(waiting_ - count); }
  std::unique_ptr<SourceReader> reader() override { return at(server().url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("http://127.0.0.1:1"); }

 private:
  void set(int waiting) {
    waiting_ = waiting;
    exporter().set(name_, std::to_string(waiting));
  }
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<PrometheusReader>(spec_at(url, name_));
  }
  static Exporter& exporter() {
    static Exporter exporter;
    return exporter;
  }
  static PrometheusServer& server() {
    static PrometheusServer server{{.exporter = exporter().port()}};
    return server;
  }

  const std::string name_;
  int waiting_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    Prometheus, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Query",
        .open = [](const std::string& queue) { return std::make_unique<SeriesUnderTest>(queue); },
        .missing = ErrorCode::kUnavailable}),
    kind_name);

}  // namespace
}  // namespace docktor::test
