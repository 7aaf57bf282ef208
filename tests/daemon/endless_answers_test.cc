// Servers of every kind of queue whose answer never ends, slowly or as fast as it is taken: their services hold, and those of
// other servers are looked at as ever.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/daemon/sandbox.h"
#include "tests/support/endless_server.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using Pace = EndlessServer::Pace;

struct Kind {
  const char* name;
  const char* queue;  // {}: the port
  std::string begin;  // of an answer
  bool speaks_first = false;
};

const std::string kHttp =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000000\r\n\r\n ";

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"http", R"({{kind: http, url: "http://127.0.0.1:{}/stats", backlog: /waiting}})", kHttp},
      {"prometheus", R"({{kind: prometheus, url: "http://127.0.0.1:{}", query: waiting}})", kHttp},
      {"sqs",
       R"({{kind: sqs, url: "http://127.0.0.1:{}/000000000000/jobs", region: us-east-1, poll_interval: 1s}})",
       kHttp},
      {"redis", R"({{kind: redis, url: "redis://127.0.0.1:{}", list: jobs}})", "$100000000000\r\nx"},
      {"lines", R"({{kind: redis, url: "redis://127.0.0.1:{}", stream: jobs, group: g}})", "+x"},
      {"postgres", R"({{kind: postgres, url: "postgres://u@127.0.0.1:{}/d", framework: river}})",
       std::string("NR\x05\xf5\xe1\x00 ", 7)},
      {"rabbitmq", R"({{kind: rabbitmq, url: "amqp://u:p@127.0.0.1:{}", queue: jobs}})",
       std::string("\x01\x00\x00\x05\xf5\xe1\x00 ", 8)},
      {"kafka", R"({{kind: kafka, url: "127.0.0.1:{}", group: g, topic: jobs}})",
       std::string("\x05\xf5\xe1\x00 ", 5)},
      {"nats", R"({{kind: nats, url: "nats://127.0.0.1:{}", stream: JOBS, consumer: workers}})", "INFO {x",
       true},
  };
  return all;
}

class EndlessAnswers : public testing::TestWithParam<Pace> {
 protected:
  std::string service(const std::string& name, const std::string& queue) const {
    return fmt::format(R"(  - name: {}
    min_replicas: 0
    max_replicas: 3
    check_interval: 500ms
    metrics_window: 1s
    rules:
      scale_up_when: [{{metric: queue.backlog, op: ">", value: 50}}]
      scale_down_when: [{{metric: queue.backlog, op: "<=", value: 5}}]
    queue: {}
    target: {{kind: process, command: [/bin/sleep, "1000"]}}
)",
                       name, queue);
  }
  /// Of the daemon, in MiB.
  long memory() const {
    std::ifstream in(fmt::format("/proc/{}/status", box.daemon_pid()));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("VmHWM:")) return std::stol(line.substr(6)) / 1024;
    }
    return -1;
  }

  Sandbox box;
};

TEST_P(EndlessAnswers, AreNoDataAndHoldUpNobodyElse) {
  std::vector<std::unique_ptr<EndlessServer>> servers;
  std::string config = "services:\n";
  for (const auto& k : kinds()) {
    servers.push_back(std::make_unique<EndlessServer>(k.begin, GetParam(), k.speaks_first));
    config += service(k.name, fmt::format(fmt::runtime(k.queue), servers.back()->port()));
  }
  WebStub good([](const WebRequest&) { return WebReply{.body = R"({"waiting": 100})"}; });
  config += service("good", fmt::format(R"({{kind: http, url: "{}/stats", backlog: /waiting}})", good.url()));
  box.write("docktor.yaml", config);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas("good") == 3; })) << box.log();
  const auto told = [&](const char* name) {
    return box.status(name).value("conditions", Sandbox::Json()).dump().find("queue_unreachable") !=
           std::string::npos;
  };
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ASSERT_TRUE(eventually([&] { return servers[i]->answers() > 0; })) << kinds()[i].name;
    ASSERT_TRUE(eventually([&] { return told(kinds()[i].name); }))
        << kinds()[i].name << box.status(kinds()[i].name);
  }
  // Meanwhile the others are looked at in time: a sample, and a decision, at each interval.
  const auto before = box.decisions().size();
  ASSERT_TRUE(eventually([&] { return box.decisions().size() >= before + 100; }));
  int good_ones = 0, moved = 0;
  const auto decisions = box.decisions();
  for (auto at = before; at < decisions.size(); ++at) {
    const auto& d = decisions[at];
    if (d["service"] == "good") ++good_ones;
    if (d["service"] != "good") moved += d["target_replicas"] != 0;
  }
  EXPECT_GE(good_ones, 8) << "one of ten services";
  EXPECT_EQ(moved, 0);
  for (const auto& k : kinds()) EXPECT_EQ(box.replicas(k.name), 0) << k.name;
  EXPECT_LT(memory(), 300) << "MiB, while " << servers.size() << " servers send without end";
}

INSTANTIATE_TEST_SUITE_P(Paces, EndlessAnswers, testing::Values(Pace::kDrip, Pace::kFlood),
                         [](const auto& i) { return i.param == Pace::kDrip ? "Drip" : "Flood"; });

}  // namespace
}  // namespace docktor::test
