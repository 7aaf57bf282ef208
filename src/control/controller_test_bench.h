// The controller driven by a clock of the test, with sources and targets that answer when the test says.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "control/controller.h"
#include "policy/policies.h"

namespace docktor {

using namespace std::chrono_literals;

class TestClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time wall() const override { return time + set_by; }
  Boot boot() const override { return {boot_id, time - booted}; }
  Duration set_by{};  // somebody set the clock on the wall
  std::string boot_id = "one";
  Time booted = time_at(500);
  Time time = time_at(1000);
};

class TestJournal final : public Journal {
 public:
  Result<void> append(const nlohmann::ordered_json& record) override {
    if (full) return fail(ErrorCode::kExhausted, "no space left", true);
    records.push_back(record);
    return {};
  }
  std::vector<nlohmann::ordered_json> decisions() const {
    std::vector<nlohmann::ordered_json> out;
    for (const auto& r : records) {
      if (r.contains("decision")) out.push_back(r);
    }
    return out;
  }
  std::uint64_t file() const override { return number; }
  std::vector<nlohmann::ordered_json> records;
  std::uint64_t number = 1;
  bool full = false;
};

// The world behind one service.
struct World {
  QueueSample queue{.delivered_consumer_seq = 0};
  bool queue_silent = false;  // reads are never answered
  std::optional<Error> queue_error;
  std::string part_waits;  // of several queues one does not answer, and this is what the others hold
  std::function<void()> watcher;
  int reads = 0;
  std::string unfit;
  std::vector<std::pair<std::string, double>> numbers;  // of a policy that wants no change

  int replicas = 1;
  int looks = 0;  // at the target
  int resumes = 0;
  std::string stopped_by_hand;
  std::string problem;
  std::string version;
  bool dry_run = false;
  bool deaf = false;  // says done and does nothing
  std::optional<Error> scale_error;
  HostPlace place = HostPlace::kElsewhere;
  double memory = 0;  // bytes that each replica shows
  double cpu = 0;     // cores
  int usage_reads = 0;
  bool hold_orders = false;  // orders are answered when the test says
  int starting = 0;          // of `replicas`
  int restarts = 0;          // of the first
  bool failing = false;      // all of them
  int at_once = 0;           // likewise
  std::string killed;
  int follows = 0, leads = 0;
  std::string stop_left;  // by the one that led before
  bool ran_before = false;
  std::vector<int> orders;
  std::vector<std::function<void(Result<std::string>)>> waiting;
};

class FakeSource final : public Source {
 public:
  explicit FakeSource(World& w) : w_(w) {}
  void read(const ReadRequest&, std::function<void(Result<Reading>)> done) override {
    ++w_.reads;
    if (w_.queue_silent) return;
    if (w_.queue_error)
      done(tl::unexpected(*w_.queue_error));
    else if (!w_.part_waits.empty())
      done(Reading{.part_missing = Error{ErrorCode::kNotFound, "mail: there is no queue mail", false},
                   .part_waits = w_.part_waits});
    else
      done(Reading{w_.queue, std::nullopt});
  }
  void watch(std::function<void()> on_message) override { w_.watcher = std::move(on_message); }
  std::string unfit_for_zero() const override { return w_.unfit; }
  std::vector<Finding> check(Duration) override { return {}; }

 private:
  World& w_;
};

class FakeUsage final : public Source {
 public:
  explicit FakeUsage(World& w) : w_(w) {}
  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override {
    ++w_.usage_reads;
    Reading reading;
    reading.usage.emplace();
    for (const auto& r : request.replicas)
      reading.usage->push_back({.id = r.id, .cpu = 100 * w_.cpu, .mem = w_.memory});
    done(std::move(reading));
  }
  std::vector<Finding> check(Duration) override { return {}; }

 private:
  World& w_;
};

class FakeTarget final : public Target, public Led {
 public:
  explicit FakeTarget(World& w) : w_(w) {}
  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override {
    w_.orders.push_back(order.replicas);
    if (w_.hold_orders) {
      w_.waiting.push_back(std::move(done));
      return;
    }
    if (w_.scale_error) {
      done(tl::unexpected(*w_.scale_error));
      return;
    }
    if (!w_.dry_run && !w_.deaf) w_.replicas = order.replicas;
    done(std::string("did it"));
  }
  TargetReport report() override {
    ++w_.looks;
    TargetReport r;
    for (int i = 0; i < w_.replicas; ++i)
      r.replicas.push_back({.id = std::to_string(i),
                            .state = w_.failing                      ? ReplicaState::kFailing
                                     : i < w_.replicas - w_.starting ? ReplicaState::kReady
                                                                     : ReplicaState::kStarting,
                            .restarts = i == 0 ? w_.restarts : 0,
                            .at_once = w_.at_once});
    r.stopped_by_hand = w_.stopped_by_hand;
    r.killed = w_.killed;
    r.problem = w_.problem;
    r.version = w_.version;
    r.grace = 10s;
    return r;
  }
  void resume() override {
    ++w_.resumes;
    w_.stopped_by_hand.clear();
  }
  void follow() override { ++w_.follows; }
  void lead(const Lease&, const LedBefore& before) override {
    ++w_.leads;
    w_.stop_left = before.stopped_by_hand;
    w_.ran_before = before.ran;
  }
  std::vector<Finding> check() override { return {}; }

 private:
  World& w_;
};

// What a policy has learned, without the hours that it takes to learn it.
class KnowingPolicy final : public Policy {
 public:
  explicit KnowingPolicy(World& w) : w_(w) {}
  void observe(const Observation&) override {}
  Recommendation recommend(const Situation& in) override {
    Recommendation r;
    r.wanted = in.replicas.current;
    r.reason = "as it is";
    r.numbers = w_.numbers;
    return r;
  }
  void save(nlohmann::json&) const override {}
  void restore(const nlohmann::json&) override {}

 private:
  World& w_;
};

class ControllerTest : public testing::Test {
 protected:
  ControllerTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("docktor-controller-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    log_.sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    build();
  }
  ~ControllerTest() override {
    controller.reset();
    state_.flush();  // it writes behind our back
    std::filesystem::remove_all(folder_);
  }

  void build() {
    controller = std::make_unique<Controller>(Controller::Options{
        clock, journal, state_, log_, {{"provider", "none"}}, "run", manual, &board, look_at_host});
  }

  static ServiceSpec spec(const std::string& name, int min = 1) {
    ServiceSpec s;
    s.name = name;
    s.limits.min_replicas = min;
    s.limits.max_replicas = 10;
    s.check_interval = 10s;
    s.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}},
                        {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"}}};
    s.queue = QueueSpec{};
    return s;
  }

  void apply(const std::vector<ServiceSpec>& specs) {
    controller->apply(specs, [this](const ServiceSpec& s) {
      ServiceParts p;
      p.spec = s;
      World& w = worlds[s.name];
      p.policy = w.numbers.empty() ? make_policy(s) : std::make_unique<KnowingPolicy>(w);
      p.queue = std::make_unique<FakeSource>(worlds[s.name]);
      p.target = std::make_unique<FakeTarget>(worlds[s.name]);
      p.dry_run = worlds[s.name].dry_run;
      p.place = [&w] { return w.place; };
      if (w.place != HostPlace::kElsewhere) p.usage = std::make_unique<FakeUsage>(w);
      return p;
    });
  }

  // Lets `length` pass in steps of 100 ms.
  void pass(Duration length) {
    const Time end = clock.time + length;
    while (clock.time < end) {
      clock.time += 100ms;
      controller->step(0ns);
      controller->step(0ns);  // what the first step's answers made due
    }
  }

  /// The last record with this event; null when there is none.
  nlohmann::ordered_json event(const std::string& what) const {
    for (auto it = journal.records.rbegin(); it != journal.records.rend(); ++it) {
      if (it->value("event", "") == what) return *it;
    }
    return nullptr;
  }

  TestClock clock;
  bool manual = false;  // of the next build()
  std::function<HostFigures()> look_at_host;
  TestJournal journal;
  Board board{time_at(1000)};
  std::ostringstream text;
  std::map<std::string, World> worlds;
  std::unique_ptr<Controller> controller;

 protected:
  std::filesystem::path folder_;
  StateStore state_{folder_.string()};
  spdlog::logger log_{"test"};
};

}  // namespace docktor
