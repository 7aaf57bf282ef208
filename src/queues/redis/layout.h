// How one queue lies in Redis: which commands read it, and what their replies mean. One implementation for streams,
// one for lists, one per framework.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/finding.h"
#include "core/result.h"
#include "core/sample.h"
#include "core/time.h"
#include "queues/redis/redis_connection.h"
#include "queues/redis/redis_spec.h"

namespace docktor {

/// Not thread-safe: one reading at a time. A reading is begin(), then next() with the replies to what the step
/// before asked for, until a sample or an error comes of it.
class Layout {
 public:
  using Commands = std::vector<RedisCommand>;
  using Step = std::variant<QueueSample, Commands>;

  struct Wake {
    std::string stream;
    std::string after;  ///< id of the last entry known; "$": what comes from now on
  };
  /// For looks that wait: sends and gives the answer.
  using Ask = std::function<Result<RedisAnswer>(Commands)>;

  virtual ~Layout() = default;

  /// `now` is Unix time.
  virtual Commands begin(Time now) = 0;
  virtual Result<Step> next(const RedisAnswer& answer) = 0;

  /// Where a new message shows at zero replicas; empty where only polling tells.
  virtual std::vector<Wake> wakes() const { return {}; }
  /// Behind next(): what people should know of the sample, see Reading::note.
  virtual std::string note() const { return {}; }
  /// See Source::unfit_for_zero.
  virtual std::string unfit_for_zero() const { return {}; }

  /// For `config validate`, behind a server that answers.
  virtual std::vector<Finding> look(const Ask& ask) = 0;

 protected:
  /// Passes a step's commands on, and keeps their names for Counts.
  Commands send(Commands commands) {
    sent_.clear();
    for (const auto& c : commands) sent_.push_back(c.front());
    return commands;
  }
  std::vector<std::string> sent_;
};

std::unique_ptr<Layout> make_layout(const RedisSpec& spec);

/// What the replies to the commands of these names count, checked: an error of the server's is one, whatever is no count is kInternal.
class Counts {
 public:
  Counts(const RedisAnswer& answer, const std::vector<std::string>& sent) : answer_(answer), sent_(sent) {}

  /// The next reply's count; 0 after an error, which error() tells.
  std::uint64_t take();
  /// The next reply as it is; nullptr after an error.
  const Reply* reply();
  /// As reply(), and nullptr without an error where this user may not use the command.
  const Reply* reply_if_allowed();
  const std::optional<Error>& error() const { return error_; }

 private:
  const RedisAnswer& answer_;
  const std::vector<std::string>& sent_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

}  // namespace docktor
