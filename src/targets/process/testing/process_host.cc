// A docktor as small as can be, for tests to kill: process_host FOLDER N MARK keeps N replicas in FOLDER
// until it is killed.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/clock.h"
#include "targets/process/process.h"
#include "targets/process/process_supervisor.h"

namespace {

class SystemClock final : public docktor::Clock {
 public:
  docktor::Time now() const override {
    return docktor::Time(
        std::chrono::duration_cast<docktor::Duration>(std::chrono::system_clock::now().time_since_epoch()));
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string folder = argv[1];
  const int n = std::atoi(argv[2]);
  docktor::ProcessOptions options;
  options.service = "consumer";
  options.spec.command = {"sleep", "1000"};
  options.spec.directory = folder;
  options.spec.ready_after = std::chrono::milliseconds(1);
  options.spec.environment["TEST_MARK_OF_DOCKTOR"] = argv[3];
  options.state_directory = folder + "/state";
  options.log_directory = folder + "/log";
  const SystemClock clock;
  docktor::ProcessSupervisor supervisor;
  docktor::ProcessTarget target(options, supervisor, clock);
  target.scale({n, {}}, [&](const docktor::Result<std::string>& outcome) {
    if (!outcome) fmt::print(stderr, "{}\n", outcome.error().message);
  });
  while (docktor::count(target.report().replicas).ready < n)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  supervisor.records().flush();
  std::ofstream(folder + "/host-ready") << "yes";
  while (true) ::pause();
}
