// Every shell that the daemon has: the one place that lists them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/shell.h"

namespace docktor {

/// All of them as one; see Shell for what each call means. `parts` outlives this.
class Shells {
 public:
  explicit Shells(const ShellParts& parts);

  void share(Lease* lease);
  Result<void> open(const DaemonSpec& daemon);
  /// All, or none: what the first of them took is taken back where a later one refuses.
  Result<void> apply(const DaemonSpec& before, const DaemonSpec& after);
  void reloaded(const std::string& error);
  void tell(std::string_view event, const std::string& detail);
  std::vector<ChannelFigures> receivers() const;
  void close();

 private:
  std::vector<std::unique_ptr<Shell>> shells_;
};

}  // namespace docktor
