#include "tests/compose/stack.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <sstream>

#include "os/run_command.h"

namespace docktor::test {

Ran sh(const std::string& command, const std::string& directory) {
  const auto r = run_command(
      {.command = {"/bin/sh", "-c", command}, .directory = directory, .environment = inherited_environment()},
      std::chrono::minutes(2), {}, 4 << 20);
  if (!r) return {-1, r.error().message};
  return {r->status, r->output};
}

std::string must(const std::string& command, const std::string& directory) {
  auto r = sh(command + " 2>/dev/null", directory);
  EXPECT_EQ(0, r.code) << command << "\n" << r.out;
  while (!r.out.empty() && r.out.back() == '\n') r.out.pop_back();
  return r.out;
}

std::string sleeper(const std::string& name, const std::string& more) {
  return fmt::format("  {}:\n    image: docktor-test/busybox\n    init: true\n    command: sleep 10000\n{}",
                     name, more);
}

Stack::Stack(const std::string& compose_file) {
  static std::atomic<int> next{0};
  project_ = fmt::format("docktor-test-{}-{}", ::getpid(), ++next);
  write(compose_file);
}

Stack::~Stack() { compose("down -v -t 0 --remove-orphans"); }

Ran Stack::compose(const std::string& args) const {
  return sh(fmt::format("docker compose -p {} {}", project_, args), folder());
}

void Stack::up(const std::string& args) const {
  const auto r = compose("up -d " + args);
  ASSERT_EQ(0, r.code) << r.out;
}

std::vector<std::string> Stack::containers(const std::string& service, const std::string& filter) const {
  std::istringstream lines(
      must(fmt::format("docker ps --format '{{{{.Names}}}}' --filter label=com.docker.compose.project={} "
                       "--filter label=com.docker.compose.service={} {}",
                       project_, service, filter)));
  std::vector<std::string> out;
  for (std::string line; std::getline(lines, line);) out.push_back(line);
  std::ranges::sort(out);
  return out;
}

std::string Stack::ids(const std::string& service) const {
  return must(
      fmt::format("docker ps -aq --filter label=com.docker.compose.project={} --filter "
                  "label=com.docker.compose.service={} | sort",
                  project_, service));
}

nlohmann::json Stack::inspect(const std::string& container) const {
  auto j = nlohmann::json::parse(must("docker inspect " + container), nullptr, false);
  EXPECT_TRUE(j.is_array() && j.size() == 1) << container;
  return j.is_array() && !j.empty() ? j[0] : nlohmann::json();
}

Scaler::Scaler(const Stack& stack, const std::string& service, Docker& docker, ComposeCare care) {
  ComposeOptions o;
  o.service = service;
  o.spec.compose_file = stack.file();
  o.spec.project = stack.project();
  o.spec.ready_after = std::chrono::milliseconds(200);
  o.state_directory = stack.state();
  o.care = care;
  target_ = std::make_unique<ComposeTarget>(std::move(o), docker, clock_);
}

Result<std::string> Scaler::scale(int replicas, std::map<std::string, double> busyness) {
  auto answer = std::make_shared<std::promise<Result<std::string>>>();
  auto future = answer->get_future();
  target_->scale({.replicas = replicas, .busyness = std::move(busyness)},
                 [answer](Result<std::string> r) { answer->set_value(std::move(r)); });
  if (future.wait_for(std::chrono::minutes(2)) != std::future_status::ready)
    return fail(ErrorCode::kTimeout, "no answer");
  return future.get();
}

TargetReport Scaler::report() {
  auto r = target_->report();
  news_.insert(news_.end(), r.news.begin(), r.news.end());
  return r;
}

std::string Scaler::news() const { return fmt::format("{}", fmt::join(news_, "\n")); }

bool Scaler::ready(int replicas) {
  TargetReport last;
  const bool ok = eventually([&] {
    last = report();
    const auto c = count(last.replicas);
    return last.problem.empty() && c.ready == replicas && static_cast<int>(last.replicas.size()) == replicas;
  });
  if (!ok) {
    ADD_FAILURE() << "problem: " << last.problem << "; stopped: " << last.stopped_by_hand
                  << "; news: " << news();
    for (const auto& r : last.replicas) ADD_FAILURE() << r.id << " " << to_string(r.state) << " " << r.note;
  }
  return ok;
}

bool Scaler::heard(const std::string& part) {
  return eventually([&] {
    report();
    return news().find(part) != std::string::npos;
  });
}

bool private_engine() {
  const char* kind = std::getenv("DOCKTOR_TEST_DOCKER");
  return kind && std::string(kind) == "private";
}

void dockerd(const std::string& what) {
  // Not sh(): DOCKTOR_* must reach the script.
  const auto command = fmt::format("\"$DOCKTOR_TEST_CTL\" dockerd {} </dev/null >/dev/null 2>&1", what);
  ASSERT_EQ(0, std::system(command.c_str())) << command;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace docktor::test
