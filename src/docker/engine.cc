#include "docker/engine.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "core/json_text.h"

namespace docktor {

using nlohmann::json;

std::optional<ApiVersion> parse_api_version(std::string_view text) {
  ApiVersion v;
  const char* const end = text.data() + text.size();
  const auto [dot, e1] = std::from_chars(text.data(), end, v.major);
  if (e1 != std::errc() || dot == end || *dot != '.') return std::nullopt;
  const auto [last, e2] = std::from_chars(dot + 1, end, v.minor);
  if (e2 != std::errc() || last != end || v.major < 0 || v.minor < 0) return std::nullopt;
  return v;
}

std::string to_string(ApiVersion v) { return fmt::format("{}.{}", v.major, v.minor); }

Error engine_error(int status, const std::string& message, const std::string& what, const std::string& host) {
  const auto text = [&](std::string_view cure) {
    return fmt::format("Docker at {} could not {}: {}{}{}", host, what,
                       message.empty() ? fmt::format("status {}", status) : message, cure.empty() ? "" : ". ",
                       cure);
  };
  switch (status) {
    case 400:
      return {ErrorCode::kInvalid, text(""), false};
    case 401:
    case 403:
      return {ErrorCode::kDenied,
              text("If this is a socket proxy, allow it: CONTAINERS=1 IMAGES=1 NETWORKS=1 EVENTS=1 PING=1 "
                   "VERSION=1 INFO=1 "
                   "POST=1 (see docs/operations.md)"),
              false};
    case 404:
      return {ErrorCode::kNotFound, text(""), false};
    case 409:
      return {ErrorCode::kConflict, text(""), true};
    case 503:
      return {ErrorCode::kUnavailable, text(""), true};
    default:
      return {ErrorCode::kInternal, text(""), status >= 500};
  }
}

namespace {

constexpr std::size_t kMostMessage = 2000;  // of an engine's error text

// What curl cannot tell about a socket that does not answer.
Error connection_error(const Error& e, const DockerEndpoint& endpoint, const std::string& what) {
  const auto text = [&](std::string_view why, std::string_view cure) {
    return fmt::format("Docker at {} (from {}) could not {}: {}. {}", endpoint.host, endpoint.found_by, what,
                       why, cure);
  };
  if (e.code == ErrorCode::kTimeout) {
    return {ErrorCode::kTimeout,
            text("no answer in time", "See whether `docker ps` answers; if not, restart Docker"), true};
  }
  if (e.code != ErrorCode::kUnavailable) return {e.code, text(e.message, ""), e.retry};
  const auto& socket = endpoint.server.unix_socket;
  if (socket.empty()) {
    return {ErrorCode::kUnavailable, text(e.message, "Check the address, and that Docker listens there"),
            true};
  }
  struct stat s{};
  if (::stat(socket.c_str(), &s) != 0) {
    return {ErrorCode::kUnavailable,
            text("the socket is not there", "Start Docker: sudo systemctl start docker"), true};
  }
  if (::access(socket.c_str(), R_OK | W_OK) != 0) {
    return {ErrorCode::kDenied,
            text("permission denied",
                 "Add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again), or "
                 "run docktor as root"),
            true};
  }
  return {ErrorCode::kUnavailable,
          text("nobody answers on the socket", "Start Docker: sudo systemctl start docker"), true};
}

std::string message_of(const HttpResponse& r) {
  std::string text = r.body;
  if (const auto j = parse_json(r.body); j.is_object()) {
    if (const auto m = j.find("message"); m != j.end() && m->is_string()) text = m->get<std::string>();
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  if (text.size() > kMostMessage) text.resize(kMostMessage);
  return text;
}

}  // namespace

struct DockerEngine::Stream {
  std::mutex mutex;
  HttpClient* client = nullptr;  // set while the transfer runs; lives as long as the engine
  HttpClient::Id id = 0;
  bool cancelled = false;
};

struct DockerEngine::State : std::enable_shared_from_this<DockerEngine::State> {
  struct Waiting {
    EngineCall call;
    Done done;
    HttpClient::Data on_data;
    std::shared_ptr<Stream> stream;
  };

  DockerLookup lookup;
  std::mutex mutex;
  // Every endpoint ever found keeps its client until the end: a client must not be destroyed from its own
  // callback. They are few: one, but where the docker context is switched under a running daemon.
  std::map<std::string, std::unique_ptr<HttpClient>> clients;
  HttpClient* client = nullptr;
  std::optional<EngineInfo> info;  // when connected
  DockerEndpoint endpoint;
  bool connecting = false;
  std::vector<Waiting> waiting;

  void submit(Waiting w) {
    {
      const std::lock_guard lock(mutex);
      if (!info) {
        waiting.push_back(std::exchange(w, {}));
        if (std::exchange(connecting, true)) return;
      }
    }
    if (!w.done) return begin_connect();  // it moved to the waiting ones
    send(std::move(w));
  }

  void begin_connect() {
    auto found = find_docker(lookup);
    if (!found) return connected(tl::unexpected<Error>(found.error()));
    HttpClient* to = nullptr;
    {
      const std::lock_guard lock(mutex);
      endpoint = *found;
      const auto& s = endpoint.server;
      auto& slot = clients[fmt::format("{}|{}|{}|{}", s.base_url, s.unix_socket, s.ca_file, s.verify)];
      if (!slot) slot = std::make_unique<HttpClient>(s);
      to = client = slot.get();
    }
    to->submit({.path = "/_ping", .timeout = std::chrono::seconds(5), .max_body = 64 << 10},
               [self = weak_from_this(), e = *found](Result<HttpResponse> r) {
                 if (const auto s = self.lock()) s->connected(s->negotiate(e, std::move(r)));
               });
  }

  Result<EngineInfo> negotiate(const DockerEndpoint& e, Result<HttpResponse> r) const {
    if (!r) return tl::unexpected<Error>(connection_error(r.error(), e, "be reached"));
    if (r->status != 200) {
      return tl::unexpected<Error>(engine_error(r->status, message_of(*r), "answer /_ping", e.host));
    }
    if (const char* fixed = lookup.getenv("DOCKER_API_VERSION"); fixed && *fixed) {
      const auto v = parse_api_version(fixed);
      if (!v || *v < kOldestApi) {
        return fail(
            ErrorCode::kInvalid,
            fmt::format("DOCKER_API_VERSION is '{}': docktor speaks {} to {}; unset it to let them agree",
                        fixed, to_string(kOldestApi), to_string(kNewestApi)));
      }
      return EngineInfo{*v, e};
    }
    const auto header = r->headers.find("api-version");
    const auto v = header == r->headers.end() ? std::nullopt : parse_api_version(header->second);
    if (!v) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} answers, but not as a Docker engine does: is {} the right address?", e.host,
                              e.found_by));
    }
    if (*v < kOldestApi) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("Docker at {} speaks API {}; docktor needs {} (Engine 20.10) or newer: upgrade Docker",
                      e.host, to_string(*v), to_string(kOldestApi)));
    }
    return EngineInfo{std::min(*v, kNewestApi), e};
  }

  void connected(Result<EngineInfo> r) {
    std::vector<Waiting> all;
    {
      const std::lock_guard lock(mutex);
      connecting = false;
      all.swap(waiting);
      if (r) info = *r;
    }
    for (auto& w : all) {
      if (r) {
        send(std::move(w));
      } else {
        w.done(tl::unexpected<Error>(r.error()));
      }
    }
  }

  void send(Waiting w) {
    EngineInfo at;
    HttpClient* to = nullptr;
    {
      const std::lock_guard lock(mutex);
      to = client;
      // Between connecting and now another request may have found the engine gone; the version it had will
      // do.
      at = info ? *info : EngineInfo{kOldestApi, endpoint};
    }
    HttpRequest request{.method = w.call.method,
                        .path = fmt::format("/v{}{}", to_string(at.api), w.call.path),
                        .body = std::move(w.call.body),
                        .content_type = w.call.content_type,
                        .timeout = w.call.timeout,
                        .max_body = w.call.max_body};
    const auto stream = w.stream;
    std::unique_lock<std::mutex> hold;
    if (stream) {
      hold = std::unique_lock(stream->mutex);
      if (stream->cancelled) {
        hold.unlock();
        return w.done(fail(ErrorCode::kUnavailable, "cancelled", true));
      }
    }
    const auto id = to->submit(
        std::move(request),
        [self = weak_from_this(), what = std::move(w.call.what), done = std::move(w.done),
         e = at.endpoint](Result<HttpResponse> r) {
          if (!r) {
            // Gone, perhaps for another one: agree anew next time. A slow answer alone is no sign of that.
            if (const auto s = self.lock(); s && r.error().code == ErrorCode::kUnavailable) s->forget();
            return done(tl::unexpected<Error>(connection_error(r.error(), e, what)));
          }
          // 304: already started, already stopped.
          if (r->status >= 400)
            return done(tl::unexpected<Error>(engine_error(r->status, message_of(*r), what, e.host)));
          done(std::move(r));
        },
        std::move(w.on_data));
    if (stream) {
      stream->client = to;
      stream->id = id;
    }
  }

  void forget() {
    const std::lock_guard lock(mutex);
    info.reset();
  }
};

const char* DockerEngine::default_getenv(const char* name) { return std::getenv(name); }

DockerEngine::DockerEngine(DockerLookup lookup) : state_(std::make_shared<State>()) {
  state_->lookup = std::move(lookup);
}

DockerEngine::~DockerEngine() {
  // Clients end first, outside the lock: their last callbacks may submit again, and are answered by
  // `connected`.
  decltype(state_->clients) clients;
  {
    const std::lock_guard lock(state_->mutex);
    clients.swap(state_->clients);
  }
  clients.clear();
}

void DockerEngine::submit(EngineCall call, Done done, HttpClient::Data on_data) {
  state_->submit({std::move(call), std::move(done), std::move(on_data), nullptr});
}

std::shared_ptr<DockerEngine::Stream> DockerEngine::submit_stream(EngineCall call, Done done,
                                                                  HttpClient::Data on_data) {
  auto stream = std::make_shared<Stream>();
  state_->submit({std::move(call), std::move(done), std::move(on_data), stream});
  return stream;
}

void DockerEngine::cancel(const std::shared_ptr<Stream>& stream) {
  if (!stream) return;
  const std::lock_guard lock(stream->mutex);
  stream->cancelled = true;
  if (stream->client) stream->client->cancel(stream->id);
}

Result<HttpResponse> DockerEngine::call(EngineCall call, const std::stop_token& stop) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<Result<HttpResponse>> result;
  };
  auto answer = std::make_shared<Answer>();
  submit(std::move(call), [answer](Result<HttpResponse> r) {
    const std::lock_guard lock(answer->mutex);
    answer->result = std::move(r);
    answer->changed.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  answer->changed.wait(lock, stop, [&] { return answer->result.has_value(); });
  if (!answer->result) return fail(ErrorCode::kUnavailable, "shutting down", true);
  return std::move(*answer->result);
}

std::vector<Result<HttpResponse>> DockerEngine::call_all(std::vector<EngineCall> calls,
                                                         const std::stop_token& stop) {
  struct Answers {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::vector<std::optional<Result<HttpResponse>>> results;
    std::size_t in_flight = 0;
  };
  auto answers = std::make_shared<Answers>();
  answers->results.resize(calls.size());
  std::unique_lock lock(answers->mutex);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!answers->changed.wait(lock, stop, [&] { return answers->in_flight < kMostParallel; })) break;
    ++answers->in_flight;
    lock.unlock();
    submit(std::move(calls[i]), [answers, i](Result<HttpResponse> r) {
      const std::lock_guard inner(answers->mutex);
      answers->results[i] = std::move(r);
      --answers->in_flight;
      answers->changed.notify_all();
    });
    lock.lock();
  }
  answers->changed.wait(lock, stop, [&] { return answers->in_flight == 0; });
  std::vector<Result<HttpResponse>> out;
  out.reserve(calls.size());
  for (auto& r : answers->results) {
    if (r)
      out.push_back(std::move(*r));
    else
      out.emplace_back(fail(ErrorCode::kUnavailable, "shutting down", true));
  }
  return out;
}

Result<json> DockerEngine::json(EngineCall c, const std::stop_token& stop) {
  const auto what = c.what;
  auto r = call(std::move(c), stop);
  if (!r) return tl::unexpected<Error>(r.error());
  if (r->body.empty()) return nlohmann::json();
  auto j = parse_json(r->body);
  if (j.is_discarded()) {
    return fail(ErrorCode::kInternal,
                fmt::format("Docker's answer, asked to {}, is not JSON: is this a Docker engine?", what));
  }
  return j;
}

Result<EngineInfo> DockerEngine::connect(const std::stop_token& stop) {
  // Any request connects; the ping of a connected engine is the cheapest.
  auto r = call({.what = "answer a ping", .path = "/_ping", .timeout = std::chrono::seconds(10)}, stop);
  if (!r) return tl::unexpected<Error>(r.error());
  const std::lock_guard lock(state_->mutex);
  if (!state_->info) return fail(ErrorCode::kUnavailable, "Docker went away just now", true);
  return *state_->info;
}

bool DockerEngine::answers_anew(const std::stop_token& stop) {
  const auto connected = connect(stop);
  if (!connected) return false;
  struct Answer {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<bool> good;
  };
  const auto answer = std::make_shared<Answer>();
  HttpClient fresh(connected->endpoint.server);
  fresh.submit({.path = "/_ping", .timeout = std::chrono::seconds(2), .max_body = 64 << 10},
               [answer](const Result<HttpResponse>& r) {
                 const std::lock_guard lock(answer->mutex);
                 answer->good = r && r->status == 200;
                 answer->changed.notify_all();
               });
  std::unique_lock lock(answer->mutex);
  answer->changed.wait(lock, stop, [&] { return answer->good.has_value(); });
  return answer->good.value_or(false);
}

Result<std::vector<std::string>> DockerEngine::identities(const std::stop_token& stop) {
  const auto connected = connect(stop);
  if (!connected) return tl::unexpected<Error>(connected.error());
  const auto& server = connected->endpoint.server;
  std::error_code ec;
  std::vector<std::string> out{server.unix_socket.empty()
                                   ? server.base_url
                                   : std::filesystem::weakly_canonical(server.unix_socket, ec).string()};
  // A socket proxy may refuse it.
  const auto info = json({.what = "tell its id", .path = "/info", .timeout = std::chrono::seconds(10)}, stop);
  if (!info && info.error().retry) return tl::unexpected<Error>(info.error());
  if (info && info->is_object() && info->contains("ID") && (*info)["ID"].is_string() &&
      !(*info)["ID"].get<std::string>().empty())
    out.push_back((*info)["ID"].get<std::string>());
  return out;
}

Result<json> DockerEngine::containers(const std::vector<std::string>& labels, const std::stop_token& stop) {
  const auto filters = nlohmann::json{{"label", labels}}.dump();
  auto r = json({.what = "list containers", .path = "/containers/json?all=1&filters=" + url_encoded(filters)},
                stop);
  if (r && !r->is_array())
    return fail(ErrorCode::kInternal, "Docker's list of containers is not a list", true);
  return r;
}

Result<json> DockerEngine::inspect(const std::string& id, const std::stop_token& stop) {
  auto r = json({.what = "inspect " + id, .path = "/containers/" + url_encoded(id) + "/json"}, stop);
  if (r && !r->is_object())
    return fail(ErrorCode::kInternal, "Docker's description of a container is no object", true);
  return r;
}

}  // namespace docktor
