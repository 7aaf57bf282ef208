#include "targets/process/process_record.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kMostReplicas = 100'000;
constexpr std::size_t kMostText = 4096;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

template <class T>
T number_in(const json& object, const char* key, T least, T most) {
  const auto v = object.at(key).get<std::int64_t>();
  if (v < static_cast<std::int64_t>(least) || v > static_cast<std::int64_t>(most)) {
    throw std::out_of_range(fmt::format("{} is out of range", key));
  }
  return static_cast<T>(v);
}

std::string text_in(const json& object, const char* key) {
  auto v = object.at(key).get<std::string>();
  if (v.size() > kMostText) throw std::out_of_range(fmt::format("{} is too long", key));
  return v;
}

}  // namespace

std::string to_text(const ProcessRecord& record) {
  nlohmann::ordered_json j;
  j["version"] = kVersion;
  j["boot"] = record.boot;
  if (!record.says_ready.empty()) j["says_ready"] = record.says_ready;
  auto& replicas = j["replicas"] = nlohmann::ordered_json::array();
  for (const auto& r : record.replicas) {
    nlohmann::ordered_json o;
    o["id"] = r.id;
    o["token"] = r.token;
    o["pid"] = r.process.pid;
    o["start_ticks"] = r.process.start_ticks;
    if (r.stopping) o["kill_at_ms"] = r.kill_at_ms;
    o["restarts"] = r.restarts;
    o["fingerprint"] = r.fingerprint;
    o["output"] = r.output;
    replicas.push_back(std::move(o));
  }
  return j.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<ProcessRecord> record_from_text(const std::string& text) {
  try {
    const auto j = parse_json(text);
    if (j.is_discarded()) return fail(ErrorCode::kInvalid, "it is no JSON");
    if (j.at("version").get<int>() != kVersion) {
      return fail(ErrorCode::kInvalid, fmt::format("version {} is not {}", j.at("version").dump(), kVersion));
    }
    ProcessRecord record;
    record.boot = text_in(j, "boot");
    if (j.contains("says_ready")) record.says_ready = text_in(j, "says_ready");
    const auto& replicas = j.at("replicas");
    if (!replicas.is_array() || replicas.size() > kMostReplicas)
      return fail(ErrorCode::kInvalid, "replicas is no list");
    for (const auto& o : replicas) {
      RecordedReplica r;
      r.id = text_in(o, "id");
      r.token = text_in(o, "token");
      r.process.pid = number_in<pid_t>(o, "pid", 2, 1 << 30);  // 1 is init, and -1 would be everybody
      r.process.start_ticks = number_in<std::uint64_t>(o, "start_ticks", 0, INT64_MAX);
      r.stopping = o.contains("kill_at_ms");
      if (r.stopping) r.kill_at_ms = number_in<std::int64_t>(o, "kill_at_ms", 0, INT64_MAX / 1'000'000);
      r.restarts = number_in<int>(o, "restarts", 0, INT32_MAX);
      r.fingerprint = text_in(o, "fingerprint");
      r.output = text_in(o, "output");
      record.replicas.push_back(std::move(r));
    }
    return record;
  } catch (const std::exception& e) {
    return fail(ErrorCode::kInvalid, e.what());
  }
}

std::string fingerprint(const ProcessSpec& spec) {
  const json j = {spec.command, spec.directory, spec.environment};
  return fmt::format("{:016x}", fnv1a(j.dump(-1, ' ', false, json::error_handler_t::replace)));
}

std::string file_name(const std::string& service) {
  std::string out;
  for (const char c : service) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !out.empty());
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string random_hex(std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) {
    unsigned char c = 0;
    while (::getrandom(&c, 1, 0) != 1) {
    }
    out += fmt::format("{:02x}", c);
  }
  return out;
}

std::optional<std::string> read_identity(const std::string& path) {
  auto text = read_file(path, kMaxRecordBytes);
  if (!text) return std::nullopt;
  while (!text->empty() && text->back() == '\n') text->pop_back();
  if (text->size() != 32 || text->find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  return std::move(*text);
}

std::string folder_identity_path(const std::string& folder) { return folder + "/identity"; }

std::string folder_identity(const std::string& folder, Result<void>& kept) {
  kept = {};
  const auto path = folder_identity_path(folder);
  if (auto there = read_identity(path)) return std::move(*there);
  const auto fresh = random_hex(16);
  kept = write_atomically(path, fresh + "\n", {.mode = kRecordMode});
  return fresh;
}

std::string pool_identity(const std::string& folder_identity, const std::string& service) {
  return fmt::format("{:016x}{:016x}", fnv1a(folder_identity + "/" + service),
                     fnv1a(service + "/" + folder_identity));
}

}  // namespace docktor
