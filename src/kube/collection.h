// The objects of one collection as values of our own, kept current, for all who need them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/fields.h"
#include "kube/watch.h"

namespace docktor {

/// Of the client's loop: made, used and destroyed there, listeners too. By name: a collection is of one namespace.
template <class T>
class KubeCollection {
 public:
  struct Listener {
    std::function<void()> anew;                                          ///< all() may differ in everything
    std::function<void(const std::string& name, const T* now)> changed;  ///< nullptr: it is gone
    std::function<void()> state;                                         ///< watch()'s trouble may differ
  };
  using Read = std::optional<T> (*)(const nlohmann::json&);

  KubeCollection(KubeClient& client, std::string path, Read read, const KubeWatchCare& care)
      : read_(read),
        watch_(client, {.path = std::move(path),
                        .on_page = [this](const std::vector<nlohmann::json>& part,
                                          bool first) { take_part(part, first); },
                        .on_list = [this] { take_all(); },
                        .on_event = [this](std::string_view type, const nlohmann::json& o) { take(type, o); },
                        .on_state =
                            [this] {
                              tell([](const Listener& l) {
                                if (l.state) l.state();
                              });
                            },
                        .care = care}) {}

  const std::map<std::string, T>& all() const { return all_; }
  const KubeWatch& watch() const { return watch_; }

  int listen(Listener l) {
    listeners_.emplace(next_, std::move(l));
    return next_++;
  }
  /// Not from within a listener of this collection.
  void forget(int id) { listeners_.erase(id); }

 private:
  template <class F>
  void tell(F f) {
    for (const auto& [id, l] : listeners_) f(l);
  }
  void take_part(const std::vector<nlohmann::json>& objects, bool first) {
    if (first) listed_.clear();
    for (const auto& o : objects) {
      if (auto value = read_(o))
        listed_.insert_or_assign(kube::raw_text(kube::field(o, "metadata"), "name"), std::move(*value));
    }
  }
  void take_all() {
    all_ = std::exchange(listed_, {});
    tell([](const Listener& l) {
      if (l.anew) l.anew();
    });
  }
  void take(std::string_view type, const nlohmann::json& o) {
    const auto name = kube::raw_text(kube::field(o, "metadata"), "name");
    auto value = type == "DELETED" ? std::optional<T>() : read_(o);
    const T* now = nullptr;
    if (value)
      now = &all_.insert_or_assign(name, std::move(*value)).first->second;
    else
      all_.erase(name);
    tell([&](const Listener& l) {
      if (l.changed) l.changed(name, now);
    });
  }

  const Read read_;
  std::map<std::string, T> all_, listed_;  // what there is; what has come of a list that is under way
  std::map<int, Listener> listeners_;
  int next_ = 1;
  KubeWatch watch_;  // last: it calls what stands above
};

}  // namespace docktor
