// Laravel's jobs that failed for good, which lie in its database: by the queues that docs/redis.md writes for that.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/postgres_server.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

/// The block with `what` in it of a page in docs, as text of YAML with four blanks before each line.
std::string block_of(const std::string& page, const std::string& what) {
  std::ifstream in(std::string(DOCKTOR_TESTS) + "/../docs/" + page);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const auto at = text.find(what);
  const auto begin = text.find('\n', text.rfind("```yaml", at)) + 1;
  text = text.substr(begin, text.find("```", at) - begin);
  const auto margin = text.find_first_not_of(' ');
  std::string out;
  for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1) {
    if (text.find('\n', line) == std::string::npos) break;  // what stands before the end of the block
    out += "    " + text.substr(line + margin, text.find('\n', line) + 1 - line - margin);
  }
  return out;
}

void replace(std::string& text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what << " in\n" << text;
  text.replace(at, what.size(), by);
}

TEST(LaravelsFailedJobs, AreToldByTheQueryOfTheDocs) {
  const RedisServer redis;
  const PostgresServer postgres;
  const Sandbox box;
  postgres.sql("create role docktor login; alter default privileges grant select on tables to docktor");
  auto queues = block_of("redis.md", "from failed_jobs");
  replace(queues, "redis://localhost:6379/0", redis.url());
  replace(queues, "postgres://docktor@localhost/app", postgres.url("postgres", "docktor"));
  const auto laravel = [&](const char* between) {
    return fmt::format(
        "/usr/bin/env{0}GATE=/{0}REDIS_PORT={1}{0}FAILED_PORT={2}{0}RECORD_FILE={3}{0}php{0}{4}/redis/"
        "laravel_job.php{0}",
        between, redis.port(), postgres.port(), box.jobs_file(), DOCKTOR_TESTS);
  };
  const auto run = [&](const std::string& verb) {
    const auto ran = box.run(laravel(" ") + verb);
    EXPECT_EQ(ran.code, 0) << ran.out;
    return ran.out;
  };
  const auto dead = [&](double count) {
    return eventually([&] {
      const auto s = box.status();
      return s.contains("observation") && s["observation"].value("queue.failed.dead", -1.0) == count;
    });
  };
  box.write("docktor.yaml", fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 1
    check_interval: 500ms
    metrics_window: 2s
    rules:
      scale_up_when: [{{metric: queue.mail.backlog, op: ">", value: 50}}, {{metric: queue.failed.dead, op: ">", value: 1000}}]
      scale_down_when: [{{metric: queue.mail.backlog, op: "<=", value: 0}}]
{}    target: {{kind: process, command: [{}work]}}
)",
                                        queues, laravel(", ")));
  ASSERT_EQ(run("make-failed"), "");
  box.start();
  ASSERT_TRUE(dead(0)) << box.status();
  run("put 3");
  run("put-failing 2");
  ASSERT_TRUE(dead(2)) << box.status() << box.log();
  EXPECT_EQ(run("failed"), "2\n");
  EXPECT_TRUE(eventually([&] { return box.jobs().size() == 3 && box.replicas() == 0; })) << box.status();
  EXPECT_TRUE(dead(2)) << "it is no work: nobody is started for it";
  run("retry");
  EXPECT_TRUE(eventually([&] {
    return postgres.sql("select count(*) from failed_jobs where id > 2") == "2";
  })) << "tried again by a replica that came for them, and failed again";
  EXPECT_TRUE(dead(2)) << box.status();
  postgres.sql("drop table failed_jobs");
  EXPECT_TRUE(eventually([&] {
    return box.status().dump().find("relation \\\"failed_jobs\\\" does not exist") != std::string::npos;
  })) << box.status();
}

}  // namespace
}  // namespace docktor::test
