// Whether the configuration's file was changed after the daemon had read it.
#pragma once

#include <string>

#include "core/spec.h"

namespace docktor {

/// Not thread-safe.
class ConfigFile {
 public:
  /// "docktor.yaml was changed at 02:34:10 and is not in effect: `docktor daemon reload`"; empty where it is as it was
  /// read, is gone, or was refused as it is. Reads the file only where its time or size is another than at the last call.
  std::string not_in_effect(const Config& config);
  /// It is there, and as it was read.
  bool in_effect(const Config& config);
  /// A reload refused the file as it is now: nobody is told to reload it before it changes again.
  void refused(const Config& config);

 private:
  void look(const Config& config);

  std::size_t of_ = 0;  // the digest of the configuration that the rest is about
  struct Version {
    long long changed = -1, size = -1;
    bool operator==(const Version&) const = default;
  };
  Version seen_, refused_;
  std::string text_;
};

}  // namespace docktor
