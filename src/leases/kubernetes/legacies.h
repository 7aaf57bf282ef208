// What a leader leaves to the next one, as the texts of a ConfigMap: one key for each service. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/lease.h"

namespace docktor {

class Legacies {
 public:
  /// A ConfigMap holds 1 MiB with everything about it.
  static constexpr std::size_t kMostBytes = 800 << 10;

  /// What a ConfigMap has. Keys that are no legacy (another program's, spoilt, from a later version) are named in the
  /// answer and count as absent; they go with the next write.
  std::vector<std::string> take(const nlohmann::json& config_map);

  Legacy of(const std::string& service) const;
  void put(const std::string& service, Legacy legacy);
  /// Those that are not among them are no longer kept.
  void keep(const std::vector<std::string>& services);

  /// Something that people said, or was seen of them, is not in the ConfigMap.
  bool urgent() const;

  /// `data` of a merge patch that brings the ConfigMap to what was put; an empty object where nothing is to be written.
  /// What was learned goes in as far as there is room, in the order of the names; `left_out` counts the others.
  nlohmann::json patch(std::size_t& left_out) const;
  /// That patch was taken.
  void wrote(const nlohmann::json& patch);

 private:
  struct Entry {
    Legacy legacy;
    bool put = false;  // by us, in this run
    std::string said;  // as the ConfigMap has it
  };
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> there_;  // the ConfigMap's texts
};

}  // namespace docktor
