#include "os/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "os/bell.h"
#include "os/fd.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr long kMostConnections = 256;  // 100 containers sampled at once, and their service's stops
constexpr long kMostIdle = 128;
constexpr std::size_t kMostHandles = 128;  // easy handles kept for the next request
// Where a connection carries one request at a time hundreds of services open hundreds as docktor starts, and never again.
constexpr long kMostIdleOneByOne = 64;
constexpr std::size_t kMostHandlesOneByOne = 16;
constexpr std::size_t kMostHeaders = 64 << 10;  // bytes of one answer's headers

// libcurl wants to be initialised before the first thread uses it, and offers no harm in being asked twice.
void init_curl() {
  static const auto done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

long ms(Duration d) {
  const auto n = std::chrono::ceil<milliseconds>(d).count();
  return static_cast<long>(std::clamp<std::int64_t>(n, 1, 1'000'000'000));
}

struct Transfer {
  HttpClient::Id id = 0;
  HttpRequest request;
  HttpClient::Done done;
  HttpClient::Data on_data;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  char error[CURL_ERROR_SIZE] = {};

  ~Transfer() { curl_slist_free_all(headers); }
};

std::size_t on_header(char* text, std::size_t, std::size_t size, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  const std::string_view line(text, size);
  t.header_bytes += size;
  if (t.header_bytes > kMostHeaders) {
    t.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // a new answer begins (after 100 Continue)
    t.response.headers.clear();
    const auto space = line.find(' ');
    t.response.status =
        space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space)).c_str());
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    t.response.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  }
  return size;
}

std::size_t on_body(char* text, std::size_t, std::size_t size, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  if (t.on_data && t.response.status >= 200 && t.response.status < 300) {
    return t.on_data(std::string_view(text, size)) ? size : 0;
  }
  if (t.response.body.size() + size > t.request.max_body) {
    t.too_large = true;
    return 0;
  }
  t.response.body.append(text, size);
  return size;
}

// The host of "http://[::1]:2376/x", without brackets, in lower case.
std::string host_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), curl_url_cleanup);
  char* host = nullptr;
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK)
    return {};
  std::string out = lower(host);
  curl_free(host);
  if (out.starts_with('[')) out = out.substr(1, out.size() - 2);
  return out;
}

// The same address under another host's name, and what tells curl where that name is: a certificate is checked against the
// name in the address.
std::pair<std::string, std::string> under_name(const std::string& url, const std::string& name) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart what, unsigned flags) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parts.get(), what, &text, flags) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {url, ""};
  const auto host = part(CURLUPART_HOST, 0);
  const auto port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (curl_url_set(parts.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) return {url, ""};
  auto base = part(CURLUPART_URL, 0);
  if (base.ends_with('/')) base.pop_back();
  return {std::move(base), fmt::format("{}:{}:{}:{}", name, port, host, port)};
}

// curl keeps no copy: the text lives as long as the client.
void set_pem(CURL* easy, CURLoption option, const std::string& pem) {
  if (pem.empty()) return;
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, option, &blob);
}

// As docker and Go's clients have it: what is on this machine is never asked through a proxy.
bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  return host == "localhost" || host.ends_with(".localhost");
}

// " (through the proxy of http_proxy; ...)" where one is set for such an address.
std::string proxy_note(const HttpServer& server) {
  if (!server.unix_socket.empty()) return {};
  const auto host = host_of(server.base_url);
  if (is_loopback(host)) return {};
  const bool tls = server.base_url.starts_with("https:");
  for (const char* name :
       {tls ? "https_proxy" : "http_proxy", tls ? "HTTPS_PROXY" : "", "all_proxy", "ALL_PROXY"}) {
    const char* value =
        *name ? std::getenv(name) : nullptr;  // NOLINT(concurrency-mt-unsafe): nothing sets it
    if (value && *value)
      return fmt::format(" (asked through the proxy that {} names; no_proxy={} asks the host itself)", name,
                         host);
  }
  return {};
}

Error error_of(const HttpServer& server, const Transfer& t, CURLcode code) {
  std::string why = t.error[0] ? t.error : curl_easy_strerror(code);
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY) why += proxy_note(server);
  if (t.too_large) {
    return {ErrorCode::kExhausted, fmt::format("the answer is larger than {} bytes", t.request.max_body),
            false};
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kTimeout, why, true};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorCode::kDenied, why, false};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {ErrorCode::kInvalid, why, false};
    default:
      return {ErrorCode::kUnavailable, why, true};
  }
}

}  // namespace

// libcurl tells which sockets and which time it waits for, and is told what happened to which: the work is
// that of the transfers where something happened, however many are under way.
class HttpClient::Loop {
 public:
  explicit Loop(HttpServer server)
      : server_(std::move(server)),
        base_(server_.base_url),
        direct_(!server_.unix_socket.empty() || is_loopback(host_of(server_.base_url))),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    init_curl();
    if (!server_.tls_name.empty()) {
      auto [base, connect_to] = under_name(server_.base_url, server_.tls_name);
      base_ = std::move(base);
      connect_to_ = curl_slist_append(nullptr, connect_to.c_str());
    }
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMostConnections);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, server_.most_connections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, server_.http1 ? kMostIdleOneByOne : kMostIdle);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    epoll_event e{.events = EPOLLIN, .data = {.fd = bell_.fd()}};
    if (!multi_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_.fd(), &e) != 0)
      throw std::system_error(errno, std::generic_category(), "an HTTP client cannot be made");
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    bell_.ring();
    thread_.join();
    for (auto* easy : idle_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(connect_to_);
  }

  Id submit(HttpRequest request, Done done, Data on_data) {
    auto t = std::make_unique<Transfer>();
    t->request = std::move(request);
    t->done = std::move(done);
    t->on_data = std::move(on_data);
    Id id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = t->id = next_id_++;
      incoming_.push_back(std::move(t));
    }
    bell_.ring();
    return id;
  }

  void cancel(Id id) {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(id);
    }
    bell_.ring();
  }

  const HttpServer& server() const { return server_; }

 private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void* known) {
    auto& self = *static_cast<Loop*>(user);
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(self.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    epoll_event e{.events = 0, .data = {.fd = socket}};
    if (what != CURL_POLL_OUT) e.events |= EPOLLIN;
    if (what != CURL_POLL_IN) e.events |= EPOLLOUT;
    if (::epoll_ctl(self.epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &e) != 0) return -1;
    curl_multi_assign(self.multi_, socket, &self);  // anything but null: it is known from now on
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Loop*>(user);
    self.due_.reset();
    if (timeout_ms >= 0) self.due_ = steady_clock::now() + milliseconds(timeout_ms);
    return 0;
  }

  void run() {
    while (true) {
      std::vector<std::unique_ptr<Transfer>> incoming;
      std::vector<Id> cancelled;
      bool stopping = false;
      {
        const std::lock_guard lock(mutex_);
        incoming.swap(incoming_);
        cancelled.swap(cancelled_);
        stopping = stopping_;
      }
      for (auto& t : incoming) start(std::move(t));
      for (const auto id : cancelled) end(id, Error{ErrorCode::kUnavailable, "cancelled", true});
      if (stopping) {
        while (!active_.empty())
          end(active_.begin()->first, Error{ErrorCode::kUnavailable, "shutting down", true});
        return;
      }
      transfer();
    }
  }

  // Waits until a socket, the clock or another thread has something to do, and does it.
  void transfer() {
    int wait_ms = -1;
    if (const auto now = steady_clock::now(); due_)
      wait_ms = *due_ <= now ? 0 : static_cast<int>(std::min(ms(*due_ - now), 60'000L));
    std::array<epoll_event, 64> events{};
    const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
    int running = 0;
    for (int i = 0; i < n; ++i) {
      const auto& e = events[static_cast<std::size_t>(i)];
      if (e.data.fd == bell_.fd()) {
        bell_.silence();
        continue;
      }
      int what = 0;
      if (e.events & EPOLLIN) what |= CURL_CSELECT_IN;
      if (e.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
      if (e.events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi_, e.data.fd, what, &running);
    }
    if (due_ && *due_ <= steady_clock::now()) {
      due_.reset();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    int left = 0;
    while (const CURLMsg* m = curl_multi_info_read(multi_, &left)) {
      if (m->msg == CURLMSG_DONE) finish(m->easy_handle, m->data.result);
    }
  }

  void start(std::unique_ptr<Transfer> t) {
    CURL* easy = nullptr;
    if (idle_.empty()) {
      easy = curl_easy_init();
    } else {
      easy = idle_.back();
      idle_.pop_back();
    }
    if (!easy) {
      t->done(fail(ErrorCode::kExhausted, "no memory for a request", true));
      return;
    }
    t->easy = easy;
    const auto& r = t->request;
    const auto url = base_ + r.path;
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms(r.connect_timeout));
    if (r.timeout > Duration::zero()) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms(r.timeout));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    if (!server_.unix_socket.empty())
      curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, server_.unix_socket.c_str());
    if (!server_.proxy.empty())
      curl_easy_setopt(easy, CURLOPT_PROXY, server_.proxy.c_str());
    else if (direct_)
      curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (server_.gzip) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (server_.http1) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    if (connect_to_) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
    set_pem(easy, CURLOPT_CAINFO_BLOB, server_.ca_pem);
    set_pem(easy, CURLOPT_SSLCERT_BLOB, server_.cert_pem);
    set_pem(easy, CURLOPT_SSLKEY_BLOB, server_.key_pem);
    if (!server_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server_.ca_file.c_str());
    if (!server_.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, server_.cert_file.c_str());
    if (!server_.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, server_.key_file.c_str());
    if (!server_.verify) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (r.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (r.method == "POST" || r.method == "PUT" || !r.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r.body.c_str());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
    }
    if (r.method != "HEAD") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
    // Without this curl waits for "100 Continue" before it sends larger bodies, and adds a form's content
    // type. Within a signature it would be signed and not sent.
    if (r.aws_sigv4.empty()) {
      t->headers = curl_slist_append(t->headers, "Expect:");
    } else {
      curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, r.aws_sigv4.c_str());
      curl_easy_setopt(easy, CURLOPT_USERNAME, r.user.c_str());
      curl_easy_setopt(easy, CURLOPT_PASSWORD, r.password.c_str());
    }
    if (!r.body.empty() || r.aws_sigv4.empty())
      t->headers = curl_slist_append(
          t->headers,
          (r.body.empty() ? std::string("Content-Type:") : "Content-Type: " + r.content_type).c_str());
    for (const auto& h : r.headers) t->headers = curl_slist_append(t->headers, h.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t.get());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t.get());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t.get());
    const auto id = t->id;
    active_.emplace(id, std::move(t));
    if (const auto e = curl_multi_add_handle(multi_, easy); e != CURLM_OK) {
      end(id, Error{ErrorCode::kInternal, curl_multi_strerror(e), false});
    }
  }

  void finish(CURL* easy, CURLcode code) {
    char* user = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
    const auto& t = *reinterpret_cast<Transfer*>(user);
    end(t.id, code == CURLE_OK ? std::nullopt : std::optional(error_of(server_, t, code)));
  }

  void end(Id id, std::optional<Error> error) {
    const auto found = active_.find(id);
    if (found == active_.end()) return;
    const auto t = std::move(found->second);
    active_.erase(found);
    curl_multi_remove_handle(multi_, t->easy);
    curl_easy_reset(t->easy);  // it must not keep pointers into `t`
    if (idle_.size() < (server_.http1 ? kMostHandlesOneByOne : kMostHandles)) {
      idle_.push_back(t->easy);
    } else {
      curl_easy_cleanup(t->easy);
    }
    if (error) {
      t->done(tl::unexpected<Error>(std::move(*error)));
    } else {
      t->done(std::move(t->response));
    }
  }

  const HttpServer server_;
  std::string base_;                  // server_.base_url, or the same with the name of its certificate
  curl_slist* connect_to_ = nullptr;  // where that name is
  const bool direct_;                 // whatever proxy the environment names
  const Fd epoll_;
  const Bell bell_{"an HTTP client cannot be made"};  // rings when something was asked for
  CURLM* multi_ = nullptr;
  std::thread thread_;
  std::optional<steady_clock::time_point> due_;     // of the loop's thread: when libcurl wants its turn
  std::map<Id, std::unique_ptr<Transfer>> active_;  // of the loop's thread
  std::vector<CURL*> idle_;                         // of the loop's thread

  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> incoming_;
  std::vector<Id> cancelled_;
  Id next_id_ = 1;
  bool stopping_ = false;
};

HttpClient::HttpClient(HttpServer server) : loop_(std::make_unique<Loop>(std::move(server))) {}
HttpClient::~HttpClient() = default;

HttpClient::Id HttpClient::submit(HttpRequest request, Done done, Data on_data) {
  return loop_->submit(std::move(request), std::move(done), std::move(on_data));
}

void HttpClient::cancel(Id id) { loop_->cancel(id); }

const HttpServer& HttpClient::server() const { return loop_->server(); }

Result<HttpResponse> HttpClient::send(HttpRequest request, const std::stop_token& stop) {
  auto answer = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto future = answer->get_future();
  const auto id =
      submit(std::move(request), [answer](Result<HttpResponse> r) { answer->set_value(std::move(r)); });
  const std::stop_callback on_stop(stop, [&] { cancel(id); });
  return future.get();
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

}  // namespace docktor
