#include "kube/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "kube/fields.h"
#include "os/resident.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::size_t kMostObjects = 200'000;

}  // namespace

template <class F>
auto KubeWatch::guarded(F f) {
  return [weak = std::weak_ptr<Token>(token_), f = std::move(f)](auto&&... arguments) {
    if (weak.lock()) f(std::forward<decltype(arguments)>(arguments)...);
  };
}

KubeWatch::KubeWatch(KubeClient& client, Options options)
    : client_(client),
      options_(std::move(options)),
      backoff_(options_.care.first_pause, options_.care.longest_pause) {
  list();
}

KubeWatch::~KubeWatch() {
  if (timer_) client_.loop().cancel(*timer_);
  if (silence_) client_.loop().cancel(*silence_);
  if (stream_) client_.cancel(*stream_);
}

void KubeWatch::list(std::string next) {
  if (next.empty()) listed_ = 0;
  // No resourceVersion: the newest state, not one of a cache that may be behind.
  KubeCall call{.path = fmt::format("{}?limit={}{}{}", options_.path, options_.care.page,
                                    next.empty() ? "" : "&continue=", url_encoded(next)),
                .timeout = std::chrono::seconds(30)};
  client_.submit(std::move(call), guarded([this](KubeAnswer answer) { take_page(std::move(answer)); }));
}

void KubeWatch::take_page(KubeAnswer answer) {
  if (!answer.ok()) return failed(answer);
  const auto& meta = kube::field(answer.body, "metadata");
  version_ = kube::raw_text(meta, "resourceVersion");
  const auto items = answer.body.find("items");
  if (version_.empty() || items == answer.body.end() || !(items->is_array() || items->is_null()) ||
      listed_ + items->size() > kMostObjects) {
    answer.error =
        Error{ErrorCode::kInternal, fmt::format("{} is no list that docktor can read", options_.path), true};
    return failed(answer);
  }
  auto next = kube::raw_text(meta, "continue");
  const auto n = items->size();
  options_.on_page(items->is_array() ? std::move(items->get_ref<Json::array_t&>()) : Json::array_t(),
                   listed_ == 0);
  listed_ += n;
  if (!next.empty()) return list(std::move(next));
  synced_ = true;
  options_.on_list();
  if (listed_ > static_cast<std::size_t>(options_.care.page)) let_go_of_memory();
  set_trouble(std::nullopt);
  watch();
}

void KubeWatch::watch() {
  expired_ = false;
  began_ = steady_clock::now();
  thread_local std::minstd_rand random{std::random_device{}()};
  const int length = options_.care.watch_seconds +
                     static_cast<int>(random() % static_cast<unsigned>(options_.care.watch_seconds));
  KubeCall call{
      .path = fmt::format("{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                          options_.path, length, url_encoded(version_)),
      .timeout = Duration::zero()};
  stream_ = client_.stream(std::move(call), guarded([this](Json line) { take_line(std::move(line)); }),
                           guarded([this](const KubeAnswer& answer) { ended(answer); }));
  listen_for_silence();
}

void KubeWatch::listen_for_silence() {
  if (silence_) client_.loop().cancel(*silence_);
  silence_ = client_.loop().at(steady_clock::now() + options_.care.silence, [this] {
    silence_.reset();
    if (stream_) client_.cancel(*stream_);
  });
}

void KubeWatch::take_line(Json line) {
  listen_for_silence();
  const auto type = kube::raw_text(line, "type");
  const auto object = line.find("object");
  if (object == line.end() || !object->is_object()) return;
  if (type == "ERROR") {
    // Too old: the server has forgotten what happened since. Any other error is met in the same way.
    expired_ = true;
    return;
  }
  if (auto version = kube::raw_text(kube::field(*object, "metadata"), "resourceVersion"); !version.empty())
    version_ = std::move(version);
  if (type != "BOOKMARK") options_.on_event(type, std::move(*object));
}

void KubeWatch::ended(const KubeAnswer& answer) {
  stream_.reset();
  if (silence_) client_.loop().cancel(*silence_);
  silence_.reset();
  const bool short_lived = steady_clock::now() - began_ < std::chrono::seconds(1);
  backoff_.was_up_since(began_);
  if (answer.status == 403 && synced_) return again(options_.care.list_again, &KubeWatch::list_anew);
  const auto pause = std::max(short_lived ? backoff_.next() : Duration::zero(),
                              answer.retry_after.value_or(Duration::zero()));
  // Its time was over; else what was missed is found by a list, which also tells at once that the server is back.
  again(pause, answer.ok() && !expired_ ? &KubeWatch::watch : &KubeWatch::list_anew);
}

void KubeWatch::failed(const KubeAnswer& answer) {
  set_trouble(answer.error);
  auto pause = backoff_.next();
  if (answer.status == 403) pause = options_.care.denied_pause;
  if (answer.status == 404) pause = options_.care.absent_pause;
  again(std::max(pause, answer.retry_after.value_or(Duration::zero())), &KubeWatch::list_anew);
}

void KubeWatch::again(Duration pause, void (KubeWatch::*what)()) {
  if (timer_) client_.loop().cancel(*timer_);
  timer_ = client_.loop().at(steady_clock::now() + pause, [this, what] {
    timer_.reset();
    (this->*what)();
  });
}

void KubeWatch::set_trouble(std::optional<Error> trouble) {
  trouble_ = std::move(trouble);
  if (options_.on_state) options_.on_state();
}

}  // namespace docktor
