// A program of a demo that runs beside it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "os/spawn.h"

namespace docktor {

/// Its output goes to NAME.log in the demo's folder. Not thread-safe.
class DemoPart {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  Result<void> start(const std::string& name, const std::string& folder, std::vector<std::string> command,
                     const Environment& environment);
  bool runs() const;
  void signal(int number) const;
  /// The exit code once it has ended (128 + n after a signal); -1 while it runs, and before it was started.
  int exit_code();
  Error ended() const;  ///< that it has, with its last words

 private:
  std::string name_;
  std::string log_;
  Spawned process_;
  int code_ = -1;
};

}  // namespace docktor
