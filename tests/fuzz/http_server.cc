// Any bytes to a socket of the real server, libmicrohttpd and all: heads whole, halved and one after another, bodies with and without
// a length. What comes through to us keeps the limits that are promised; whoever sends is answered in HTTP or cut off, and the next
// one is served.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/server.h"
#include "web/guard.h"
#include "web/routes.h"
#include "web/site.h"

namespace {

using namespace docktor;

void must_hold(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

// As the site does it: who may ask, which route it is, what it is asked.
http::Response site_answer(const http::Request& request) {
  std::size_t head = request.path.size();
  for (const auto& [key, value] : request.query) head += key.size() + value.size();
  for (const auto& [key, value] : request.headers) head += key.size() + value.size();
  must_hold(head <= http::kMostHead, "the head is bounded");
  must_hold(request.body.size() <= http::kMostBody, "the body is bounded");
  must_hold(request.header("host").find(',') == std::string::npos, "there is one Host");
  must_hold(!request.headers.contains("transfer-encoding") || !request.headers.contains("content-length"),
            "the body has one length");
  HttpSpec spec;
  spec.hosts = {"docktor.lan"};
  spec.tokens = {{"ann", Secret{"act-act-act-act-act-act-act-act-act-act"}, true}};
  const auto found = web::match(request.method, request.path);
  const auto access = web::access_of(request, spec, found.route ? found.route->need : web::Need::kLook);
  if (access.status != 0) return web::problem(access.status, access.why);
  if (!found.route) return web::problem(found.allowed.empty() ? 404 : 405, "nothing is here");
  if (request.path == "/api/v1/events") {
    http::Response r;
    r.stream = [](const std::shared_ptr<http::EventStream>& stream) {
      stream->send("event: hello\n\n");
      stream->end();
    };
    return r;
  }
  for (const auto& operation : operations()) {
    if (operation.name != found.route->operation) continue;
    const auto arguments = web::arguments_of(request, operation, found.arguments);
    if (!arguments) return web::problem(arguments.error());
    must_hold(checked_operation(operation.name, *arguments).has_value(), "the arguments fit the schema");
  }
  return {.body = "yes\n"};
}

std::string made_folder() {
  char name[] = "/tmp/docktor-fuzz-XXXXXX";
  must_hold(::mkdtemp(name), "a folder for the socket");
  return name;
}

class Server {
 public:
  Server() {
    // By every second letter of the path on a worker's thread: both ways are the daemon's.
    http::Handler handler;
    handler.at_once = [](const http::Request& r) {
      return r.path.size() % 2 ? std::optional(site_answer(r)) : std::nullopt;
    };
    handler.answer = site_answer;
    handler.refuse = [](int status, const std::string& why) { return web::problem(status, why); };
    auto made = http::HttpListener::listen(path(), std::move(handler));
    must_hold(made.has_value(), "it listens");
    listener_ = std::move(*made);
  }
  ~Server() {
    listener_.reset();
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/http.sock"; }

  // Soon nobody is there any more.
  bool let_go() const {
    constexpr int kTries = 5000;
    for (int i = 0; i < kTries && listener_->connections() > 0; ++i) ::usleep(10'000);
    return listener_->connections() == 0;
  }

 private:
  std::string folder_ = made_folder();
  std::unique_ptr<http::HttpListener> listener_;
};

// What comes back until the server closes, or says nothing for a while: half a request may wait for its rest, as long as the
// server's limits are.
std::string exchange(const std::string& path, std::string_view bytes, std::size_t piece, int patience) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un to{.sun_family = AF_UNIX};
  std::memcpy(to.sun_path, path.c_str(), path.size() + 1);
  must_hold(fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0,
            "it can be reached");
  std::string told;
  bool open = true;
  const auto hear = [&](int wait) {
    constexpr std::size_t kBlock = 16 << 10;
    char block[kBlock];
    pollfd p{fd, POLLIN, 0};
    int ready = -1;
    do ready = ::poll(&p, 1, wait);
    while (ready < 0 && errno == EINTR);  // libFuzzer's own clock
    if (ready <= 0) return false;
    const auto n = ::recv(fd, block, sizeof block, 0);
    if (n <= 0) open = false;
    if (n > 0) told.append(block, static_cast<std::size_t>(n));
    return n > 0;
  };
  while (!bytes.empty() && open) {
    const auto n = ::send(fd, bytes.data(), std::min(piece, bytes.size()), MSG_NOSIGNAL);
    if (n <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    while (hear(0)) continue;
  }
  ::shutdown(fd, SHUT_WR);
  while (open && hear(patience)) continue;
  ::close(fd);
  return told;
}

}  // namespace

// One byte that says how small the pieces are, then what is sent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kMoment = 30, kLong = 50'000;  // ms; the latter beyond every limit of the server
  constexpr unsigned kNowAndThen = 64, kPieces = 64;
  static const Server server;
  static unsigned turns = 0;
  if (size == 0) return 0;
  const std::size_t piece =
      data[0] < 'a' ? size : std::max<std::size_t>(1U << (data[0] % 16), size / kPieces);
  const auto told =
      exchange(server.path(), {reinterpret_cast<const char*>(data) + 1, size - 1}, piece, kMoment);
  must_hold(told.empty() || told.starts_with("HTTP/1."), "what comes back is HTTP");
  if (++turns % kNowAndThen == 0) {
    // First, since as many as the server takes at once may have come since: one more would be turned away.
    must_hold(server.let_go(), "who has gone is forgotten");
    const std::string_view plain = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    must_hold(exchange(server.path(), plain, plain.size(), kLong).starts_with("HTTP/1.1 200"),
              "the next one is served");
  }
  return 0;
}
