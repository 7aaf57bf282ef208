// A JSON endpoint under the suite that every kind of queue runs.
#include <fmt/format.h>

#include <atomic>
#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/http/reader.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

class EndpointUnderTest final : public QueueUnderTest {
 public:
  void make() override { there_ = true; }
  void send(int count) override { waiting_ += count; }
  void finish(int count) override { waiting_ -= count; }
  std::unique_ptr<SourceReader> reader() override { return at(server_.url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("http://127.0.0.1:1"); }

 private:
  static std::unique_ptr<SourceReader> at(const std::string& url) {
    HttpQueueSpec s;
    s.login.url = parse_http_url(url + "/stats").value();
    s.pointers = {{Figure::kBacklog, "/waiting"}};
    return std::make_unique<HttpReader>(s);
  }

  std::atomic<bool> there_{false};
  std::atomic<int> waiting_{0};
  WebStub server_{[this](const WebRequest&) {
    if (!there_) return WebReply{.status = 404};
    return WebReply{.body = fmt::format(R"({{"waiting": {}}})", waiting_.load())};
  }};
};

INSTANTIATE_TEST_SUITE_P(Http, QueueContract,
                         testing::Values(QueueKindUnderTest{
                             .name = "Endpoint",
                             .open = [](const std::string&) { return std::make_unique<EndpointUnderTest>(); },
                             .missing = ErrorCode::kUnavailable}),
                         kind_name);

}  // namespace
}  // namespace docktor::test
