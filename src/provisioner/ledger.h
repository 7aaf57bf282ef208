// What the handlers of one pool have at work, and what they finished of late: so that a message which a
// server delivers again though it was finished (a forgotten acknowledgement), or stored twice (a forgotten
// id), is not worked on twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace docktor {

/// A message is known by its sequence in the stream and the time at which it was stored: a sequence alone may
/// come again (a stream that was re-created, a server that lost the last ones). A request is also known by
/// its id, as the stream knows it: within the stream's duplicate window it is the same request, for a server
/// that restarts forgets the ids of messages that are gone and stores the second try. Memory is bounded: one
/// slot for each of the last kSlots sequences (8 MB, of which only what is used is ever touched), and the
/// last kAnswers answers with their ids. Thread-safe.
class Ledger {
 public:
  static constexpr std::size_t kSlots = std::size_t{1} << 19;
  static constexpr std::size_t kAnswers = 4096;
  static constexpr std::size_t kAnswerBytes = 4096;  ///< a longer answer is not kept

  static constexpr std::size_t kIdBytes = 256;  ///< a longer id is not kept

  struct Entry {
    std::uint64_t sequence = 0;
    std::uint64_t stored_at_ns = 0;
    std::string_view id{};  ///< of a request that has one
  };
  struct Seen {
    /// kTwin: it runs under another sequence, and will be done.
    enum class State { kNew, kRunning, kTwin, kDone } state = State::kNew;
    std::optional<std::string> answer;  ///< kDone: what was answered, where that is known
  };

  Ledger() : slots_(static_cast<Slot*>(std::calloc(kSlots, sizeof(Slot))), &std::free) {}

  /// What is known of the message; a new one counts as running from now on. `window_ns`: how long the stream
  /// holds two messages with one id to be the same.
  Seen begin(const Entry& m, std::uint64_t window_ns = 0) {
    const std::lock_guard lock(mutex_);
    if (!slots_) return {};
    Slot& slot = at(m.sequence);
    if (slot.sequence == m.sequence && slot.stamp >> 1 == m.stored_at_ns)
      return slot.stamp & 1 ? done(m.sequence) : Seen{Seen::State::kRunning, {}};
    if (!m.id.empty() && m.id.size() <= kIdBytes) {
      std::string id(m.id);
      const auto twin = ids_.find(id);
      if (twin != ids_.end() && m.stored_at_ns - twin->second.stored_at_ns < window_ns) {
        if (twin->second.running) return {Seen::State::kTwin, {}};
        slot = {m.sequence, m.stored_at_ns << 1 | 1};
        return done(twin->second.sequence);
      }
      ids_[std::move(id)] = {m.sequence, m.stored_at_ns, true};
    }
    slot = {m.sequence, m.stored_at_ns << 1};
    return {};
  }

  /// It was finished, and (not null) answered.
  void finish(const Entry& m, const std::string* answer) {
    const std::lock_guard lock(mutex_);
    if (!slots_) return;
    at(m.sequence) = {m.sequence, m.stored_at_ns << 1 | 1};
    const auto request = of(m);
    if (!answer || answer->size() > kAnswerBytes) {
      if (request != ids_.end()) ids_.erase(request);
      return;
    }
    if (request != ids_.end()) request->second.running = false;
    if (answers_.contains(m.sequence))
      forget(m.sequence);  // of a stream that was made anew
    else
      order_.push_back(m.sequence);
    answers_.emplace(m.sequence, Answer{*answer, std::string(m.id)});
    for (; order_.size() > kAnswers; order_.pop_front()) forget(order_.front());
  }

  /// It failed, and may come again.
  void abandon(const Entry& m) {
    const std::lock_guard lock(mutex_);
    if (slots_ && at(m.sequence).sequence == m.sequence) at(m.sequence) = {};
    if (const auto request = of(m); request != ids_.end()) ids_.erase(request);
  }

 private:
  struct Slot {
    std::uint64_t sequence;
    std::uint64_t stamp;  // nanoseconds << 1 | done
  };
  struct Answer {
    std::string text, id;
  };
  struct Request {
    std::uint64_t sequence = 0;
    std::uint64_t stored_at_ns = 0;
    bool running = false;
  };
  using Requests = std::unordered_map<std::string, Request>;

  Slot& at(std::uint64_t sequence) { return slots_.get()[sequence % kSlots]; }

  Seen done(std::uint64_t sequence) const {
    const auto it = answers_.find(sequence);
    return {Seen::State::kDone, it == answers_.end() ? std::nullopt : std::optional(it->second.text)};
  }

  // The request that this message began, not a later one with its id.
  Requests::iterator of(const Entry& m) {
    const auto it = m.id.empty() ? ids_.end() : ids_.find(std::string(m.id));
    return it != ids_.end() && it->second.sequence == m.sequence ? it : ids_.end();
  }

  void forget(std::uint64_t sequence) {
    const auto it = answers_.find(sequence);
    if (it == answers_.end()) return;
    if (const auto r = of({sequence, 0, it->second.id}); r != ids_.end() && !r->second.running) ids_.erase(r);
    answers_.erase(it);
  }

  std::mutex mutex_;
  const std::unique_ptr<Slot, void (*)(void*)> slots_;
  std::unordered_map<std::uint64_t, Answer> answers_;  // by sequence
  std::deque<std::uint64_t> order_;                    // of the answers, oldest first
  Requests ids_;                                       // those that run, and those with an answer
};

}  // namespace docktor
