// Runs the commands of an example's README as they stand there, in a copy of the example.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/compose/stack.h"

namespace docktor::test {

/// The ```bash blocks under the heading that begins with `heading` ("### Scenario 1"), in order.
std::vector<std::string> commands_under(const std::string& readme, const std::string& heading);

/// A folder like the repository's root: ./docktor and examples/NAME. Blocks run one after the other in a
/// terminal of their own, each where the one before ended. Commands that never end by themselves (watch, logs
/// -f, daemon logs) are ended after some seconds.
class Walk {
 public:
  /// `environment` is added to that of the commands.
  explicit Walk(const std::string& example, std::map<std::string, std::string> environment = {});
  /// Stops daemon and stack.
  ~Walk();

  Ran run(const std::string& block);
  /// All blocks under the heading; fails the test when one fails.
  std::string follow(const std::string& heading);
  void go_to_root() { where_ = root(); }
  void go_to_example() { where_ = root() + "/examples/" + example_; }

  std::string root() const { return dir_.path().string(); }
  std::string config() const { return "examples/" + example_ + "/docktor.yaml"; }
  const std::string& readme() const { return readme_; }
  int running(const std::string& service);
  /// "1→3 3→5 5→4": the decisions that moved the service, and were carried out.
  std::string moves();
  std::string daemon_log();

 private:
  TempDir dir_;
  std::string example_;
  std::map<std::string, std::string> environment_;
  std::string where_;
  std::string readme_;
  int next_ = 0;
};

}  // namespace docktor::test
