#include "queues/over_http/asker.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "core/json_text.h"
#include "os/event_loop.h"

namespace docktor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Instant instant_now() {
  return {steady_clock::now(),
          std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

class Asker::Loop {
 public:
  explicit Loop(Options options) : options_(std::move(options)) {}

  ~Loop() {
    loop_.stop();
    client_.reset();  // what is under way is answered to nobody
  }

  void ask(HttpRequest request, SteadyTime deadline, Done done) {
    loop_.post([this, request = std::move(request), deadline, done = std::move(done)]() mutable {
      start(std::move(request), deadline, std::move(done));
    });
  }

  std::string signed_by() const {
    const std::lock_guard lock(mutex_);
    return signed_by_;
  }

 private:
  void start(HttpRequest request, SteadyTime deadline, Done done) {
    auto& to = client();
    if (options_.sign) {
      auto by = options_.sign(request, deadline);
      if (!by) return done(tl::unexpected(by.error()));
      const std::lock_guard lock(mutex_);
      signed_by_ = std::move(*by);
    }
    request.timeout = std::max<Duration>(deadline - steady_clock::now(), milliseconds(1));
    request.connect_timeout = std::min<Duration>(request.timeout, std::chrono::seconds(3));
    to.submit(std::move(request), [this, loop = loop_.inbox(), done = std::move(done)](auto answer) mutable {
      loop->push([this, done = std::move(done), answer = std::move(answer)]() mutable {
        answered(std::move(answer), done);
      });
    });
  }

  void answered(Result<HttpResponse> answer, const Done& done) {
    if (answer) {
      done(std::move(answer));
      return;
    }
    const auto& e = answer.error();
    if (e.code != ErrorCode::kExhausted) stale_ = true;  // the address may be another now
    done(fail(e.code, worded(e), e.retry));
  }

  std::string worded(const Error& e) const {
    switch (e.code) {
      case ErrorCode::kTimeout:
        return fmt::format("{} does not answer in time", options_.shown);
      case ErrorCode::kExhausted:
        return fmt::format("{}: {}; write the address of something smaller", options_.shown, e.message);
      case ErrorCode::kDenied:
        return fmt::format("no TLS connection to {}: {}; name the server's authority in queue.tls.ca_file",
                           options_.shown, e.message);
      default:
        return fmt::format("{} does not answer: {}; start it, or correct queue.url", options_.shown,
                           e.message);
    }
  }

  HttpClient& client() {
    if (client_ && !(stale_ && options_.resolve)) return *client_;
    stale_ = false;
    auto server = options_.server;
    if (options_.resolve) server.base_url = options_.resolve(server.base_url);
    if (!client_ || client_->server().base_url != server.base_url)
      client_ = std::make_unique<HttpClient>(std::move(server));
    return *client_;
  }

  const Options options_;
  mutable std::mutex mutex_;  // guards the next one
  std::string signed_by_;
  // On the loop.
  bool stale_ = false;
  std::unique_ptr<HttpClient> client_;
  EventLoop loop_;
};

Asker::Asker(Options options) : loop_(std::make_unique<Loop>(std::move(options))) {}
Asker::~Asker() = default;

void Asker::ask(HttpRequest request, SteadyTime deadline, Done done) {
  loop_->ask(std::move(request), deadline, std::move(done));
}

Result<Asker::Answers> Asker::call(std::vector<HttpRequest> requests, SteadyTime deadline) {
  std::vector<std::future<Result<HttpResponse>>> coming;
  for (auto& r : requests) {
    auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
    coming.push_back(promise->get_future());
    ask(std::move(r), deadline, [promise](Result<HttpResponse> a) { promise->set_value(std::move(a)); });
  }
  Answers out;
  for (auto& c : coming) {
    auto answer = c.get();
    if (!answer) return tl::unexpected(answer.error());
    out.push_back(std::move(*answer));
  }
  return out;
}

std::string Asker::signed_by() const { return loop_->signed_by(); }

std::shared_ptr<Asker> Askers::get(const std::string& key, const std::function<Asker::Options()>& make) {
  const std::lock_guard lock(mutex_);
  std::erase_if(askers_, [](const auto& a) { return a.second.expired(); });
  auto& slot = askers_[key];
  auto asker = slot.lock();
  if (!asker) slot = asker = std::make_shared<Asker>(make());
  return asker;
}

Error refusal(const HttpResponse& response, const std::string& shown, const std::string& who) {
  const int status = response.status;
  if (status == 401 || status == 403)
    return {ErrorCode::kDenied, fmt::format("{} refuses {} (status {})", shown, who, status), true};
  if (status >= 300 && status < 400)
    return {ErrorCode::kUnavailable,
            fmt::format("{} points to another address (status {}), and docktor follows none; write that one "
                        "in queue.url",
                        shown, status),
            true};
  if (status == 404)
    return {ErrorCode::kUnavailable,
            fmt::format("{} has nothing at this path (status 404); correct queue.url", shown), true};
  return {ErrorCode::kUnavailable, fmt::format("{} answers with status {}", shown, status), true};
}

std::string excerpt(std::string_view text, std::size_t most) {
  const bool all = text.size() <= most;
  text = text.substr(0, most);
  while (!all && !text.empty() && (static_cast<unsigned char>(text.back()) & 0x80)) text.remove_suffix(1);
  return plain_text(text) + (all ? "" : "...");
}

}  // namespace docktor
