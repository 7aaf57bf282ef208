// What the tests of the process target share: a service of real processes in a folder of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "core/clock.h"
#include "targets/process/process.h"
#include "targets/process/process_supervisor.h"
#include "tests/support/marked_processes.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

class SystemClock final : public Clock {
 public:
  Time now() const override {
    return Time(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
  }
};

/// The answer to an order, to wait for.
class Answer {
 public:
  std::function<void(Result<std::string>)> callback() {
    return [s = state_](Result<std::string> r) {
      const std::lock_guard lock(s->mutex);
      ++s->count;
      s->result = std::move(r);
      s->arrived.notify_all();
    };
  }
  Result<std::string> wait() {
    std::unique_lock lock(state_->mutex);
    if (!state_->arrived.wait_for(lock, kPatience, [&] { return state_->count > 0; })) {
      return fail(ErrorCode::kTimeout, "no answer");
    }
    return *state_->result;
  }
  int count() const {
    const std::lock_guard lock(state_->mutex);
    return state_->count;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable arrived;
    int count = 0;
    std::optional<Result<std::string>> result;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct ProcessBench : ::testing::Test {
  ProcessBench() {
    options.service = "consumer";
    options.spec.directory = dir.path();
    options.spec.ready_after = std::chrono::milliseconds(1);
    options.spec.stop_grace_period = std::chrono::seconds(20);
    options.spec.environment[MarkedProcesses::name()] = marked.value();
    options.state_directory = dir.path() / "state";
    options.log_directory = dir.path() / "log";
    options.on_change = [this] { ++changes; };
    options.care.first_backoff = std::chrono::milliseconds(20);
    options.care.longest_backoff = std::chrono::milliseconds(200);
    options.care.output_check = std::chrono::milliseconds(20);
  }

  ~ProcessBench() override {
    target.reset();
    marked.end();
    supervisor.reset();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  void run_shell(const std::string& script) { options.spec.command = {"/bin/sh", "-c", script}; }
  void run_sleep() { options.spec.command = {"sleep", "1000"}; }

  ProcessTarget& start_target() {
    target = std::make_unique<ProcessTarget>(options, *supervisor, clock);
    return *target;
  }
  Result<std::string> scale(int n, std::map<std::string, double> busyness = {}) {
    Answer answer;
    target->scale({n, std::move(busyness)}, answer.callback());
    return answer.wait();
  }
  std::vector<Replica> report() {
    auto r = target->report();
    EXPECT_EQ(r.problem, "");
    for (auto& n : r.news) news.push_back(std::move(n));
    return r.replicas;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> out;
    for (const auto& r : report()) {
      if (r.state != ReplicaState::kStopping) out.push_back(r.id);
    }
    return out;
  }
  std::optional<Replica> find(const std::string& id) {
    for (auto& r : report()) {
      if (r.id == id) return r;
    }
    return std::nullopt;
  }
  std::string all_news() {
    (void)report();
    std::string out;
    for (const auto& n : news) out += n + "\n";
    return out;
  }
  bool all(ReplicaState state, std::size_t n) {
    const auto replicas = report();
    return replicas.size() == n &&
           std::ranges::all_of(replicas, [&](const Replica& r) { return r.state == state; });
  }
  /// n replicas, all ready, and nothing else.
  bool ready(std::size_t n) {
    return eventually([&] { return all(ReplicaState::kReady, n); });
  }
  std::string text_of(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(dir.path() / name).rdbuf();
    return text.str();
  }
  std::size_t lines_of(const std::string& name) const {
    const auto text = text_of(name);
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  TempDir dir;
  MarkedProcesses marked;
  SystemClock clock;
  ProcessOptions options;
  std::atomic<int> changes{0};
  std::vector<std::string> news;
  std::unique_ptr<ProcessSupervisor> supervisor = std::make_unique<ProcessSupervisor>();
  std::unique_ptr<ProcessTarget> target;
};

}  // namespace docktor::test
