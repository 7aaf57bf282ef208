// A cluster's 16,384 slots: which one a key lies in, and which server has it. Nothing here talks to anybody.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "queues/redis/reply.h"

namespace docktor {

/// CRC-16/XMODEM: of "123456789" it is 0x31C3.
std::uint16_t redis_crc16(std::string_view bytes);

/// Of the key, or of what stands in its first braces, unless they are empty ("{app}:mail" → of "app").
int redis_slot(std::string_view key);

/// The key that a command reads, by which a cluster finds the server; nothing where it has none (PING). Of several
/// streams the first one.
std::optional<std::string_view> key_of(const RedisCommand& command);

/// Where a server sends us in place of an answer: "MOVED 3999 10.0.0.2:6379", "ASK 3999 :6379".
struct Redirection {
  bool ask = false;  ///< for this once, since the slot is being moved
  int slot = 0;
  std::string place;  ///< HOST:PORT, as RedisAddress::place() has it
};
/// Nothing where the reply is none. `asked` is the place that sent it: a server that leaves the host out means its own.
std::optional<Redirection> redirection(const Reply& reply, std::string_view asked);

/// Which server has which slot, as one of them has told. What it does not tell is not known.
class SlotMap {
 public:
  static constexpr int kSlots = 16'384;

  /// Of the answer to CLUSTER SLOTS; nothing where it is none.
  static std::optional<SlotMap> parse(const Reply& slots, std::string_view asked);

  /// The place of the master; empty where it is not known.
  std::string master(int slot) const;
  void moved(int slot, std::string place);
  void clear() { *this = {}; }

  std::set<std::string> masters() const;
  const std::set<std::string>& replicas() const { return replicas_; }

 private:
  // By the last slot of a range that one server has; a slot that moved is a range of its own.
  struct Range {
    int first = 0;
    std::string place;
  };
  std::map<int, Range> ranges_;
  std::map<int, std::string> moved_;
  std::set<std::string> replicas_;
};

}  // namespace docktor
