// The main job with figures over HTTP: daemon, plain Python workers, a job server of the test's own, read as JSON and by a
// real Prometheus. Each test accounts for every job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/prometheus/prometheus_server.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

class JobServer {
 public:
  void put(int count) {
    const std::scoped_lock lock(mutex_);
    for (int i = 0; i < count; ++i) waiting_.push_back(put_++);
  }
  bool all_done() const {
    const std::scoped_lock lock(mutex_);
    return static_cast<int>(done_.size()) == put_;
  }
  std::map<int, int> done() const {
    const std::scoped_lock lock(mutex_);
    return done_;
  }
  WebStub& web() { return web_; }

 private:
  WebReply answer(const WebRequest& r) {
    const std::scoped_lock lock(mutex_);
    if (r.path == "/take") {
      if (waiting_.empty()) return {};
      const int job = waiting_.front();
      waiting_.pop_front();
      ++busy_;
      return {.body = std::to_string(job)};
    }
    if (r.path.starts_with("/done/")) {
      ++done_[std::stoi(r.path.substr(6))];
      --busy_;
      return {};
    }
    if (r.path == "/metrics")
      return {.body = fmt::format("waiting {}\nbusy {}\nput_total {}\n", waiting_.size(), busy_, put_),
              .headers = {"Content-Type: text/plain; version=0.0.4"}};
    return {.body = fmt::format(R"({{"jobs": {{"waiting": {}, "busy": {}, "put": {}}}}})", waiting_.size(),
                                busy_, put_)};
  }

  mutable std::mutex mutex_;
  std::deque<int> waiting_;
  std::map<int, int> done_;
  int put_ = 0, busy_ = 0;
  WebStub web_{[this](const WebRequest& r) { return answer(r); }};
};

class OverHttpDaemonTest : public testing::Test {
 protected:
  void configure(const std::string& queue) const {
    box.write("docktor.yaml", fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 5
    check_interval: 500ms
    sample_interval: 250ms
    metrics_window: 2s
    rules:
      scale_up_when: [{{metric: queue.backlog, op: ">", value: 50}}]
      scale_down_when: [{{metric: queue.backlog, op: "<=", value: 5}}]
    queue: {{{}}}
    target: {{kind: process, command: [/usr/bin/python3, "{}", "{}", "0.02"]}}
)",
                                          queue, DOCKTOR_HTTP_WORKER, jobs.web().url()));
  }
  // From nothing to five, down again, and up from zero: no job is lost and none done twice.
  void run_up_and_down() {
    box.start();
    EXPECT_EQ(box.replicas(), 0);
    jobs.put(1000);
    ASSERT_TRUE(eventually([&] { return jobs.all_done(); })) << jobs.done().size() << "\n" << box.log();
    ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
    EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
    jobs.put(1);
    ASSERT_TRUE(eventually([&] { return jobs.all_done(); })) << box.log();
    for (const auto& [job, times] : jobs.done()) EXPECT_EQ(times, 1) << "job " << job;
  }

  mutable JobServer jobs;
  Sandbox box;
};

TEST_F(OverHttpDaemonTest, JsonFromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  configure(fmt::format(
      "kind: http, url: \"{}/stats\", backlog: /jobs/waiting, in_flight: /jobs/busy, arrivals: /jobs/put",
      jobs.web().url()));
  run_up_and_down();
}

TEST_F(OverHttpDaemonTest, PrometheusFromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  PrometheusServer prometheus({.exporter = jobs.web().port()});
  configure(
      fmt::format("kind: prometheus, url: \"{}\", query: waiting, in_flight: sum(busy), arrivals: put_total, "
                  "scrape_interval: 200ms",
                  prometheus.url()));
  run_up_and_down();
}

TEST_F(OverHttpDaemonTest, AnEndpointThatGoesAndComesBackMovesNothingMeanwhile) {
  std::atomic<bool> broken{false};
  WebStub stats([&](const WebRequest&) {
    return broken ? WebReply{.body = R"({"jobs": null})"} : WebReply{.body = R"({"jobs": 500})"};
  });
  configure(fmt::format("kind: http, url: \"{}\", backlog: /jobs", stats.url()));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 5; })) << box.log();
  broken = true;
  const auto says = [&](const char* what) {
    return eventually([&] { return box.status().dump().find(what) != std::string::npos; });
  };
  EXPECT_TRUE(says("backlog: /jobs is null")) << box.status();
  stats.stop();
  EXPECT_TRUE(says("does not answer")) << box.status();
  EXPECT_TRUE(says("(stale after ")) << "it was decided on that: " << box.status();
  EXPECT_EQ(box.replicas(), 5);
  broken = false;
  stats.start();
  EXPECT_TRUE(eventually([&] { return box.status().dump().find("does not answer") == std::string::npos; }))
      << box.status();
  EXPECT_EQ(box.replicas(), 5);
}

}  // namespace
}  // namespace docktor::test
