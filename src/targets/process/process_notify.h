// What replicas tell of themselves, by the protocol of sd_notify(3): one datagram socket for all of a daemon.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "os/fd.h"

namespace docktor {

/// One datagram: lines NAME=value.
struct Notification {
  bool ready = false;                 ///< READY=1
  std::optional<std::string> status;  ///< STATUS=, printable, at most 200 characters
  std::optional<bool> busy;           ///< X_DOCKTOR_BUSY=0 or 1
};

/// Unknown names and other values are skipped.
Notification notification_from(std::string_view text);

/// Listens at an address that stays the same for as long as the state folder does, so that replicas that outlive a daemon
/// reach the next one. It is a file, as of systemd, since not every worker takes an abstract address (Sidekiq 6 ends itself):
/// for root in /run/docktor-notify, where workers get that run as somebody else, else in the state folder; an abstract address
/// where there cannot be a file. Who sends is told by the kernel; what comes from anybody but a replica's process group is
/// dropped. Supervisor's thread only.
class NotifySocket {
 public:
  using Handler = std::function<void(const Notification&)>;

  /// `identity` of the state folder. Without a socket (no descriptor, or somebody has all addresses) address() is empty.
  NotifySocket(const std::string& folder, const std::string& identity);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// For NOTIFY_SOCKET: "/run/docktor-notify/1f2e..." or "@docktor/..."; empty while the file is not there.
  std::string address() const;
  int fd() const { return fd_.get(); }

  /// What the process group `leader` sends, until forget().
  void hear(pid_t leader, Handler handler) { handlers_[leader] = std::move(handler); }
  void forget(pid_t leader) { handlers_.erase(leader); }

  /// Takes what has come, some at a time.
  void read();

 private:
  bool listen(const std::string& address);

  std::string address_;
  Fd fd_;
  std::unordered_map<pid_t, Handler> handlers_;
};

}  // namespace docktor
