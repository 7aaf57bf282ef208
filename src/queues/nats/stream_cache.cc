#include "queues/nats/stream_cache.h"

#include <chrono>

namespace docktor {

using std::chrono::steady_clock;

bool StreamCache::must_ask(const Key& key, Duration max_age, Done done) {
  const auto now = steady_clock::now();
  if (const auto it = entries_.find(key);
      it != entries_.end() && it->second.info && now - it->second.asked <= max_age) {
    const StreamPtr known = it->second.info;
    done(known);
    return false;
  }
  prune();
  auto& entry = entries_[key];
  entry.waiters.push_back(std::move(done));
  if (entry.under_way) return false;
  entry.under_way = true;
  entry.asking = now;
  return true;
}

void StreamCache::put(const Key& key, Result<StreamInfo> answer, bool refused) {
  auto& e = entries_[key];
  e.under_way = false;
  if (refused) e.info = nullptr;
  Result<StreamPtr> result = StreamPtr{};
  if (answer) {
    e.info = std::make_shared<const StreamInfo>(std::move(*answer));
    e.asked = e.asking;
    result = e.info;
  } else {
    result = tl::unexpected(answer.error());
  }
  const auto waiters = std::exchange(e.waiters, {});
  for (const auto& w : waiters) w(result);
}

void StreamCache::forget(const std::string& stream) {
  for (auto it = entries_.lower_bound({stream, ""}); it != entries_.end() && it->first.first == stream; ++it)
    it->second.info = nullptr;
}

void StreamCache::prune() {
  if (entries_.size() < kMaxStreams) return;
  const auto old = steady_clock::now() - std::chrono::seconds(60);
  std::erase_if(entries_, [&](const auto& s) { return !s.second.under_way && s.second.asked < old; });
}

}  // namespace docktor
