#include "queues/redis/cluster_slots.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"
#include "queues/redis/redis_address.h"

namespace docktor {

namespace {

constexpr std::size_t kMaxHost = 255;
constexpr std::size_t kMaxReplicas = 100;

// "10.0.0.1:6379" and "[::1]:6379" without the port.
std::string_view host_of(std::string_view place) {
  auto host = place.substr(0, place.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

// Empty where a server tells what is no address; "?" is one that it does not know itself.
std::string place_of(std::string_view host, std::uint64_t port, std::string_view asked) {
  if (host.empty()) host = host_of(asked);
  const bool plain = std::ranges::all_of(host, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == ':' || c == '-' || c == '_';
  });
  if (!plain || host.empty() || host.size() > kMaxHost || port < 1 || port > 65'535) return {};
  RedisAddress a;
  a.host = host;
  a.port = static_cast<int>(port);
  return a.place();
}

// [ip or name or nil, port, id, ...]
std::string place_of(const Reply& node, std::string_view asked) {
  if (node.items.size() < 2) return {};
  const auto* host = node.items[0].words();
  return place_of(host ? *host : std::string_view(), node.items[1].count().value_or(0), asked);
}

}  // namespace

std::uint16_t redis_crc16(std::string_view bytes) {
  std::uint16_t crc = 0;
  for (const char byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned char>(byte) << 8));
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc;
}

int redis_slot(std::string_view key) {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return redis_crc16(key) % SlotMap::kSlots;
}

std::optional<std::string_view> key_of(const RedisCommand& command) {
  static constexpr std::array<std::string_view, 5> kWithout = {"PING", "INFO", "CLUSTER", "ASKING", "SELECT"};
  if (command.size() < 2 || std::ranges::find(kWithout, command.front()) != kWithout.end())
    return std::nullopt;
  std::size_t at = command.front() == "XINFO" ? 2 : 1;
  if (command.front() == "XREAD") {
    const auto streams = std::ranges::find(command, "STREAMS");
    at = static_cast<std::size_t>(streams - command.begin()) + 1;
  }
  return at < command.size() ? std::optional<std::string_view>(command[at]) : std::nullopt;
}

std::optional<Redirection> redirection(const Reply& reply, std::string_view asked) {
  const bool ask = reply.is_error("ASK");
  if (!ask && !reply.is_error("MOVED")) return std::nullopt;
  std::string_view rest = reply.text;
  rest.remove_prefix(rest.find(' ') == std::string_view::npos ? rest.size() : rest.find(' ') + 1);
  const auto blank = rest.find(' ');
  const auto slot = whole_number(rest.substr(0, blank), SlotMap::kSlots - 1);
  if (!slot || blank == std::string_view::npos) return std::nullopt;
  const auto to = rest.substr(blank + 1);
  const auto colon = to.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = whole_number(to.substr(colon + 1), 65'535);
  auto place = place_of(to.substr(0, colon), static_cast<std::uint64_t>(port.value_or(0)), asked);
  if (place.empty()) return std::nullopt;
  return Redirection{ask, *slot, std::move(place)};
}

// [[first, last, master, replica, ...], ...]
std::optional<SlotMap> SlotMap::parse(const Reply& slots, std::string_view asked) {
  if (!slots.is_array()) return std::nullopt;
  SlotMap out;
  for (const auto& range : slots.items) {
    if (range.items.size() < 3) return std::nullopt;
    const auto first = range.items[0].count(), last = range.items[1].count();
    if (!first || !last || *first > *last || *last >= kSlots) return std::nullopt;
    auto master = place_of(range.items[2], asked);
    if (!master.empty()) out.ranges_[static_cast<int>(*last)] = {static_cast<int>(*first), std::move(master)};
    for (std::size_t i = 3; i < range.items.size() && out.replicas_.size() < kMaxReplicas; ++i) {
      if (auto replica = place_of(range.items[i], asked); !replica.empty())
        out.replicas_.insert(std::move(replica));
    }
  }
  return out;
}

std::string SlotMap::master(int slot) const {
  if (const auto found = moved_.find(slot); found != moved_.end()) return found->second;
  const auto range = ranges_.lower_bound(slot);
  return range != ranges_.end() && range->second.first <= slot ? range->second.place : std::string();
}

void SlotMap::moved(int slot, std::string place) { moved_[slot] = std::move(place); }

std::set<std::string> SlotMap::masters() const {
  std::set<std::string> out;
  for (const auto& [last, range] : ranges_) out.insert(range.place);
  for (const auto& [slot, place] : moved_) out.insert(place);
  return out;
}

}  // namespace docktor
