#include "queues/redis/stream_wake.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxStreams = 1000;  // of one XREAD; the next one takes the others
constexpr auto kLate = std::chrono::seconds(4);
constexpr auto kPause = std::chrono::seconds(1);
constexpr int kNoSlot = -1;

}  // namespace

struct StreamWake::State : std::enable_shared_from_this<State> {
  explicit State(RedisRouter& r) : router(r) {}

  std::mutex mutex;  // guards the next three
  std::map<std::uint64_t, Watch> watches;
  std::uint64_t last_asked = 0;
  bool asking = false;

  RedisRouter& router;  // whose thread calls this: alive until that has ended

  // With the mutex held: the next round, beginning behind the watches of the last one.
  std::vector<std::pair<std::uint64_t, Watch>> round() {
    std::vector<std::pair<std::uint64_t, Watch>> out;
    auto it = watches.upper_bound(last_asked);
    for (std::size_t i = 0; i < std::min(watches.size(), kMaxStreams); ++i, ++it) {
      if (it == watches.end()) it = watches.begin();
      out.emplace_back(*it);
    }
    if (!out.empty()) last_asked = out.back().first;
    return out;
  }

  void ask() {
    std::vector<std::pair<std::uint64_t, Watch>> asked;
    {
      const std::lock_guard lock(mutex);
      asked = round();
      asking = !asked.empty();
    }
    if (asked.empty()) return;
    RedisCommand command = {"XREAD", "COUNT", "1", "BLOCK", std::to_string(kBlock.count()), "STREAMS"};
    for (const auto& [id, w] : asked) command.push_back(w.stream);
    for (const auto& [id, w] : asked) command.push_back(w.after);
    router.send({std::move(command)}, steady_clock::now() + kBlock + kLate,
                [weak = weak_from_this(), asked = std::move(asked)](const Result<RedisAnswer>& answer) {
                  if (const auto self = weak.lock()) self->answered(asked, answer);
                });
  }

  // The bodies of the entries are dropped: that one came is all.
  void answered(const std::vector<std::pair<std::uint64_t, Watch>>& asked,
                const Result<RedisAnswer>& answer) {
    const bool good = answer && !answer->replies.front().is_error();
    std::string why;
    if (!answer)
      why = answer.error().message;
    else if (!good)
      why = redis_error(answer->server->place, answer->replies.front(), "XREAD").message;
    for (const auto& [id, w] : asked) w.events.gap(why);
    if (!good) {  // asked again after a while; polling goes on in any case
      router.after(kPause, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->ask();
      });
      return;
    }
    for (const auto& entry : answer->replies.front().items) {
      const auto* name = entry.items.empty() ? nullptr : entry.items.front().words();
      if (!name) continue;
      for (const auto& [id, w] : asked) {
        if (w.stream != *name) continue;
        std::function<void()> fire;
        {
          const std::lock_guard lock(mutex);
          const auto it = watches.find(id);
          if (it == watches.end()) continue;
          fire = std::move(it->second.events.fired);
          watches.erase(it);
        }
        if (fire) fire();
      }
    }
    ask();
  }
};

StreamWake::~StreamWake() = default;

std::uint64_t StreamWake::watch(const std::string& stream, const std::string& after, bool cluster,
                                Events events) {
  std::shared_ptr<State> state;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[cluster ? redis_slot(stream) : kNoSlot];
    if (!waiting.router) {
      waiting.router = std::make_unique<RedisRouter>(options_);
      waiting.state = std::make_shared<State>(*waiting.router);
    }
    state = waiting.state;
    id = next_id_++;
    watched_.emplace(id, state);
  }
  bool start = false;
  {
    const std::lock_guard lock(state->mutex);
    state->watches.emplace(id, Watch{stream, after, std::move(events)});
    start = !std::exchange(state->asking, true);
  }
  if (start) state->ask();
  return id;
}

void StreamWake::unwatch(std::uint64_t id) {
  std::shared_ptr<State> state;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;
    state = std::move(found->second);
    watched_.erase(found);
  }
  const std::lock_guard lock(state->mutex);
  state->watches.erase(id);
}

std::shared_ptr<StreamWake> StreamWakes::get(const RedisLoginOptions& options) {
  const auto key = options.key();
  const std::lock_guard lock(mutex_);
  std::erase_if(wakes_, [](const auto& w) { return w.second.expired(); });
  for (const auto& [known, weak] : wakes_) {
    if (known != key) continue;
    if (auto wake = weak.lock()) return wake;
  }
  auto wake = std::make_shared<StreamWake>(options);
  wakes_.emplace_back(key, wake);
  return wake;
}

}  // namespace docktor
