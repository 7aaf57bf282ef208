// Which core subjects carry the messages that will reach a consumer: the stream's input subjects that match
// the consumer's filters, through mirrors and sources.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "queues/nats/jetstream_connection.h"

namespace docktor {

struct WakeSubjects {
  static constexpr std::size_t kMaxSubjects = 64;
  std::vector<std::string> subjects;  ///< none covers another
  std::vector<std::string> gaps;      ///< what they do not show, in words
  friend bool operator==(const WakeSubjects&, const WakeSubjects&) = default;
};

/// Asks for the streams that feed `stream` (answers up to `max_age` old will do) and calls `done` once,
/// perhaps at once. Loop thread only.
void find_wake_subjects(JetStreamConnection& connection, const std::string& stream,
                        const std::vector<std::string>& filters, Duration max_age,
                        JetStreamConnection::SteadyTime deadline, std::function<void(WakeSubjects)> done);

}  // namespace docktor
