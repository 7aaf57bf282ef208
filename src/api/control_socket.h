// The control socket: one JSON line asks, one JSON line answers. A unix socket; nothing here opens a network
// port.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// Who asks, by the kernel's word.
struct Peer {
  int pid = 0;
  unsigned uid = 0;
  unsigned gid = 0;
};

/// Serves requests until destroyed. `handle` is called on a connection's thread, at most kMaxConnections at
/// once; its answer goes out as one line. Only root, the daemon's own user and members of its group (by
/// their first group or another) may ask. A socket that somebody removed is made anew within a second.
class ControlServer {
 public:
  using Handler = std::function<nlohmann::ordered_json(const nlohmann::json& request, const Peer& peer)>;
  static constexpr int kMaxConnections = 16;
  static constexpr std::size_t kMaxRequest = 1u << 20;

  /// Listens at `path` (replacing a socket that a dead daemon left). The folder must be the daemon's own.
  static Result<std::unique_ptr<ControlServer>> listen(const std::string& path, Handler handle);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// {"ok":false,"error":...,"code":...,"retry":...}: an error as an answer, from which ask() makes it again.
nlohmann::ordered_json refusal(const Error& error);

/// The user's name for the record: "ann", or "uid 1000" where the system knows no name.
std::string name_of(const Peer& peer);

/// Asks the daemon that listens at `path`. kUnavailable when none does, kTimeout when it does not answer in
/// time, and the daemon's own error as it was there. Ends early, with kUnavailable, when
/// `stop` is requested: the daemon goes on with what was asked.
Result<nlohmann::ordered_json> ask(const std::string& path, const nlohmann::ordered_json& request,
                                   Duration timeout, const std::stop_token& stop = {});

}  // namespace docktor
