// What was last told of streams, shared by all consumers of one: they ask once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "os/event_loop.h"
#include "queues/nats/jetstream_api.h"

namespace docktor {

/// Of one thread.
class StreamCache {
 public:
  static constexpr std::size_t kMaxStreams = 4096;

  using SteadyTime = EventLoop::SteadyTime;
  using StreamPtr = std::shared_ptr<const StreamInfo>;
  using Done = std::function<void(const Result<StreamPtr>&)>;
  /// A stream, and a filter of subjects that are to be counted; empty: none.
  using Key = std::pair<std::string, std::string>;

  /// An answer no older than `max_age` is shared, as is a question under way; else true: the caller asks, and puts what
  /// came of it.
  bool must_ask(const Key& key, Duration max_age, Done done);
  /// `refused`: the server says that there is no such stream, or the like; what was known of it is forgotten.
  void put(const Key& key, Result<StreamInfo> answer, bool refused);

  /// Forgets what is known of a stream.
  void forget(const std::string& stream);

 private:
  struct Entry {
    StreamPtr info;
    SteadyTime asked{};  // when the question went out that `info` answers
    SteadyTime asking{};
    bool under_way = false;
    std::vector<Done> waiters;
  };
  void prune();

  std::map<Key, Entry> entries_;
};

}  // namespace docktor
