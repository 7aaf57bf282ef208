// Services that left the configuration while replicas of theirs ran: these run on, and a stop may mean them, too.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "control/controller.h"
#include "core/spec.h"

namespace docktor {

/// Loop thread.
class LeftBehind {
 public:
  /// Before the controller hears of it: the configuration becomes another one.
  void note(const Config& before, const Config& after, Controller& controller) {
    for (const auto& old : before.services) {
      const auto same = [&](const ServiceSpec& s) { return s.name == old.name; };
      Service* s = controller.find(old.name);
      if (!s || s->dry_run || s->counts.current == 0 || std::ranges::any_of(after.services, same)) continue;
      services_.insert_or_assign(old.name, One{old, s->counts.current});
    }
    for (const auto& spec : after.services) services_.erase(spec.name);
  }

  bool empty() const { return services_.empty(); }

  /// "web 3"
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const auto& [name, left] : services_) texts.push_back(fmt::format("{} {}", name, left.replicas));
    return texts;
  }
  std::string text() const { return fmt::format("{}", fmt::join(texts(), ", ")); }

  /// The configuration with them in it.
  Config with(Config config) const {
    for (const auto& [name, left] : services_) config.services.push_back(left.spec);
    return config;
  }

 private:
  struct One {
    ServiceSpec spec;
    int replicas = 0;
  };
  std::map<std::string, One> services_;
};

}  // namespace docktor
