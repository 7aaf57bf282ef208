#include "kube/client.h"

#include <fmt/format.h>

#include <charconv>
#include <future>
#include <utility>

#include "kube/fields.h"

namespace docktor {
namespace {

constexpr std::size_t kMostBody = 64 << 20;   // a page of 500 large objects
constexpr std::size_t kMostLine = 8 << 20;    // etcd keeps no object of more than 1.5 MB
constexpr std::size_t kMostWaiting = 20'000;  // objects of one stream that the loop has not looked at
constexpr std::size_t kMostMessage = 1000;

HttpServer server_of(const KubeAccess& access, const KubeCredentials::Certificate& certificate) {
  auto server = access.server;
  server.gzip = true;
  server.http1 = true;
  if (!certificate.cert_pem.empty()) {
    server.cert_file.clear();
    server.key_file.clear();
    server.cert_pem = certificate.cert_pem;
    server.key_pem = certificate.key_pem;
  }
  return server;
}

std::optional<Duration> retry_after(const HttpResponse& response) {
  const auto at = response.headers.find("retry-after");
  if (at == response.headers.end()) return std::nullopt;
  int s = 0;
  const auto* end = at->second.data() + at->second.size();
  const auto [stop, error] = std::from_chars(at->second.data(), end, s);
  if (error != std::errc() || stop != end || s < 0) return std::nullopt;
  return std::chrono::seconds(std::min(s, 300));
}

}  // namespace

Error kube_error(int status, const std::string& message, const std::string& shown) {
  const auto said = kube::short_text(message, kMostMessage);
  switch (status) {
    case 401:
      return {ErrorCode::kDenied,
              fmt::format("{} does not accept docktor's credentials (401 Unauthorized); is the token or the "
                          "certificate of this cluster, and has it not run out?",
                          shown),
              true};
    case 403:
      return {ErrorCode::kDenied, said.empty() ? "forbidden (403)" : said, true};
    case 404:
      return {ErrorCode::kNotFound, said.empty() ? "not found (404)" : said, true};
    case 409:
    case 410:
      return {ErrorCode::kConflict, said.empty() ? fmt::format("conflict ({})", status) : said, true};
    case 429:
      return {ErrorCode::kExhausted,
              fmt::format("{} is overloaded and asks for patience (429){}{}", shown, said.empty() ? "" : ": ",
                          said),
              true};
    default:
      return {status >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalid,
              fmt::format("{} answers {}{}{}", shown, status, said.empty() ? "" : ": ", said), status >= 500};
  }
}

// One request, and its second try after a 401.
struct KubeClient::Going {
  KubeCall call;
  Done done;
  OnObject on_object;  // of a stream
  StreamId stream = 0;
  std::optional<HttpClient::Id> id;
  bool cancelled = false;
  bool tried = false;
  std::string line;  // of the HTTP thread: what of a stream's next line has come
  std::atomic<std::size_t> waiting{0};
};

KubeClient::KubeClient(KubeAccess access)
    : access_(std::move(access)),
      credentials_(access_),
      http_(std::make_shared<HttpClient>(server_of(access_, {}))) {}

KubeClient::~KubeClient() { stop(); }

void KubeClient::stop() {
  if (stopping_.stop_requested()) return;
  stopping_.request_stop();
  // What was posted by now is still done: somebody may wait for an answer.
  auto passed = std::make_shared<std::promise<void>>();
  const auto marker = passed->get_future();
  if (loop_.post([passed] { passed->set_value(); })) marker.wait_for(std::chrono::seconds(5));
  loop_.stop();
  http_.reset();
}

void KubeClient::submit(KubeCall call, Done done) {
  auto going = std::make_shared<Going>();
  going->call = std::move(call);
  going->done = std::move(done);
  loop_.post([this, going] { start(going); });
}

KubeClient::StreamId KubeClient::stream(KubeCall call, OnObject on_object, Done done) {
  auto going = std::make_shared<Going>();
  going->call = std::move(call);
  going->done = std::move(done);
  going->on_object = std::move(on_object);
  going->stream = next_stream_++;
  streams_[going->stream] = going;
  loop_.post([this, going] { start(going); });
  return going->stream;
}

void KubeClient::cancel(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  found->second->cancelled = true;
  if (found->second->id) http_->cancel(*found->second->id);
}

KubeAnswer KubeClient::call(KubeCall call, const std::stop_token& stop) {
  const auto nothing = [](const char* why) {
    return KubeAnswer{.error = Error{ErrorCode::kUnavailable, why, true}};
  };
  struct Waiting {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<KubeAnswer> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  const auto deadline =
      call.timeout * 2 + std::chrono::seconds(35);  // twice after a 401, and a plugin's time
  submit(std::move(call), [waiting](KubeAnswer a) {
    const std::lock_guard lock(waiting->mutex);
    waiting->answer = std::move(a);
    waiting->changed.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  waiting->changed.wait_for(lock, stop, deadline, [&] { return waiting->answer.has_value(); });
  if (!waiting->answer) return nothing("no answer");
  return std::move(*waiting->answer);
}

Result<std::vector<std::string>> KubeClient::authorize() {
  auto headers = credentials_.headers(stopping_.get_token());
  if (headers && credentials_.certificate() != certificate_) {
    certificate_ = credentials_.certificate();
    http_ = std::make_shared<HttpClient>(server_of(access_, certificate_));
  }
  return headers;
}

// Lines are cut and read on the HTTP thread; the loop gets whole objects, and no more than it can keep up with.
HttpClient::Data KubeClient::reader_of(const std::shared_ptr<Going>& going) {
  if (!going->on_object) return {};
  return [going, loop = loop_.inbox()](std::string_view piece) {
    while (!piece.empty()) {
      const auto end = piece.find('\n');
      going->line.append(piece.substr(0, end));
      if (going->line.size() > kMostLine) return false;
      if (end == std::string_view::npos) return true;
      piece.remove_prefix(end + 1);
      auto object = parse_json(going->line);
      going->line.clear();
      if (!object.is_object() || ++going->waiting > kMostWaiting) return false;
      loop->push([going, object = std::move(object)]() mutable {
        --going->waiting;
        if (!going->cancelled) going->on_object(std::move(object));
      });
    }
    return true;
  };
}

void KubeClient::start(const std::shared_ptr<Going>& going) {
  if (going->cancelled) return finished(going, fail(ErrorCode::kUnavailable, "cancelled", true));
  auto headers = authorize();
  if (!headers) return finished(going, tl::unexpected<Error>(headers.error()));
  if (going->call.may_go && !going->call.may_go()) {
    if (going->stream) streams_.erase(going->stream);
    return going->done(
        {.error = Error{ErrorCode::kConflict, "it may no longer go out", true}, .unsent = true});
  }
  HttpRequest r;
  r.method = going->call.method;
  r.path = going->call.path;
  r.body = going->call.body;
  r.content_type = going->call.content_type;
  r.headers = std::move(*headers);
  r.headers.emplace_back("Accept: application/json");
  r.headers.emplace_back("User-Agent: docktor");
  r.timeout = going->call.timeout;
  r.max_body = kMostBody;
  going->line.clear();
  going->id = http_->submit(
      std::move(r),
      [this, going, loop = loop_.inbox()](Result<HttpResponse> response) {
        loop->push([this, going, response = std::move(response)]() mutable {
          finished(going, std::move(response));
        });
      },
      reader_of(going));
}

void KubeClient::finished(const std::shared_ptr<Going>& going, Result<HttpResponse> response) {
  KubeAnswer answer;
  if (!response) {
    auto e = response.error();
    if (e.code == ErrorCode::kUnavailable || e.code == ErrorCode::kTimeout || going->id)
      e.message = fmt::format("{} does not answer: {}", access_.shown, e.message);
    answer.error = std::move(e);
  } else if (response->status == 401 && !going->tried && credentials_.refused()) {
    going->tried = true;
    return start(going);
  } else {
    answer.status = response->status;
    if (!response->body.empty()) answer.body = parse_json(response->body);
    const bool good = response->status >= 200 && response->status < 300;
    if (!good) {
      answer.error = kube_error(response->status, kube::raw_text(answer.body, "message"), access_.shown);
      answer.retry_after = retry_after(*response);
    } else if (answer.body.is_discarded()) {
      answer.error = Error{ErrorCode::kInternal,
                           fmt::format("{} answers something else than JSON", access_.shown), true};
      answer.body = nullptr;
    }
  }
  if (going->stream) streams_.erase(going->stream);
  going->done(std::move(answer));
}

}  // namespace docktor
