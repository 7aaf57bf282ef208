#include "control/state_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/paths.h"
#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

constexpr std::size_t kMostBytes = 16u << 20;
constexpr std::size_t kMany = 64;

}  // namespace

StateStore::StateStore(std::string folder) : folder_(std::move(folder)), thread_([this] { write_all(); }) {}

StateStore::~StateStore() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string StateStore::file(const std::string& service) const {
  std::string safe = service.substr(0, 64);
  std::ranges::replace_if(
      safe, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_'); }, '_');
  return folder_ + "/" + safe + "-" + short_hash(service) + ".state.json";
}

Result<void> StateStore::save(const std::string& service, const nlohmann::json& state, Matter matter) {
  auto text = state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto path = file(service);
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex_);
    Text& next = waiting_[path];
    next.text = std::move(text);
    next.said = next.said || matter == Matter::kSaid;
    if (const auto it = failed_.find(path); it != failed_.end()) error = it->second;
  }
  changed_.notify_all();
  if (error) return tl::unexpected(std::move(*error));
  return {};
}

Result<void> StateStore::on_disk(const std::string& service, std::chrono::milliseconds patience) {
  const auto path = file(service);
  std::unique_lock lock(mutex_);
  const bool written = changed_.wait_for(
      lock, patience, [&] { return !waiting_.contains(path) && !(writing_ && writing_->first == path); });
  if (!written)
    return fail(ErrorCode::kTimeout, fmt::format("{}: the disk takes very long to write it", path));
  if (const auto it = failed_.find(path); it != failed_.end()) return tl::unexpected(it->second);
  return {};
}

nlohmann::json StateStore::load(const std::string& service) const {
  const auto path = file(service);
  std::optional<std::string> text;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = waiting_.find(path); it != waiting_.end())
      text = it->second.text;
    else if (writing_ && writing_->first == path)
      text = writing_->second.text;
  }
  if (!text) {
    auto on_disk = read_file(path, kMostBytes);
    if (!on_disk) return nullptr;
    text = std::move(*on_disk);
  }
  return parse_json(*text);  // discarded (not an object) when damaged
}

std::string StateStore::trouble() const {
  const std::lock_guard lock(mutex_);
  if (failed_.empty()) return "";
  return failed_.begin()->second.message +
         "; make room there, or set the folder right: until then a restart forgets what was learned and what "
         "people said";
}

void StateStore::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void StateStore::write_all() {
  std::unique_lock lock(mutex_);
  bool together = false;
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    together = together || waiting_.size() > kMany;
    const bool last = waiting_.size() == 1;
    auto node = waiting_.extract(waiting_.begin());
    writing_.emplace(std::move(node.key()), std::move(node.mapped()));
    lock.unlock();
    // Only this thread changes writing_. Thousands that wait (a stop) are synced together, after the last.
    const Text& text = writing_->second;
    auto result = write_atomically(writing_->first, text.text,
                                   together    ? OnDisk::kNotKnown
                                   : text.said ? OnDisk::kNew
                                               : OnDisk::kEither);
    if (together && last) {
      sync_files(folder_);
      together = false;
    }
    lock.lock();
    if (result)
      failed_.clear();  // all are in one folder: there is room again
    else
      failed_.insert_or_assign(writing_->first, std::move(result.error()));
    writing_.reset();
    changed_.notify_all();
  }
}

}  // namespace docktor
