#include "targets/process/process_notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace docktor {
namespace {

constexpr std::size_t kMostStatus = 200;
constexpr int kMostAtOnce = 64;  // then others have their turn

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMostStatus));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::optional<pid_t> sender(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
    return credentials.pid;
  }
  return std::nullopt;
}

// The folder of sockets of daemons that run as root: their workers may run as somebody else, who cannot enter the state folder.
// Empty where it cannot be had, or is anybody else's.
std::string folder_for_all() {
  const char* const folder = "/run/docktor-notify";
  if (::geteuid() != 0) return {};
  if (::mkdir(folder, 0755) == 0) (void)::chmod(folder, 0755);  // whatever the umask says
  struct stat s{};
  const bool ours = ::lstat(folder, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == 0 &&
                    (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  return ours ? folder : "";
}

}  // namespace

Notification notification_from(std::string_view text) {
  Notification n;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line == "READY=1") n.ready = true;
    if (line == "X_DOCKTOR_BUSY=0") n.busy = false;
    if (line == "X_DOCKTOR_BUSY=1") n.busy = true;
    constexpr std::string_view kStatus = "STATUS=";
    if (line.starts_with(kStatus)) n.status = printable(line.substr(kStatus.size()));
  }
  return n;
}

NotifySocket::NotifySocket(const std::string& folder, const std::string& identity) {
  if (const auto for_all = folder_for_all(); !for_all.empty() && listen(for_all + "/" + identity)) return;
  std::error_code unknown;
  const auto file = std::filesystem::absolute(folder, unknown) / "notify";
  if (unknown || !listen(file.string())) listen("@docktor/" + identity + "/notify");
}

NotifySocket::~NotifySocket() {
  if (fd_ && address_.starts_with('/')) ::unlink(address_.c_str());
}

bool NotifySocket::listen(const std::string& address) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (address.size() + 1 > sizeof at.sun_path) return false;
  std::ranges::copy(address, at.sun_path);
  const bool abstract = address.front() == '@';
  if (abstract) at.sun_path[0] = '\0';  // it goes with the last descriptor
  const auto* to = reinterpret_cast<const sockaddr*>(&at);
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return false;
  if (!abstract) {
    // What a daemon left that is gone: nobody answers there.
    const Fd trial(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (trial && ::connect(trial.get(), to, length) != 0 && errno == ECONNREFUSED) ::unlink(at.sun_path);
  }
  if (::bind(fd.get(), to, length) != 0) return false;
  if (!abstract) (void)::chmod(at.sun_path, 0777);  // replicas may run as somebody else
  fd_ = std::move(fd);
  address_ = address;
  return true;
}

// A worker that is told of a file that is not there may end itself.
std::string NotifySocket::address() const {
  const bool lost = address_.starts_with('/') && ::access(address_.c_str(), F_OK) != 0;
  return lost ? std::string() : address_;
}

void NotifySocket::read() {
  for (int i = 0; i < kMostAtOnce; ++i) {
    std::array<char, 4096> text;
    // No room for descriptors, which the kernel then closes: whoever waits for that (a barrier) goes on.
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred))> control;
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto n = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0) return;
    const auto pid = sender(message);
    if (!pid || *pid <= 0 || (message.msg_flags & MSG_TRUNC) != 0) continue;
    auto it = handlers_.find(*pid);
    if (it == handlers_.end()) it = handlers_.find(::getpgid(*pid));  // a child of it, if it still lives
    if (it == handlers_.end()) continue;
    const auto handler = it->second;  // it may forget itself
    handler(notification_from({text.data(), static_cast<std::size_t>(n)}));
  }
}

}  // namespace docktor
