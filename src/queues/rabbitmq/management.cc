#include "queues/rabbitmq/management.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/text.h"
#include "os/event_loop.h"
#include "os/http_client.h"
#include "os/http_url.h"
#include "queues/rabbitmq/queue_figures.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr Duration kPace = milliseconds(900);               // just under the usual sample interval
constexpr Duration kLongestPace = std::chrono::seconds(5);  // the figures move no more often
constexpr int kShareOfServer = 10;                          // it is asked for a tenth of the time at most
constexpr Duration kAnswerIn = std::chrono::seconds(5);
constexpr std::size_t kMostOfOne = 1 << 20;  // bytes of an answer
constexpr std::size_t kMostOfAll = 16 << 20;
constexpr std::size_t kManyQueues = 8;      // followed: the list of the virtual host is asked for
constexpr std::size_t kStrangersEach = 20;  // unless so many others come with each of ours

}  // namespace

class ManagementApi::Loop {
 public:
  Loop(RabbitSpec spec, std::function<std::string(const std::string&)> resolve)
      : spec_(std::move(spec)), resolve_(std::move(resolve)), vhost_(url_encoded(spec_.address.vhost)) {}

  ~Loop() {
    loop_.stop();
    client_.reset();  // answers what is under way, to nobody
    for (auto& w : waiting_) w.done(fail(ErrorCode::kUnavailable, "the connection was closed", true));
  }

  void follow(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    ++entries_[queue].followers;
  }

  void unfollow(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(queue);
    if (it != entries_.end() && --it->second.followers == 0) entries_.erase(it);
  }

  void figures(const std::string& queue, SteadyTime not_before, SteadyTime deadline, Done done) {
    std::optional<Result<KnownFigures>> known;
    bool ask = true;
    {
      const std::lock_guard lock(mutex_);
      const auto it = entries_.find(queue);
      const bool there = it != entries_.end() && it->second.last;
      if (there && it->second.asked >= not_before) known = it->second.last;
      ask = !known || steady_clock::now() - it->second.asked >= pace_;
    }
    if (known) done(std::move(*known));
    if (!ask) return;
    loop_.post([this, queue, not_before, deadline, done = known ? Done{} : std::move(done)]() mutable {
      if (done) wait_for(Waiting{queue, not_before, deadline, std::move(done)});
      want(queue, not_before);
    });
  }

  Result<std::string> get(const std::string& path, Duration timeout) {
    auto promise = std::make_shared<std::promise<Result<std::string>>>();
    auto future = promise->get_future();
    loop_.post([this, path, timeout, promise] {
      client().submit(request(path, timeout, kMostOfAll),
                      [this, promise](Result<HttpResponse> r) { promise->set_value(body_of(std::move(r))); });
    });
    if (future.wait_for(timeout + std::chrono::seconds(2)) != std::future_status::ready)
      return fail(ErrorCode::kTimeout, fmt::format("{} did not answer in time", shown()), true);
    return future.get();
  }

  const std::string& shown() const { return spec_.management_url; }

 private:
  struct Entry {
    int followers = 0;
    SteadyTime asked{};  // when the last answered request went out
    std::optional<Result<KnownFigures>> last;
  };
  struct Waiting {
    std::string queue;
    SteadyTime not_before;
    SteadyTime deadline;
    Done done;
  };

  void wait_for(Waiting w) {
    const auto deadline = w.deadline;
    waiting_.push_back(std::move(w));
    loop_.at(deadline, [this] { time_out(); });
  }

  void time_out() {
    const auto now = steady_clock::now();
    std::vector<Waiting> late;
    std::erase_if(waiting_, [&](Waiting& w) {
      if (now < w.deadline) return false;
      late.push_back(std::move(w));
      return true;
    });
    for (auto& w : late)
      w.done(fail(ErrorCode::kTimeout, fmt::format("{} did not answer in time", shown()), true));
  }

  // Asks for the queue, alone or with all others, unless a request that will do is under way or it is too early.
  void want(const std::string& queue, SteadyTime not_before) {
    const auto now = steady_clock::now();
    bool list = false;
    {
      const std::lock_guard lock(mutex_);
      list = entries_.size() >= kManyQueues && !too_many_strangers_;
    }
    const std::string key = list ? std::string() : queue;
    auto& flight = flights_[key];
    if (flight.under_way) return;  // who waits for a later one is asked for again when this is answered
    if (now < flight.next) {
      if (!std::exchange(flight.planned, true))
        loop_.at(flight.next, [this, queue, not_before] { planned(queue, not_before); });
      return;
    }
    flight.under_way = true;
    flight.planned = false;
    const auto path =
        list ? fmt::format("/api/queues/{}?columns={}", vhost_, kFigureColumns)
             : fmt::format("/api/queues/{}/{}?columns={}", vhost_, url_encoded(queue), kFigureColumns);
    client().submit(
        request(path, kAnswerIn, list ? kMostOfAll : kMostOfOne),
        [this, loop = loop_.inbox(), key, now](Result<HttpResponse> r) {
          loop->push([this, key, now, body = body_of(std::move(r))] { answered(key, now, body); });
        });
  }

  void planned(const std::string& queue, SteadyTime not_before) {
    for (auto& [key, flight] : flights_) flight.planned = false;
    if (std::ranges::any_of(waiting_, [&](const Waiting& w) { return w.queue == queue; }))
      want(queue, not_before);
  }

  void answered(const std::string& key, SteadyTime asked, const Result<std::string>& body) {
    const auto now = steady_clock::now();
    auto& flight = flights_[key];
    flight.under_way = false;
    if (key.empty())
      take_list(asked, body);
    else
      take_one(key, asked, body);
    const auto pace = std::clamp<Duration>(kShareOfServer * (now - asked), kPace, kLongestPace);
    flight.next = asked + (body ? pace : std::max(pace, failure_pause()));
    {
      const std::lock_guard lock(mutex_);
      pace_ = pace;
    }
    if (!body && body.error().code != ErrorCode::kNotFound)
      client_stale_ = true;  // the address may be another now
    if (flights_.size() > 2 * kManyQueues)
      std::erase_if(flights_, [](const auto& f) {
        return !f.second.under_way && !f.second.planned && steady_clock::now() > f.second.next;
      });
    give_out();
  }

  Duration failure_pause() const { return std::chrono::seconds(2); }

  void take_one(const std::string& queue, SteadyTime asked, const Result<std::string>& body) {
    const auto figures = body ? parse_queue(*body, queue) : Result<QueueFigures>(body.error());
    const std::lock_guard lock(mutex_);
    if (const auto it = entries_.find(queue); it != entries_.end()) keep(it->second, asked, figures);
  }

  void take_list(SteadyTime asked, const Result<std::string>& body) {
    const auto all = body ? parse_queues(*body) : Result<std::map<std::string, QueueFigures>>(body.error());
    const std::lock_guard lock(mutex_);
    too_many_strangers_ =
        all ? all->size() > kStrangersEach * entries_.size() : all.error().code == ErrorCode::kExhausted;
    for (auto& [name, entry] : entries_) {
      if (!all) {
        keep(entry, asked, all.error());
      } else if (const auto it = all->find(name); it != all->end()) {
        keep(entry, asked, it->second);
      } else {
        keep(entry, asked,
             fail(ErrorCode::kNotFound, fmt::format("{} knows no queue {}", shown(), name), true));
      }
    }
  }

  static void keep(Entry& entry, SteadyTime asked, const Result<QueueFigures>& figures) {
    entry.asked = asked;
    if (figures)
      entry.last = KnownFigures{*figures, asked};
    else
      entry.last = Result<KnownFigures>(figures.error());
  }

  // To each who waits, what he waits for; for who wants a later request than this one, it is asked again.
  void give_out() {
    std::vector<std::pair<Waiting, Result<KnownFigures>>> ready;
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(waiting_, [&](Waiting& w) {
        const auto it = entries_.find(w.queue);
        if (it == entries_.end() || !it->second.last || it->second.asked < w.not_before) return false;
        ready.emplace_back(std::move(w), *it->second.last);
        return true;
      });
    }
    for (auto& [w, result] : ready) w.done(std::move(result));
    std::vector<std::pair<std::string, SteadyTime>> again;
    again.reserve(waiting_.size());
    for (const auto& w : waiting_) again.emplace_back(w.queue, w.not_before);
    for (const auto& [queue, not_before] : again) want(queue, not_before);
  }

  HttpClient& client() {
    if (client_ && !(client_stale_ && resolve_)) return *client_;
    client_stale_ = false;
    HttpServer server;
    server.base_url = spec_.management_url;
    if (resolve_) server.base_url = resolve_(server.base_url);
    if (client_ && client_->server().base_url == server.base_url) return *client_;
    server.ca_file = spec_.tls_ca_file;
    server.cert_file = spec_.tls_cert_file;
    server.key_file = spec_.tls_key_file;
    server.verify = spec_.tls_verify;
    client_ = std::make_unique<HttpClient>(std::move(server));
    return *client_;
  }

  HttpRequest request(std::string path, Duration timeout, std::size_t most) const {
    HttpRequest r;
    r.path = std::move(path);
    r.headers = {"Authorization: " + basic_authorization(spec_.address.user, spec_.address.password)};
    r.timeout = timeout;
    r.connect_timeout = std::min<Duration>(timeout, std::chrono::seconds(3));
    r.max_body = most;
    return r;
  }

  Result<std::string> body_of(Result<HttpResponse> r) const {
    if (!r) {
      return Error{r.error().code,
                   fmt::format("the management API at {} does not answer: {}", shown(), r.error().message),
                   r.error().retry};
    }
    switch (r->status) {
      case 200:
        return std::move(r->body);
      case 401:
      case 403:
        return fail(
            ErrorCode::kDenied,
            fmt::format(
                "the management API at {} refuses user {}; give it the tag that lets it ask: rabbitmqctl "
                "set_user_tags {} monitoring",
                shown(), spec_.address.user, spec_.address.user));
      case 404:
        return fail(ErrorCode::kNotFound,
                    fmt::format("the management API at {} knows no such queue", shown()), true);
      default:
        return fail(ErrorCode::kUnavailable,
                    fmt::format("the management API at {} answers with status {}", shown(), r->status), true);
    }
  }

  struct Flight {
    bool under_way = false;
    bool planned = false;  // it is asked again at `next`
    SteadyTime next{};
  };

  const RabbitSpec spec_;
  const std::function<std::string(const std::string&)> resolve_;
  const std::string vhost_;

  std::mutex mutex_;  // guards the next three
  std::map<std::string, Entry> entries_;
  Duration pace_ = kPace;
  bool too_many_strangers_ = false;

  // On the loop.
  std::vector<Waiting> waiting_;
  std::map<std::string, Flight> flights_;  // by queue; "": of the whole virtual host
  bool client_stale_ = false;
  std::unique_ptr<HttpClient> client_;
  EventLoop loop_;
};

ManagementApi::ManagementApi(RabbitSpec spec, std::function<std::string(const std::string& url)> resolve)
    : loop_(std::make_unique<Loop>(std::move(spec), std::move(resolve))) {}

ManagementApi::~ManagementApi() = default;

void ManagementApi::follow(const std::string& queue) { loop_->follow(queue); }
void ManagementApi::unfollow(const std::string& queue) { loop_->unfollow(queue); }

void ManagementApi::figures(const std::string& queue, SteadyTime not_before, SteadyTime deadline, Done done) {
  loop_->figures(queue, not_before, deadline, std::move(done));
}

Result<std::string> ManagementApi::get(const std::string& path, Duration timeout) {
  return loop_->get(path, timeout);
}

const std::string& ManagementApi::shown() const { return loop_->shown(); }

}  // namespace docktor
