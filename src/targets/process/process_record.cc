#include "targets/process/process_record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "os/fd.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kMostBytes = 16 << 20;
constexpr std::size_t kMostReplicas = 100'000;
constexpr std::size_t kMostText = 4096;

tl::unexpected<Error> file_error(const std::string& path, const char* what) {
  const int e = errno;
  const auto code = e == ENOENT                 ? ErrorCode::kNotFound
                    : e == EACCES || e == EPERM ? ErrorCode::kDenied
                                                : ErrorCode::kExhausted;
  return fail(code, fmt::format("{}: {}: {}", path, what, std::strerror(e)), true);
}

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

Result<void> write_whole(const std::string& path, const std::string& text) {
  const auto beside = path + ".new";
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (auto r = make_folders(path.substr(0, slash)); !r) return r;  // somebody may have removed it
  }
  Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return file_error(beside, "cannot write");
  if (!write_all(fd.get(), text) || ::fsync(fd.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0) {
    auto error = file_error(path, "cannot write");
    ::unlink(beside.c_str());
    return error;
  }
  // The rename must survive a power cut, too.
  const auto folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder_fd) ::fsync(folder_fd.get());
  return {};
}

Result<std::string> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return file_error(path, "cannot read");
  std::string text;
  char block[16 << 10];
  while (true) {
    const auto n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "cannot read");
    if (n == 0) return text;
    text.append(block, static_cast<std::size_t>(n));
    if (text.size() > kMostBytes) {
      return fail(ErrorCode::kInvalid, fmt::format("{}: larger than {} bytes", path, kMostBytes));
    }
  }
}

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
  auto text = read_whole(path);
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
  kept = write_whole(path, fresh + "\n");
  return fresh;
}

std::string pool_identity(const std::string& folder_identity, const std::string& service) {
  return fmt::format("{:016x}{:016x}", fnv1a(folder_identity + "/" + service),
                     fnv1a(service + "/" + folder_identity));
}

Result<void> make_folders(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0) return {};
  if (errno == ENOENT) {
    const auto slash = path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
      if (auto r = make_folders(path.substr(0, slash)); !r) return r;
      if (::mkdir(path.c_str(), 0750) == 0) return {};
    }
  }
  struct stat s{};
  if (errno == EEXIST && ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) return {};
  return file_error(path, "cannot make the folder");
}

RecordWriter::RecordWriter() : thread_([this] { loop(); }) {}

RecordWriter::~RecordWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RecordWriter::write(const std::string& path, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    waiting_[path] = std::move(text);
  }
  changed_.notify_all();
}

Result<std::string> RecordWriter::read(const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = waiting_.find(path); it != waiting_.end()) return it->second;
    if (const auto it = latest_failed_.find(path); it != latest_failed_.end()) return it->second;
    if (writing_ && writing_->first == path) return writing_->second;
  }
  return read_whole(path);
}

std::string RecordWriter::trouble(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = trouble_.find(path);
  return it == trouble_.end() ? "" : it->second;
}

void RecordWriter::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void RecordWriter::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto node = waiting_.extract(waiting_.begin());
    writing_.emplace(node.key(), std::move(node.mapped()));
    lock.unlock();
    const auto result = write_whole(writing_->first, writing_->second);  // only this thread changes writing_
    lock.lock();
    if (result) {
      trouble_.erase(writing_->first);
      latest_failed_.erase(writing_->first);
    } else {
      trouble_[writing_->first] = result.error().message;
      latest_failed_[writing_->first] = std::move(writing_->second);
    }
    writing_.reset();
    changed_.notify_all();
  }
}

}  // namespace docktor
