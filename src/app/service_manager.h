// What systemd is told of the daemon's state, or whatever else started it and listens at NOTIFY_SOCKET.
#pragma once

#include <string>
#include <string_view>

namespace docktor {

/// Speaks sd_notify(3)'s protocol, one datagram for each state; where nobody listens nothing is sent. What cannot be sent is
/// dropped: nobody waits for the service manager. Used by one thread.
class ServiceManager {
 public:
  /// Takes the address out of the environment, so that no worker speaks in the daemon's name. Before any thread starts.
  ServiceManager();

  void ready();      ///< also after a reload
  void reloading();  ///< until ready()
  void stopping();
  /// One line for `systemctl status`.
  void status(std::string_view text);
  /// The loop turns (WATCHDOG=1), where the service manager wants to know it.
  void alive();

 private:
  void tell(const std::string& state) const;

  std::string address_;  // of a datagram socket; '@' first: not of a file
  bool watched_ = false;
};

}  // namespace docktor
