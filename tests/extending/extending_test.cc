// The examples of docs/extending.md do what they say, and what every kind must do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "config/load.h"
#include "examples/extending/diary_shell.h"
#include "examples/extending/lines_queue.h"
#include "examples/extending/number_target.h"
#include "examples/extending/services_command.h"
#include "os/atomic_file.h"
#include "os/real_clock.h"
#include "tests/contract/queue_contract.h"
#include "tests/contract/target_contract.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

LoadResult load(const std::string& text) {
  static const std::array queues{kLinesKind.keys};
  static const std::array targets{kNumberKind.keys};
  return load_config_text({queues, targets}, text, "f.yaml", "/nowhere", {});
}

ServiceSpec service(const std::string& queue, const std::string& target) {
  auto r = load("services:\n  - name: a\n    max_replicas: 9\n    queue: {kind: lines, file: " + queue +
                "}\n    target: {kind: number, file: " + target +
                "}\n    rules: {scale_up_when: [{metric: queue.backlog, op: '>', value: 5}]}\n");
  for (const auto& m : r.mistakes) ADD_FAILURE() << m;
  return r.config ? r.config->services.at(0) : ServiceSpec{};
}

class LinesUnderTest final : public QueueUnderTest {
 public:
  void make() override { put(0); }
  void send(int count) override { put(lines_ + count); }
  void finish(int count) override { put(lines_ - count); }
  std::unique_ptr<SourceReader> reader() override { return std::make_unique<Lines>(file_); }
  std::unique_ptr<SourceReader> nowhere() override { return nullptr; }  // a file is there or is not

 private:
  struct Lines final : SourceReader {
    explicit Lines(const std::string& file)
        : factory(kLinesKind.make({.clock = clock, .state_dir = {}, .log_dir = {}})),
          open(factory->open(service(file, "/n"), {})) {}
    Source& source() override { return *open.source; }
    RealClock clock;
    std::unique_ptr<QueueFactory> factory;
    OpenQueue open;
  };
  void put(int lines) {
    lines_ = lines;
    std::string text;
    for (int i = 0; i < lines; ++i) text += "job\n";
    ASSERT_TRUE(write_atomically(file_, text));
  }

  TempDir dir_;
  const std::string file_ = (dir_.path() / "jobs").string();
  int lines_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Lines, QueueContract,
                         testing::Values(QueueKindUnderTest{
                             .name = "File",
                             .open = [](const std::string&) { return std::make_unique<LinesUnderTest>(); }}),
                         kind_name);

class NumberUnderTest final : public TargetUnderTest {
 public:
  NumberUnderTest() {
    dir_.file("mine", "1\n");
    dir_.file("other", "2\n");
  }
  std::unique_ptr<Target> open() override { return factory_->open(service("/q", path("mine")), {}); }
  std::set<std::string> running() override { return names(path("mine")); }
  std::set<std::string> neighbours() override { return names(path("other")); }

 private:
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }
  static std::set<std::string> names(const std::string& file) {
    int n = 0;
    std::ifstream(file) >> n;
    std::set<std::string> all;
    for (int i = 1; i <= n; ++i) all.insert(std::to_string(i));
    return all;
  }

  TempDir dir_;
  RealClock clock_;
  std::unique_ptr<TargetFactory> factory_ =
      kNumberKind.make({.clock = clock_, .state_dir = {}, .log_dir = {}});
};

INSTANTIATE_TEST_SUITE_P(Number, TargetContract,
                         testing::Values(TargetKindUnderTest{
                             .name = "File", .open = [] { return std::make_unique<NumberUnderTest>(); }}),
                         target_name);

TEST(Extending, AKindIsKnownByItsRowAlone) {
  EXPECT_EQ(service("/srv/jobs", "/srv/n").queue->shown, "/srv/jobs");
  const auto typo = load(
      "services: [{name: a, max_replicas: 2, queue: {kind: line, file: /q}, target: {kind: number, file: "
      "/n}}]\n");
  EXPECT_THAT(typo.mistakes, testing::Contains(HasSubstr("did you mean lines?")));
}

TEST(Extending, AShellHearsOfStartsAndReloads) {
  TempDir dir;
  RealClock clock;
  const Board board(clock.now());
  Instance instance;
  instance.log_dir = dir.path().string();
  const ShellParts parts{.board = board, .clock = clock, .instance = instance};
  const auto shell = make_diary_shell(parts);
  ASSERT_TRUE(shell->open({}));
  shell->tell("started", "docktor 1");
  shell->reloaded("f.yaml:1:1: no");
  shell->close();
  std::stringstream text;
  text << std::ifstream(dir.path() / "diary").rdbuf();
  EXPECT_THAT(text.str(),
              testing::AllOf(HasSubstr("started: docktor 1"), HasSubstr("reload refused: f.yaml:1:1: no")));
  instance.log_dir = "/nowhere";
  EXPECT_FALSE(make_diary_shell(parts)->open({}));
}

TEST(Extending, ACommandPrints) {
  TempDir dir;
  Cli cli;
  cli.cwd = dir.path().string();
  cli.config =
      dir.file("docktor.yaml",
               "services: [{name: mail, max_replicas: 2, target: {kind: process, command: [w]}, rules: "
               "{scale_up_when: [{metric: cpu.avg, op: '>', value: 80}]}}]\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(kServicesCommand.run(cli), 0);
  std::fflush(stdout);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "mail\n");
}

}  // namespace
}  // namespace docktor::test
