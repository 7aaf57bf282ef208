// A Redis stream with a group under the suite that every kind of queue runs.
#include <fmt/format.h>

#include <sstream>
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

class StreamUnderTest final : public QueueUnderTest {
 public:
  explicit StreamUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { server_.cli(fmt::format("XGROUP CREATE {} g 0 MKSTREAM", name_)); }
  void send(int count) override {
    for (int i = 0; i < count; ++i) server_.cli(fmt::format("XADD {} '*' job {}", name_, i));
  }
  void finish(int count) override {
    std::istringstream lines(
        server_.cli(fmt::format("XREADGROUP GROUP g w COUNT {} STREAMS {} '>'", count, name_)));
    for (std::string line; std::getline(lines, line);) {
      if (const auto dash = line.find("-"); dash != std::string::npos && dash > 10)
        server_.cli(fmt::format("XACK {} g {}", name_, line));
    }
  }
  std::unique_ptr<SourceReader> reader() override { return at(server_.url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("redis://127.0.0.1:1/0"); }

 private:
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<RedisReader>(stream_at(url, name_, "g"));
  }

  const std::string name_;
  RedisServer server_;
};

INSTANTIATE_TEST_SUITE_P(
    Redis, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "Stream",
        .open = [](const std::string& queue) { return std::make_unique<StreamUnderTest>(queue); }}),
    kind_name);

}  // namespace
}  // namespace docktor::test
