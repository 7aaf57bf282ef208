#include "docker/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/json_text.h"

namespace docktor {

using nlohmann::json;

bool JsonSplitter::feed(std::string_view piece, const std::function<void(std::string_view)>& on_object) {
  for (const char c : piece) {
    if (depth_ == 0 && c != '{') continue;  // separators
    if (object_.size() >= kMostObject) return false;
    object_ += c;
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{') ++depth_;
    if (c == '}' && --depth_ == 0) {
      on_object(object_);
      object_.clear();
    }
  }
  return true;
}

std::optional<ContainerEvent> parse_event(const json& j) {
  if (!j.is_object()) return std::nullopt;
  ContainerEvent e;
  e.action = j.value("Action", json()).is_string() ? j["Action"].get<std::string>() : "";
  const auto actor = j.value("Actor", json::object());
  if (!actor.is_object()) return std::nullopt;
  if (const auto id = actor.find("ID"); id != actor.end() && id->is_string()) e.id = id->get<std::string>();
  if (const auto all = actor.find("Attributes"); all != actor.end() && all->is_object()) {
    for (const auto& [key, value] : all->items()) {
      if (value.is_string()) e.attributes[key] = value.get<std::string>();
    }
  }
  return e;
}

EventFeed::EventFeed(DockerEngine& engine) : engine_(engine) {
  // From now on, by our clock: what happens between asking for the stream and the engine's taking it up is
  // then in it.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  since_ = fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(now).count());
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

EventFeed::~EventFeed() {
  thread_.request_stop();
  thread_.join();
}

std::uint64_t EventFeed::subscribe(OnEvent on_event) {
  const std::lock_guard lock(subscribers_mutex_);
  subscribers_.emplace(next_id_, std::move(on_event));
  return next_id_++;
}

void EventFeed::unsubscribe(std::uint64_t id) {
  const std::lock_guard lock(subscribers_mutex_);
  subscribers_.erase(id);
}

void EventFeed::publish(const ContainerEvent& event) {
  const std::lock_guard lock(subscribers_mutex_);
  for (const auto& [id, on_event] : subscribers_) on_event(event);
}

void EventFeed::take(std::string_view text) {
  const auto j = parse_json(text);
  if (!j.is_object()) return;
  if (const auto t = j.find("timeNano"); t != j.end() && t->is_number_integer()) {
    const auto nano = t->get<std::int64_t>();
    const std::lock_guard lock(mutex_);
    since_ = fmt::format("{}.{:09}", nano / 1'000'000'000, nano % 1'000'000'000);
  }
  const auto e = parse_event(j);
  if (!e || e->action.starts_with("exec_")) return;  // health checks: two a check, and nothing in them
  publish(*e);
}

void EventFeed::run(const std::stop_token& stop) {
  struct End {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool ended = false;
  };
  constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{3000};
  auto pause = kFirstPause;
  while (!stop.stop_requested()) {
    const auto end = std::make_shared<End>();
    auto splitter = std::make_shared<JsonSplitter>();
    bool heard = false;  // written by the client's thread, read when the stream has ended
    std::string query =
        "/events?filters=" +
        url_encoded(R"({"type":{"container":true},"label":{"com.docker.compose.project":true}})");
    {
      const std::lock_guard lock(mutex_);
      query += "&since=" + since_;
    }
    const auto stream = engine_.submit_stream(
        {.what = "stream events", .path = query, .timeout = Duration::zero()},
        [end](const Result<HttpResponse>&) {
          const std::lock_guard lock(end->mutex);
          end->ended = true;
          end->changed.notify_all();
        },
        [this, splitter, &heard](std::string_view piece) {
          heard = true;
          return splitter->feed(piece, [this](std::string_view text) { take(text); });
        });
    // Asked for before everybody lists again: nothing falls between.
    publish({.action = "gap"});
    {
      std::unique_lock lock(end->mutex);
      end->changed.wait(lock, stop, [&] { return end->ended; });
      if (!end->ended) {
        lock.unlock();
        DockerEngine::cancel(stream);
        lock.lock();
        end->changed.wait(lock, [&] { return end->ended; });
        return;
      }
    }
    publish({.action = "gap"});
    pause = heard ? kFirstPause : std::min(pause * 2, kLongestPause);
    std::unique_lock lock(end->mutex);
    end->changed.wait_for(lock, stop, pause, [] { return false; });
  }
}

}  // namespace docktor
