// A Compose project of a test's own, the target under test, and questions to the real Docker.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "docker/docker.h"
#include "os/real_clock.h"
#include "targets/compose/compose.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

struct Ran {
  int code = -1;
  std::string out;  ///< stdout and stderr
};

/// Runs a shell command to its end, at most two minutes.
Ran sh(const std::string& command, const std::string& directory = {});

/// stdout of a command that must succeed, without the last newline.
std::string must(const std::string& command, const std::string& directory = {});

/// A service of the Compose file that sleeps and ends at once on SIGTERM.
std::string sleeper(const std::string& name, const std::string& more = {});

/// A folder with docker-compose.yaml, deployed under a name that no other test has; taken down at the end.
class Stack {
 public:
  explicit Stack(const std::string& compose_file);
  ~Stack();

  Ran compose(const std::string& args) const;
  void up(const std::string& args = {}) const;
  void write(const std::string& compose_file) const { write("docker-compose.yaml", compose_file); }
  void write(const std::string& name, const std::string& text) const { dir_.file(name, text); }

  /// Names of the service's containers, `filter` being further arguments of docker ps.
  std::vector<std::string> containers(const std::string& service, const std::string& filter = {}) const;
  int running(const std::string& service) const { return static_cast<int>(containers(service).size()); }
  nlohmann::json inspect(const std::string& container) const;
  std::string ids(const std::string& service) const;

  const std::string& project() const { return project_; }
  std::string file() const { return (dir_.path() / "docker-compose.yaml").string(); }
  std::string folder() const { return dir_.path().string(); }
  std::string state() const { return (dir_.path() / "state").string(); }

 private:
  TempDir dir_;
  std::string project_;
};

/// A ComposeTarget for a service of a stack.
class Scaler {
 public:
  Scaler(const Stack& stack, const std::string& service, Docker& docker, ComposeCare care = {});

  /// Waits for the answer to an order.
  Result<std::string> scale(int replicas, std::map<std::string, double> busyness = {});
  /// Waits until so many are ready and none is anything else.
  bool ready(int replicas);
  TargetReport report();                ///< news are gathered in news()
  bool heard(const std::string& part);  ///< waits for news that hold `part`
  std::string news() const;
  ComposeTarget& target() { return *target_; }
  void end() { target_.reset(); }

 private:
  RealClock clock_;
  std::vector<std::string> news_;
  std::unique_ptr<ComposeTarget> target_;
};

/// Whether the engine is the test's own, so that it may be restarted.
bool private_engine();
/// `scripts/test-docker dockerd start|stop|kill`.
void dockerd(const std::string& what);

}  // namespace docktor::test
