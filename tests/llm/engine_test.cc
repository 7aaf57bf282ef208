// A real engine with random weights as adviser, and one that hoards: neither may do harm.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "llm/model_adviser.h"
#include "sim/load.h"
#include "tests/llm/engine/compare.h"
#include "tests/support/missing.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

// The bounds that the project promises.
void expect_harmless(const Comparison& c) {
  EXPECT_LE(c.more_late_points(), 0.1);
  EXPECT_LE(c.cost_ratio(), 1.5);
}

sim::Load bursts(double length) {
  sim::Load load{"bursts", {}};
  for (double at = 0; at < length; at += 60) {
    load.rows.push_back({at, 100});
    load.rows.push_back({at + 40, 500});
    load.rows.push_back({at + 50, 100});
  }
  load.rows.push_back({length, 0});
  return load;
}

sim::Load ramp(double length) {
  sim::Load load{"ramp", {}};
  for (double at = 0; at < length; at += 10)
    load.rows.push_back({at, 20 + 500 * (1 - std::abs(2 * at / length - 1))});
  load.rows.push_back({length, 0});
  return load;
}

TEST(Hoarder, CostsNoMoreThanItsBudgetAndMakesNothingLate) {
  for (const auto& load : {bursts(1200), ramp(1800)}) {
    SCOPED_TRACE(load.name);
    const auto c = compare(load, compared_service(true), hoarder);
    EXPECT_GT(c.asked, 3);
    expect_harmless(c);
    // Thresholds too: what was added leads to no later step.
    expect_harmless(compare(load, compared_service(false), hoarder));
  }
}

// The engine's server as a child that ends with this object.
class Engine {
 public:
  // Why there is none, or empty.
  std::string start() {
    const std::string folder = DOCKTOR_ENGINE_FOLDER;
    const std::string fetch = std::string(DOCKTOR_SOURCE "/scripts/fetch-engine.sh ") + folder + " 2>&1";
    std::string said;
    FILE* p = ::popen(fetch.c_str(), "r");
    if (!p) return "no shell";
    std::array<char, 512> line{};
    while (std::fgets(line.data(), line.size(), p)) said += line.data();
    if (::pclose(p) != 0) return said.empty() ? "fetch-engine.sh failed" : said;
    int out[2];
    if (::pipe(out) != 0) return "no pipe";
    const std::string model = dir_.path().string() + "/random.gguf";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], 1);
      ::close(out[0]);
      if (::chdir(folder.c_str()) != 0) ::_exit(1);
      ::execlp("node", "node", "server.mjs", model.c_str(), "7", nullptr);
      ::_exit(1);
    }
    ::close(out[1]);
    FILE* from = ::fdopen(out[0], "r");
    if (std::fgets(line.data(), line.size(), from)) url = line.data();
    std::fclose(from);
    while (!url.empty() && url.back() == '\n') url.pop_back();
    return url.starts_with("http://") ? "" : "the engine did not start";
  }
  ~Engine() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string url;

 private:
  TempDir dir_;
  pid_t pid_ = -1;
};

TEST(RandomEngine, TheWorstAdviserThereIsDoesNoHarm) {
  Engine engine;
  if (const auto why = engine.start(); !why.empty()) SKIP_FOR_WANT_OF(why);
  LlmSpec spec;
  spec.provider = "openai";
  spec.base_url = engine.url;
  spec.model = "random";
  spec.timeout = std::chrono::seconds(120);
  llm::ModelAdviser adviser(spec);
  const auto service = compared_service(true);
  const auto c = compare(bursts(420), service, asking(adviser, service));
  std::printf("asked %d, answered sensibly %d, late %.3f %% -> %.3f %%, replica-seconds x %.3f\n", c.asked,
              c.answered, 100 * c.without.over, 100 * c.with.over, c.cost_ratio());
  EXPECT_GT(c.asked, 3);
  EXPECT_GT(c.answered, 0) << "no answer was taken: the engine's schema is broken";
  expect_harmless(c);
}

}  // namespace
}  // namespace docktor::test
