// The real daemon's metrics: promtool reads them, and a real Prometheus scrapes them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "core/condition.h"
#include "tests/daemon/sandbox.h"
#include "tests/support/child_server.h"
#include "tests/web/raw_client.h"
#include "tests/web/served.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;

class MetricsTest : public Served {};

TEST_F(MetricsTest, PromtoolHasNoComplaint) {
  start("objective: {max_wait: 5s}");
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; })) << get("/readyz").body;
  box.produce(server.url(), "one", 500);
  ASSERT_TRUE(
      eventually([&] { return metric("docktor_queue_arrivals_total{service=\"consumer\"}") >= 500; }));
  ASSERT_TRUE(
      eventually([&] { return metric("docktor_queue_wait_seconds_count{service=\"consumer\"}") > 400; }));
  EXPECT_GE(metric("docktor_decisions_total{service=\"consumer\",decision=\"hold\"}"), 0);
  EXPECT_EQ(metric("docktor_objective_max_wait_seconds{service=\"consumer\"}"), 5);
  const auto plain = get("/metrics");
  EXPECT_EQ(plain.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  box.write("metrics.txt", plain.body);
  const auto ran = box.run("sh -c 'promtool check metrics < metrics.txt'");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_TRUE(ran.out.empty()) << ran.out;
}

TEST_F(MetricsTest, RulesAreWhatPromtoolExpects) {
  const std::string folder = std::string(DOCKTOR_SOURCE_DIR) + "/share/prometheus";
  for (const char* what : {"check rules docktor.rules.yaml", "test rules docktor.tests.yaml"}) {
    const auto ran = box.run(fmt::format("sh -c 'cd {} && promtool {}'", folder, what));
    EXPECT_EQ(ran.code, 0) << ran.out;
  }
}

TEST_F(MetricsTest, ARealPrometheusScrapesThem) {
  start();
  box.write("prometheus.yml", fmt::format(R"(global: {{scrape_interval: 1s}}
rule_files: ["{}/share/prometheus/docktor.rules.yaml"]
scrape_configs:
  - job_name: docktor
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{}"]}}]
)",
                                          DOCKTOR_SOURCE_DIR, port_));
  ChildServer prometheus(box.path("prometheus.log"));
  prometheus.start(
      [&](int port) {
        return std::vector<std::string>{"prometheus", "--config.file=" + box.path("prometheus.yml"),
                                        "--storage.tsdb.path=" + box.path("tsdb"),
                                        fmt::format("--web.listen-address=127.0.0.1:{}", port),
                                        "--log.level=error"};
      },
      [&] { return RawClient(prometheus.port()).connected(); });
  const auto query = [&](const std::string& expression) -> Json {
    RawClient client(prometheus.port());
    if (!client.connected()) return nullptr;
    const auto a = ask(std::move(client), "GET", "/api/v1/query?query=" + expression);
    const auto j = Json::parse(a.body, nullptr, false);
    return j.is_object() && j.value("status", "") == "success" ? j["data"]["result"] : Json();
  };
  EXPECT_TRUE(eventually([&] {
    const auto r = query("docktor_current_replicas");
    return r.is_array() && r.size() == 1 && r[0]["metric"]["service"] == "consumer" &&
           r[0]["value"][1] == "1";
  })) << query("up").dump();
  EXPECT_EQ(query("up")[0]["value"][1], "1");
  EXPECT_EQ(query("count(docktor_condition)")[0]["value"][1], std::to_string(kConditions.size()));
}

TEST_F(MetricsTest, OpenMetricsAndGzipWhereAskedFor) {
  start();
  const auto open = get("/metrics", {{"Accept", "application/openmetrics-text;version=1.0.0"}});
  EXPECT_EQ(open.headers.at("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open.body.ends_with("# EOF\n"));
  const auto zipped = get("/metrics", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(zipped.headers.at("content-encoding"), "gzip");
  EXPECT_LT(zipped.body.size(), open.body.size() / 4);
  EXPECT_TRUE(zipped.body.starts_with("\x1f\x8b"));
}

TEST_F(MetricsTest, AQueueThatIsGoneIsACondition) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  server.stop();
  const std::string gone = "docktor_condition{service=\"consumer\",condition=\"queue_unreachable\"}";
  ASSERT_TRUE(eventually([&] { return metric(gone) == 1; }));
  EXPECT_EQ(get("/healthz").status, 200);
  const auto ready = get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("consumer: "), std::string::npos) << ready.body;
  // The same words in status.
  const auto conditions = box.status()["conditions"];
  ASSERT_TRUE(conditions.is_array());
  EXPECT_EQ(conditions[0]["condition"], "queue_unreachable");
  EXPECT_EQ(conditions[0]["words"], "the queue cannot be read");
  ASSERT_TRUE(
      eventually([&] { return metric("docktor_queue_backlog{service=\"consumer\"}") < 0; }));  // no sample
  server.start();
  EXPECT_TRUE(eventually([&] { return metric(gone) == 0; }));
}

// Ports of this host where anybody listens. Whose they are only root may know: who answers tells.
std::set<int> listening_ports() {
  std::set<int> ports;
  for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(name);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state;
      fields >> number >> local >> remote >> state;
      if (state == "0A")
        ports.insert(static_cast<int>(std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16)));
    }
  }
  return ports;
}

TEST_F(MetricsTest, NothingListensByDefaultButTheSocket) {
  const auto before = listening_ports();
  // The ports that came since then at which this daemon answers.
  const auto ours = [&] {
    std::set<int> found;
    for (const int port : listening_ports()) {
      if (before.contains(port)) continue;
      RawClient client(port);
      client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      const auto told = client.read_all(std::chrono::seconds(5));
      if (told.find("consumer-of-this-test") != std::string::npos) found.insert(port);
    }
    return found;
  };
  ServiceText t;
  t.url = server.url();
  const auto services =
      std::regex_replace(config_text(t), std::regex("name: consumer"), "name: consumer-of-this-test");
  const std::string http = fmt::format("http: {{listen: \"127.0.0.1:{}\"}}\n", port_);
  box.write("docktor.yaml", http + services);
  box.start();
  ASSERT_TRUE(eventually([&] { return ours() == std::set<int>{port_}; })) << "this test sees nothing";
  ASSERT_EQ(box.docktor("daemon stop").code, 0);
  box.write("docktor.yaml", services);
  box.start();
  EXPECT_EQ(ours(), std::set<int>{});
  EXPECT_EQ(box.run("sh -c 'curl -sf --unix-socket run/*/http.sock http://localhost/healthz'").out,
            "healthy\n");
}

}  // namespace
}  // namespace docktor::test
