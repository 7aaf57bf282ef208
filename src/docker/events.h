// The engine's stream of container events, shared by all who watch containers of one engine.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "docker/engine.h"

namespace docktor {

/// Cuts a stream of JSON objects into objects, whatever stands between them (nothing, newlines, record
/// separators).
class JsonSplitter {
 public:
  static constexpr std::size_t kMostObject = 1 << 20;

  /// Calls `on_object` with the text of each object that `piece` completes. False when an object exceeds
  /// kMostObject.
  bool feed(std::string_view piece, const std::function<void(std::string_view)>& on_object);

 private:
  std::string object_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

/// One event of a container.
struct ContainerEvent {
  std::string
      action;  ///< "start", "die", "health_status: healthy"; "gap": events may have been missed, list again
  std::string id;
  std::map<std::string, std::string> attributes;  ///< labels, name, image, exitCode, signal
};

/// Nothing where it is no event of a container.
std::optional<ContainerEvent> parse_event(const nlohmann::json& event);

/// Follows events of Compose's containers for as long as it lives; reconnects by itself, from where it was,
/// and tells everybody of a "gap" first. Thread-safe. Callbacks come from the engine's client thread or the
/// feed's own, must not block and must not unsubscribe.
class EventFeed {
 public:
  using OnEvent = std::function<void(const ContainerEvent&)>;

  explicit EventFeed(DockerEngine& engine);
  ~EventFeed();

  std::uint64_t subscribe(OnEvent on_event);
  /// After it returns, the callback is not called any more.
  void unsubscribe(std::uint64_t id);

 private:
  void run(const std::stop_token& stop);
  void publish(const ContainerEvent& event);
  void take(std::string_view text);

  DockerEngine& engine_;
  std::mutex subscribers_mutex_;
  std::map<std::uint64_t, OnEvent> subscribers_;
  std::uint64_t next_id_ = 1;
  std::mutex mutex_;
  std::string since_;  // seconds.nanoseconds of the last event
  std::jthread thread_;
};

}  // namespace docktor
