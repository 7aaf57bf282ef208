#include "os/file_writer.h"

#include <fmt/format.h>

#include <set>

namespace docktor {
namespace {

constexpr std::size_t kMany = 64;

}  // namespace

FileWriter::FileWriter(unsigned mode) : mode_(mode), thread_([this] { run(); }) {}

FileWriter::~FileWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void FileWriter::write(const std::string& path, std::string text, OnDisk then) {
  {
    const std::lock_guard lock(mutex_);
    Text& next = waiting_[path];
    next.text = std::move(text);
    if (then == OnDisk::kNew) next.then = then;
  }
  changed_.notify_all();
}

Result<std::string> FileWriter::read(const std::string& path, std::size_t most) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = waiting_.find(path); it != waiting_.end()) return it->second.text;
    if (writing_ && writing_->first == path) return writing_->second.text;
    if (const auto it = failed_.find(path); it != failed_.end()) return it->second.text;
  }
  return read_file(path, most);
}

std::optional<Error> FileWriter::trouble(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = failed_.find(path);
  return it == failed_.end() ? std::optional<Error>() : it->second.error;
}

std::optional<Error> FileWriter::trouble() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

Result<void> FileWriter::on_disk(const std::string& path, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const bool tried = changed_.wait_for(
      lock, patience, [&] { return !waiting_.contains(path) && !(writing_ && writing_->first == path); });
  if (!tried) return fail(ErrorCode::kTimeout, fmt::format("{}: the disk takes very long to write it", path));
  if (const auto it = failed_.find(path); it != failed_.end()) return tl::unexpected(it->second.error);
  return {};
}

void FileWriter::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void FileWriter::run() {
  std::unique_lock lock(mutex_);
  std::set<std::string> to_sync;  // folders of which many files were written together
  bool together = false;
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    together = together || waiting_.size() > kMany;
    const bool last = waiting_.size() == 1;
    auto node = waiting_.extract(waiting_.begin());
    writing_.emplace(std::move(node.key()), std::move(node.mapped()));
    lock.unlock();
    const auto& [path, text] = *writing_;  // only this thread changes it
    auto result = write_atomically(path, text.text, {together ? OnDisk::kNotKnown : text.then, mode_});
    if (together) to_sync.insert(folder_of(path));
    if (together && last) {
      for (const auto& folder : to_sync) sync_files(folder);
      to_sync.clear();
      together = false;
    }
    lock.lock();
    if (result) {
      failed_.erase(writing_->first);
      last_error_.reset();
    } else {
      last_error_ = result.error();
      failed_.insert_or_assign(writing_->first,
                               Failure{std::move(writing_->second.text), std::move(result.error())});
    }
    writing_.reset();
    changed_.notify_all();
  }
}

}  // namespace docktor
