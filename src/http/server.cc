#include "http/server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "http/listening.h"

namespace docktor::http {
namespace {

using Instant = std::chrono::steady_clock::time_point;
constexpr std::size_t kPool = 24 << 10;  // of a connection: head, and what libmicrohttpd makes of it
constexpr auto kLookEvery = std::chrono::milliseconds(500);

// One connection, from its beginning to its end.
struct Connected {
  enum class State { kHead, kBody, kAnswer };
  int fd = -1;
  State state = State::kHead;
  Instant until;  // of the state; libmicrohttpd itself ends who is idle
};

class Stream final : public EventStream {
 public:
  explicit Stream(MHD_Connection* connection) : connection_(connection) {}

  bool send(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    // One text may be larger: only who has not read the one before is cut.
    if (!unread_.empty() && unread_.size() + text.size() > kMostUnread) {
      close_locked();
      return false;
    }
    unread_ += text;
    wake_locked();
    return true;
  }

  void end() override {
    const std::lock_guard lock(mutex_);
    close_locked();
  }

  // The connection is no more.
  void gone() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    connection_ = nullptr;
  }

  // libmicrohttpd asks for more; where there is nothing the connection sleeps until send().
  ssize_t read(char* to, std::size_t most) {
    const std::lock_guard lock(mutex_);
    if (unread_.empty()) {
      if (closed_) return MHD_CONTENT_READER_END_OF_STREAM;
      asleep_ = true;
      MHD_suspend_connection(connection_);
      return 0;
    }
    const auto n = std::min(most, unread_.size());
    std::memcpy(to, unread_.data(), n);
    unread_.erase(0, n);
    return static_cast<ssize_t>(n);
  }

 private:
  void close_locked() {
    closed_ = true;
    wake_locked();
  }
  void wake_locked() {
    if (std::exchange(asleep_, false) && connection_) MHD_resume_connection(connection_);
  }

  std::mutex mutex_;
  MHD_Connection* connection_;
  std::string unread_;
  bool closed_ = false, asleep_ = false;
};

// One request on its way to its answer.
struct Exchange {
  Request request;
  std::optional<Response> response;  // written by a worker before it wakes the connection
  bool asked = false;
  bool counted_stream = false;
  std::shared_ptr<Stream> stream;
};

MHD_Result keep_header(void* to, MHD_ValueKind, const char* key, const char* value) {
  auto& request = *static_cast<Request*>(to);
  std::string name(key);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string text = value ? value : "";
  const auto [it, is_new] = request.headers.emplace(name, text);
  if (!is_new) it->second += (name == "content-length" || name == "host" ? "," : ", ") + text;
  return MHD_YES;
}

MHD_Result keep_argument(void* to, MHD_ValueKind, const char* key, const char* value) {
  static_cast<Request*>(to)->query[key] = value ? value : "";
  return MHD_YES;
}

std::size_t size_of_head(const Request& r) {
  std::size_t n = r.path.size();
  for (const auto& [key, value] : r.query) n += key.size() + value.size() + 2;
  for (const auto& [key, value] : r.headers) n += key.size() + value.size() + 4;
  return n;
}

std::size_t size_of_url(const Request& r) {
  std::size_t n = r.path.size();
  for (const auto& [key, value] : r.query) n += key.size() + value.size() + 2;
  return n;
}

}  // namespace

struct HttpListener::Impl {
  Handler handler;
  ListeningSocket socket;
  MHD_Daemon* daemon = nullptr;

  std::mutex mutex;
  std::condition_variable_any changed;
  bool stopping = false;
  std::set<Connected*> connected;
  std::deque<std::pair<MHD_Connection*, Exchange*>> asked;
  std::set<std::shared_ptr<Stream>> streams;
  std::size_t stream_count = 0;
  std::vector<std::jthread> workers;

  // --- what libmicrohttpd calls, on its thread

  static MHD_Result on_request(void* self, MHD_Connection* c, const char* url, const char* method,
                               const char* version, const char* data, std::size_t* size, void** state) {
    (void)version;
    return static_cast<Impl*>(self)->request(c, url, method, data, size, state);
  }

  static void on_completed(void* self, MHD_Connection* c, void** state, MHD_RequestTerminationCode) {
    auto* impl = static_cast<Impl*>(self);
    auto* exchange = static_cast<Exchange*>(*state);
    *state = nullptr;
    if (exchange && exchange->stream) exchange->stream->gone();
    const std::lock_guard lock(impl->mutex);
    if (exchange && exchange->stream) impl->streams.erase(exchange->stream);
    if (exchange && exchange->counted_stream) --impl->stream_count;
    delete exchange;
    if (auto* one = connected_of(c)) {
      one->state = Connected::State::kHead;
      one->until = std::chrono::steady_clock::now() + kIdleTime + kHeadTime;
    }
  }

  static void on_connection(void* self, MHD_Connection* c, void** context,
                            MHD_ConnectionNotificationCode what) {
    auto* impl = static_cast<Impl*>(self);
    const std::lock_guard lock(impl->mutex);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
      const auto* info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
      auto* one = new Connected{.fd = info ? info->connect_fd : -1,
                                .until = std::chrono::steady_clock::now() + kHeadTime};
      impl->connected.insert(one);
      *context = one;
      impl->changed.notify_all();
    } else {
      auto* one = static_cast<Connected*>(*context);
      impl->connected.erase(one);
      delete one;
      *context = nullptr;
    }
  }

  static Connected* connected_of(MHD_Connection* c) {
    const auto* info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? static_cast<Connected*>(info->socket_context) : nullptr;
  }

  void enter(MHD_Connection* c, Connected::State state) {
    const std::lock_guard lock(mutex);
    auto* one = connected_of(c);
    if (!one) return;
    one->state = state;
    one->until = std::chrono::steady_clock::now() + kIdleTime;
  }

  MHD_Result request(MHD_Connection* c, const char* url, const char* method, const char* data,
                     std::size_t* size, void** state) {
    auto* exchange = static_cast<Exchange*>(*state);
    if (!exchange) {
      exchange = new Exchange;
      *state = exchange;
      enter(c, Connected::State::kBody);
      read_head(c, url, method, exchange->request);
      if (const auto [status, why] = mistake_of(exchange->request); status != 0)
        return reply(c, *exchange, closing(handler.refuse(status, why)));
      return MHD_YES;
    }
    if (*size > 0) {
      if (exchange->request.body.size() + *size > kMostBody) return MHD_NO;  // chunked, and without an end
      exchange->request.body.append(data, *size);
      *size = 0;
      return MHD_YES;
    }
    if (exchange->response) return reply(c, *exchange, std::move(*exchange->response));
    if (exchange->asked) return MHD_NO;
    enter(c, Connected::State::kAnswer);
    if (auto quick = quick_answer(exchange->request)) return reply(c, *exchange, std::move(*quick));
    const std::lock_guard lock(mutex);
    if (stopping) return MHD_NO;
    exchange->asked = true;
    MHD_suspend_connection(c);
    asked.emplace_back(c, exchange);
    changed.notify_all();
    return MHD_YES;
  }

  void read_head(MHD_Connection* c, const char* url, const char* method, Request& r) const {
    r.method = method;
    r.path = url;
    r.loopback = socket.loopback;
    MHD_get_connection_values(c, MHD_HEADER_KIND, keep_header, &r);
    MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, keep_argument, &r);
    if (socket.path.empty()) return;
    ucred who{};
    socklen_t length = sizeof who;
    const auto* info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info && ::getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0)
      r.peer = Credentials{who.pid, who.uid, who.gid};
  }

  // What libmicrohttpd lets pass, and whoever stands between us and a client may read otherwise.
  static std::pair<int, std::string> mistake_of(const Request& r) {
    const auto length = r.header("content-length");
    const bool chunked = r.headers.contains("transfer-encoding");
    if (length.find(',') != std::string::npos) return {400, "more than one Content-Length"};
    if (!length.empty() && chunked) return {400, "Content-Length beside Transfer-Encoding"};
    if (r.header("host").find(',') != std::string::npos) return {400, "more than one Host"};
    if (size_of_url(r) > kMostUrl) return {414, fmt::format("the address is longer than {} bytes", kMostUrl)};
    if (size_of_head(r) > kMostHead) return {431, fmt::format("the head is larger than {} bytes", kMostHead)};
    if (length.size() > 9 || std::atoll(length.c_str()) > static_cast<long long>(kMostBody))
      return {413, fmt::format("the body is larger than {} bytes", kMostBody)};
    return {0, ""};
  }

  static Response closing(Response r) {
    r.headers.emplace_back("Connection", "close");
    return r;
  }

  // --- answers

  MHD_Result reply(MHD_Connection* c, Exchange& exchange, Response r) {
    MHD_Response* made = nullptr;
    std::shared_ptr<Stream> stream;
    if (r.stream) {
      stream = open_stream(c, exchange);
      if (!stream) {
        r = handler.refuse(503, fmt::format("{} streams are open already; close one", kMostStreams));
      } else {
        made = MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, 16 << 10,
            [](void* s, std::uint64_t, char* to, std::size_t most) {
              return (*static_cast<std::shared_ptr<Stream>*>(s))->read(to, most);
            },
            new std::shared_ptr<Stream>(stream),
            [](void* s) { delete static_cast<std::shared_ptr<Stream>*>(s); });
      }
    }
    if (!stream) {
      auto* body = new std::string(std::move(r.body));
      made = MHD_create_response_from_buffer_with_free_callback_cls(
          body->size(), body->data(), [](void* b) { delete static_cast<std::string*>(b); }, body);
    }
    if (!made) return MHD_NO;
    MHD_add_response_header(made, "Content-Type", r.content_type.c_str());
    for (const auto& [name, value] : r.headers) MHD_add_response_header(made, name.c_str(), value.c_str());
    const auto queued = MHD_queue_response(c, static_cast<unsigned>(r.status), made);
    MHD_destroy_response(made);
    if (stream && queued == MHD_YES) {
      try {
        r.stream(stream);
      } catch (const std::exception&) {  // no thread, no memory: the reader comes again
        stream->end();
      }
    }
    return queued;
  }

  std::shared_ptr<Stream> open_stream(MHD_Connection* c, Exchange& exchange) {
    const std::lock_guard lock(mutex);
    if (stopping || stream_count >= kMostStreams) return nullptr;
    auto stream = std::make_shared<Stream>(c);
    ++stream_count;
    exchange.counted_stream = true;
    exchange.stream = stream;
    streams.insert(stream);
    return stream;
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      if (asked.empty()) {
        const auto some = [&] { return !asked.empty(); };
        if (connected.empty())
          changed.wait(lock, stop, [&] { return !asked.empty() || !connected.empty(); });
        else
          changed.wait_for(lock, stop, kLookEvery, some);
        cut_the_slow();
        continue;
      }
      const auto [connection, exchange] = asked.front();
      asked.pop_front();
      lock.unlock();
      exchange->response = answered(exchange->request);
      MHD_resume_connection(connection);
      lock.lock();
    }
  }

  Response answered(const Request& request) const {
    try {
      return handler.answer(request);
    } catch (const std::exception& error) {
      return failed(error);
    }
  }

  // An exception would end the program: libmicrohttpd's thread has nobody above it.
  std::optional<Response> quick_answer(const Request& request) const {
    try {
      return handler.at_once(request);
    } catch (const std::exception& error) {
      return failed(error);
    }
  }

  Response failed(const std::exception& error) const {
    return handler.refuse(500, fmt::format("a bug of ours: {}", error.what()));
  }

  // Whoever sends his head or body drop by drop is never idle.
  void cut_the_slow() {
    const auto now = std::chrono::steady_clock::now();
    for (auto* one : connected) {
      if (one->state == Connected::State::kAnswer || now < one->until) continue;
      ::shutdown(one->fd, SHUT_RDWR);
      one->until = now + kIdleTime;
    }
  }

  Result<void> start() {
    const bool network = socket.path.empty();
    const MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, socket.fd.get(), nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<std::intptr_t>(kPool), nullptr},
        {MHD_OPTION_CONNECTION_LIMIT, kMostConnections, nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT, static_cast<std::intptr_t>(kIdleTime.count()), nullptr},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, network ? kMostOfAddress : 0, nullptr},
        {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<std::intptr_t>(&on_connection), this},
        {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<std::intptr_t>(&on_completed), this},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
        {MHD_OPTION_END, 0, nullptr}};
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
                              &on_request, this, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon)
      return fail(ErrorCode::kExhausted, fmt::format("{}: no thread to listen", socket.shown), true);
    try {
      for (int i = 0; i < kWorkers; ++i)
        workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
    } catch (const std::system_error& error) {
      return fail(ErrorCode::kExhausted,
                  fmt::format("{}: no thread to answer: {}", socket.shown, error.what()), true);
    }
    return {};
  }

  ~Impl() {
    if (daemon) {
      MHD_quiesce_daemon(daemon);
      {
        const std::lock_guard lock(mutex);
        stopping = true;  // from here on nobody is put to sleep
      }
      for (auto& w : workers) w.request_stop();
      workers.clear();  // joins
      for (const auto& [connection, exchange] : asked) {
        exchange->response = closing(handler.refuse(503, "docktor is stopping"));
        MHD_resume_connection(connection);
      }
      const auto open = [&] {
        const std::lock_guard lock(mutex);
        return streams;
      }();
      for (const auto& stream : open) stream->end();
      MHD_stop_daemon(daemon);
    }
    if (!socket.path.empty()) ::unlink(socket.path.c_str());
  }
};

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::listen(const std::string& at, Handler handler) {
  auto socket = listening_socket(at);
  if (!socket) return tl::unexpected(socket.error());
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  impl->socket = std::move(*socket);
  if (auto started = impl->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(impl)));
}

int HttpListener::port() const { return impl_->socket.port; }

std::size_t HttpListener::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connected.size();
}

std::size_t HttpListener::streams() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stream_count;
}

}  // namespace docktor::http
