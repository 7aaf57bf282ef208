// What the layouts of job queues have in common: one step of counts, summed up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queues/redis/layout.h"

namespace docktor {

/// "2 queues": `one` with an s but for 1.
std::string some(std::uint64_t n, std::string_view one);

class JobLayout : public Layout {
 public:
  explicit JobLayout(const RedisSpec& spec) : spec_(spec) {}

  Commands begin(Time now) final {
    now_ = now;
    sample_ = {};
    sample_.num_ack_pending.reset();
    sample_.redelivered_after = spec_.claim_after;
    return send(first());
  }
  Result<Step> next(const RedisAnswer& answer) override {
    Counts counts(answer, sent_);
    take(counts);
    if (counts.error()) return tl::unexpected(*counts.error());
    return std::move(sample_);
  }

 protected:
  virtual Commands first() = 0;
  /// In the order of first().
  virtual void take(Counts& counts) = 0;

  /// Findings of a look: what was sampled, and a warning where no mark of the framework's was there.
  std::vector<Finding> look_with(const Ask& ask, const std::string& framework, const Commands& marks,
                                 const std::string& looked_for);

  std::string key(std::string_view rest) const { return spec_.key_prefix + std::string(rest); }
  std::string seconds_now() const;  ///< Unix time, as scores have it
  double unix_seconds() const { return std::chrono::duration<double>(now_.time_since_epoch()).count(); }

  const RedisSpec spec_;
  Time now_{};
  QueueSample sample_;
};

}  // namespace docktor
