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

}  // namespace

struct StreamWake::State : std::enable_shared_from_this<State> {
  explicit State(RedisConnection& c) : connection(c) {}

  std::mutex mutex;  // guards the next four
  std::map<std::uint64_t, Watch> watches;
  std::uint64_t next_id = 1;
  std::uint64_t last_asked = 0;
  bool asking = false;

  RedisConnection& connection;  // whose thread calls this: alive until that has ended

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
    connection.send({std::move(command)}, steady_clock::now() + kBlock + kLate,
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
      connection.after(kPause, [weak = weak_from_this()] {
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

std::uint64_t StreamWake::watch(const std::string& stream, const std::string& after, Events events) {
  std::shared_ptr<State> state;
  {
    const std::lock_guard lock(mutex_);
    if (!state_) {
      connection_ = std::make_unique<RedisConnection>(options_);
      state_ = std::make_shared<State>(*connection_);
    }
    state = state_;
  }
  std::uint64_t id = 0;
  bool start = false;
  {
    const std::lock_guard lock(state->mutex);
    id = state->next_id++;
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
    state = state_;
  }
  if (!state) return;
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
