// Worker processes under the suite that every kind of target runs.
#include <sys/wait.h>

#include <string>

#include "os/real_clock.h"
#include "targets/process/process.h"
#include "targets/process/process_supervisor.h"
#include "tests/contract/target_contract.h"
#include "tests/support/marked_processes.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

class ProcessesUnderTest final : public TargetUnderTest {
 public:
  ProcessesUnderTest() : other_(make("other", others_)) {
    other_->scale({1, {}, {}}, [](const Result<std::string>&) {});
    EXPECT_TRUE(eventually([&] { return neighbours().size() == 1; }));
  }
  ~ProcessesUnderTest() override {
    other_.reset();
    marked_.end();
    others_.end();
    supervisor_.reset();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  std::unique_ptr<Target> open() override { return make("worker", marked_); }
  std::set<std::string> running() override { return names(marked_); }
  std::set<std::string> neighbours() override { return names(others_); }

 private:
  std::unique_ptr<Target> make(const std::string& service, const MarkedProcesses& mark) {
    ProcessOptions o;
    o.service = service;
    o.spec.command = {"sleep", "1000"};
    o.spec.directory = dir_.path();
    o.spec.ready_after = std::chrono::milliseconds(1);
    o.spec.environment[MarkedProcesses::name()] = mark.value();
    o.state_directory = dir_.path() / "state";
    o.log_directory = dir_.path() / "log";
    return std::make_unique<ProcessTarget>(o, *supervisor_, clock_);
  }
  static std::set<std::string> names(const MarkedProcesses& mark) {
    std::set<std::string> names;
    for (const auto& p : mark.alive()) names.insert(std::to_string(p.identity.pid));
    return names;
  }

  TempDir dir_;
  RealClock clock_;
  MarkedProcesses marked_, others_;
  std::unique_ptr<ProcessSupervisor> supervisor_ = std::make_unique<ProcessSupervisor>();
  std::unique_ptr<Target> other_;
};

INSTANTIATE_TEST_SUITE_P(Process, TargetContract,
                         testing::Values(TargetKindUnderTest{
                             .name = "Processes",
                             .open = [] { return std::make_unique<ProcessesUnderTest>(); }}),
                         target_name);

}  // namespace
}  // namespace docktor::test
