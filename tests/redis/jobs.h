// The frameworks themselves put jobs in and work on them; what is read is compared with what they count.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "queues/redis/job_layouts.h"
#include "tests/redis/program.h"
#include "tests/redis/reader.h"
#include "tests/support/missing.h"

namespace docktor::test {

class JobsTest : public testing::Test {
 protected:
  RedisSpec framework(const std::string& name, std::vector<std::string> queues) const {
    RedisSpec s;
    s.url = server.url();
    s.framework = name;
    s.queues = std::move(queues);
    s.key_prefix = framework_named(name)->prefix;
    s.claim_after = std::chrono::seconds(framework_named(name)->redelivered_seconds);
    return s;
  }
  std::string environment() const {
    return fmt::format(
        "env REDIS_URL={} REDIS_PORT={} GATE={} PYTHONPATH={} NODE_PATH={}/node_modules RUBYLIB={}",
        server.url(), server.port(), gate(), DOCKTOR_REDIS_TESTS, bullmq, rubylib);
  }
  std::string gate() const { return (dir.path() / "gate").string(); }
  std::string log() const { return (dir.path() / "log").string(); }
  void open_gate() const { dir.file("gate", ""); }
  void run(const std::string& line) {
    Program p(fmt::format("{} {}", environment(), line), log());
    ASSERT_EQ(p.wait(), 0) << line << said();
  }
  /// What the framework says that it counts: waiting, in hand, later, dead.
  std::string own(const std::string& line) const {
    const auto path = (dir.path() / "own").string();
    std::filesystem::remove(path);
    Program p(fmt::format("{} {}", environment(), line), path);
    EXPECT_EQ(p.wait(), 0) << line;
    std::ifstream in(path);
    std::string text;
    std::getline(in, text);
    return text;
  }
  /// The same of a sample.
  static std::string read(const QueueSample& s) {
    return fmt::format("{} {} {} {}", s.num_pending, s.in_hand(), s.scheduled.value_or(0),
                       s.dead.value_or(0));
  }
  std::unique_ptr<Program> start(const std::string& line) const {
    return std::make_unique<Program>(fmt::format("{} {}", environment(), line), log());
  }
  std::string said() const {
    std::ifstream in(log());
    std::ostringstream out;
    out << "\n" << in.rdbuf();
    return out.str();
  }
  /// Waits until a sample is as `wanted` says; the last one.
  template <class Wanted>
  QueueSample until(RedisReader& reader, Wanted wanted) {
    QueueSample s;
    EXPECT_TRUE(eventually([&] {
      s = reader.sample();
      return wanted(s);
    })) << "waiting "
        << s.num_pending << ", in hand " << s.in_hand() << ", scheduled " << s.scheduled.value_or(0)
        << said();
    return s;
  }

  static bool missing(const std::string& folder, const char* script) {
    if (std::filesystem::exists(folder + "/fetched")) return false;
    const auto why = fmt::format("{} is not there: {}", folder, script);
    [&] { SKIP_FOR_WANT_OF(why); }();
    return true;
  }
  bool no_bullmq() const { return missing(bullmq, "scripts/fetch-bullmq.sh"); }

  RedisServer server;
  TempDir dir;
  std::string bullmq = DOCKTOR_BULLMQ;
  std::string rubylib;  // Debian's own
};

}  // namespace docktor::test
