// What the handlers of one pool have at work, and what they finished of late: so that a message which a
// server delivers again though it was finished (a forgotten acknowledgement) is not worked on twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace docktor {

/// A message is known by its sequence in the stream and the time at which it was stored: a sequence alone may
/// come again (a stream that was re-created, a server that lost the last ones). Memory is bounded: one slot
/// for each of the last kSlots sequences (8 MB, of which only what is used is ever touched). Thread-safe.
class Ledger {
 public:
  static constexpr std::size_t kSlots = std::size_t{1} << 19;
  static constexpr std::size_t kAnswers = 4096;
  static constexpr std::size_t kAnswerBytes = 4096;  ///< a longer answer is not kept

  struct Seen {
    enum class State { kNew, kRunning, kDone } state = State::kNew;
    std::optional<std::string> answer;  ///< kDone: what was answered, where that is known
  };

  Ledger() : slots_(static_cast<Slot*>(std::calloc(kSlots, sizeof(Slot))), &std::free) {}

  /// What is known of the message; a new one counts as running from now on.
  Seen begin(std::uint64_t sequence, std::uint64_t stored_at_ns) {
    const std::lock_guard lock(mutex_);
    if (!slots_) return {};
    Slot& slot = at(sequence);
    if (slot.sequence == sequence && slot.stamp >> 1 == stored_at_ns) {
      if (!(slot.stamp & 1)) return {Seen::State::kRunning, {}};
      const auto it = answers_.find(sequence);
      return {Seen::State::kDone, it == answers_.end() ? std::nullopt : std::optional(it->second)};
    }
    slot = {sequence, stored_at_ns << 1};
    return {};
  }

  /// It was finished, and (not null) answered.
  void finish(std::uint64_t sequence, std::uint64_t stored_at_ns, const std::string* answer) {
    const std::lock_guard lock(mutex_);
    if (!slots_) return;
    at(sequence) = {sequence, stored_at_ns << 1 | 1};
    if (!answer || answer->size() > kAnswerBytes) return;
    if (answers_.insert_or_assign(sequence, *answer).second) order_.push_back(sequence);
    while (order_.size() > kAnswers) {
      answers_.erase(order_.front());
      order_.pop_front();
    }
  }

  /// It failed, and may come again.
  void abandon(std::uint64_t sequence) {
    const std::lock_guard lock(mutex_);
    if (slots_ && at(sequence).sequence == sequence) at(sequence) = {};
  }

 private:
  struct Slot {
    std::uint64_t sequence;
    std::uint64_t stamp;  // nanoseconds << 1 | done
  };
  Slot& at(std::uint64_t sequence) { return slots_.get()[sequence % kSlots]; }

  std::mutex mutex_;
  const std::unique_ptr<Slot, void (*)(void*)> slots_;
  std::unordered_map<std::uint64_t, std::string> answers_;
  std::deque<std::uint64_t> order_;
};

}  // namespace docktor
