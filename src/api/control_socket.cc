#include "api/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/json_text.h"
#include "os/bell.h"
#include "os/fd.h"

namespace docktor {
namespace {

constexpr auto kRequestTime = std::chrono::seconds(10);
constexpr int kLookEvery = 1000;  // ms; at the socket's place

struct Code {
  ErrorCode code;
  std::string_view name;
};
constexpr std::array<Code, 8> kCodes{{{ErrorCode::kInvalid, "invalid"},
                                      {ErrorCode::kNotFound, "not_found"},
                                      {ErrorCode::kUnavailable, "unavailable"},
                                      {ErrorCode::kTimeout, "timeout"},
                                      {ErrorCode::kDenied, "denied"},
                                      {ErrorCode::kConflict, "conflict"},
                                      {ErrorCode::kExhausted, "exhausted"},
                                      {ErrorCode::kInternal, "internal"}}};

// A socket's path may be at most 107 bytes long, a user's folder may be longer: go through the open folder.
struct Address {
  Fd folder;
  sockaddr_un address{};
};

Result<Address> address_of(const std::string& path) {
  const auto slash = path.rfind('/');
  Address a;
  a.folder = Fd(::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (a.folder.get() < 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", path, std::strerror(errno)), true);
  }
  a.address.sun_family = AF_UNIX;
  const std::string through = fmt::format("/proc/self/fd/{}/{}", a.folder.get(), path.substr(slash + 1));
  std::strncpy(a.address.sun_path, through.c_str(), sizeof a.address.sun_path - 1);
  return a;
}

int left_ms(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

// One line, without its end; empty on end of file, deadline, or a line that is too long.
Result<std::string> read_line(int fd, int stop_fd, std::size_t most,
                              std::chrono::steady_clock::time_point until) {
  std::string line;
  char block[16 << 10];
  while (true) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {stop_fd, POLLIN, 0}};
    const int n = ::poll(fds, stop_fd >= 0 ? 2 : 1, left_ms(until));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(ErrorCode::kTimeout, "no answer in time", true);
    if (stop_fd >= 0 && fds[1].revents) return fail(ErrorCode::kUnavailable, "stopping");
    const auto got = ::recv(fd, block, sizeof block, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return fail(ErrorCode::kUnavailable, "the connection ended before an answer", true);
    line.append(block, static_cast<std::size_t>(got));
    if (const auto end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
    if (line.size() > most)
      return fail(ErrorCode::kInvalid, fmt::format("a line of more than {} bytes", most));
  }
}

bool send_all(int fd, const std::string& text, std::chrono::steady_clock::time_point until) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = ::send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    const int e = n < 0 ? errno : EPIPE;
    if (e == EINTR) continue;
    if (e != EAGAIN) return false;
    pollfd p{fd, POLLOUT, 0};
    if (::poll(&p, 1, left_ms(until)) <= 0) return false;
  }
  return true;
}

// Whether the peer's process is in our group, by its first group or another.
bool in_our_group(int fd, const ucred& who) {
  if (who.gid == ::getegid()) return true;
  std::vector<gid_t> groups(64);
  socklen_t size = groups.size() * sizeof(gid_t);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    if (errno != ERANGE) return false;
    groups.resize(size / sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  }
  groups.resize(std::min<std::size_t>(groups.size(), size / sizeof(gid_t)));
  return std::ranges::find(groups, ::getegid()) != groups.end();
}

}  // namespace

nlohmann::ordered_json refusal(const Error& error) {
  const auto code = std::ranges::find(kCodes, error.code, &Code::code);
  return {{"ok", false},
          {"error", error.message},
          {"code", code == kCodes.end() ? "invalid" : code->name},
          {"retry", error.retry}};
}

std::string name_of(const Peer& peer) {
  std::vector<char> room(4096);
  passwd entry{}, *found = nullptr;
  if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) == 0 && found &&
      found->pw_name[0] != '\0')
    return found->pw_name;
  return fmt::format("uid {}", peer.uid);
}

struct ControlServer::Impl {
  struct Connection {
    Fd fd;
    std::atomic<bool> done{false};
    std::jthread thread;  // last: it uses what stands above
  };

  std::string path;
  Handler handle;
  Fd listener;
  std::pair<dev_t, ino_t> socket;  // as it stands at `path`
  Bell stop;                       // rings when the server ends
  std::list<Connection> connections;
  std::jthread thread;

  void serve(const std::stop_token& token) {
    while (!token.stop_requested()) {
      pollfd fds[2] = {{listener.get(), POLLIN, 0}, {stop.fd(), POLLIN, 0}};
      if (::poll(fds, 2, kLookEvery) < 0 && errno != EINTR) return;
      if (fds[1].revents) return;
      // Somebody removed it, or the folder: nobody could reach us any more.
      if (identity() != socket && listen()) continue;
      if (!fds[0].revents) continue;
      Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd.get() < 0) {
        ::usleep(10'000);  // out of descriptors: do not spin
        continue;
      }
      connections.remove_if([](const Connection& c) { return c.done.load(); });
      if (connections.size() >= kMaxConnections || !begin(fd)) {
        send_all(fd.get(),
                 refusal({ErrorCode::kExhausted, "too many requests at once; try again", true}).dump() + "\n",
                 std::chrono::steady_clock::now());
      }
    }
  }

  std::pair<dev_t, ino_t> identity() const {
    struct stat s{};
    return ::lstat(path.c_str(), &s) == 0 ? std::pair(s.st_dev, s.st_ino) : std::pair<dev_t, ino_t>{};
  }

  Result<void> listen() {
    auto address = address_of(path);
    if (!address) return tl::unexpected(address.error());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0)
      return fail(ErrorCode::kInternal, fmt::format("{}: no socket: {}", path, std::strerror(errno)));
    ::unlink(path.c_str());
    ::fchmod(fd.get(), 0600);  // what bind makes has at most this mode
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address->address), sizeof address->address) !=
            0 ||
        ::chmod(path.c_str(), 0660) != 0 || ::listen(fd.get(), 64) != 0)
      return fail(ErrorCode::kDenied, fmt::format("{}: cannot listen: {}", path, std::strerror(errno)));
    socket = identity();
    listener = std::move(fd);
    return {};
  }

  // False, and `fd` stays the caller's, when the system has no thread to give.
  bool begin(Fd& fd) {
    Connection& c = connections.emplace_back();
    c.fd = std::move(fd);
    try {
      c.thread = std::jthread([this, &c] {
        talk(c.fd.get());
        c.fd = Fd();
        c.done = true;
      });
      return true;
    } catch (const std::system_error&) {
      fd = std::move(c.fd);
      connections.pop_back();
      return false;
    }
  }

  void talk(int fd) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
    const auto until = [] { return std::chrono::steady_clock::now() + kRequestTime; };
    const auto refuse = [&](const std::string& why) {
      send_all(fd, nlohmann::ordered_json{{"ok", false}, {"error", why}}.dump() + "\n", until());
    };
    if (who.uid != 0 && who.uid != ::geteuid() && !in_our_group(fd, who)) {
      refuse("only root, the daemon's user and its group may ask");
      return;
    }
    const auto line = read_line(fd, stop.fd(), kMaxRequest, until());
    if (!line) return;
    const auto request = parse_json(*line);
    if (!request.is_object()) {
      refuse(fmt::format("the request must be one JSON object on one line, nested at most {} levels deep",
                         kMaxJsonDepth));
      return;
    }
    const auto answer = handle(request, {who.pid, who.uid, who.gid});
    send_all(fd, answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", until());
  }
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path, Handler handle) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->handle = std::move(handle);
  if (!impl->stop)
    return fail(ErrorCode::kExhausted, path + ": no descriptor left for a control socket", true);
  if (auto r = impl->listen(); !r) return tl::unexpected(r.error());
  auto server = std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
  try {
    server->impl_->thread =
        std::jthread([p = server->impl_.get()](const std::stop_token& t) { p->serve(t); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kExhausted, fmt::format("{}: no thread to listen: {}", path, error.what()), true);
  }
  return server;
}

ControlServer::~ControlServer() {
  ::unlink(impl_->path.c_str());
  impl_->stop.ring();
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->connections.clear();  // joins
}

Result<nlohmann::ordered_json> ask(const std::string& path, const nlohmann::ordered_json& request,
                                   Duration timeout, const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address->address),
                                sizeof address->address) != 0) {
    return fail(errno == EACCES ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                fmt::format("{}: {}", path, std::strerror(errno)), true);
  }
  // A daemon that refuses answers without reading: its reason waits even where the request found no reader.
  const bool sent = send_all(
      fd.get(), request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", until);
  const Bell stopped;
  const std::stop_callback on_stop(stop, [&] { stopped.ring(); });
  const auto line = read_line(fd.get(), stopped.fd(), 256u << 20, until);
  if (!line && !sent) return fail(ErrorCode::kUnavailable, "the daemon does not take the request", true);
  if (!line) return tl::unexpected(line.error());
  auto answer = parse_json<nlohmann::ordered_json>(*line);
  if (!answer.is_object()) return fail(ErrorCode::kInternal, "the daemon's answer is no JSON object");
  make_plain(answer, true);  // it goes to a terminal, and others wrote a part of it
  if (!answer.value("ok", false)) {
    const auto code = std::ranges::find(kCodes, answer.value("code", ""), &Code::name);
    return fail(code == kCodes.end() ? ErrorCode::kInvalid : code->code,
                answer.value("error", "the daemon refused without a reason"), answer.value("retry", false));
  }
  return answer;
}

}  // namespace docktor
