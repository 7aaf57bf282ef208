// A stream that a consumer group reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "queues/redis/layout.h"

namespace docktor {

/// Ready is the group's lag. Where the server does not know it (Redis before 7; after a restart or a failover, until
/// the group reads again; after a deletion), the entries behind the group's last delivery are counted, one page in
/// each reading: fewer than there are for some readings, never none. A page has fewer entries where they are large, as they come
/// with their bodies, and where a page had no answer.
class StreamLayout final : public Layout {
 public:
  static constexpr int kPage = 1000;
  static constexpr std::size_t kPageBytes = std::size_t{8} << 20;

  explicit StreamLayout(const RedisSpec& spec)
      : stream_(spec.key_prefix + spec.stream), group_(spec.group), claim_after_(spec.claim_after) {}

  Commands begin(Time now) override;
  Result<Step> next(const RedisAnswer& answer) override;
  std::vector<Wake> wakes() const override;
  std::string unfit_for_zero() const override { return unfit_; }
  std::vector<Finding> look(const Ask& ask) override;

 private:
  // What is behind the group's last delivery, as far as it was looked at.
  struct Behind {
    std::string after;       // the last delivery
    std::string counted_to;  // the last entry that was counted, or `after`
    std::uint64_t count = 0;
    std::uint64_t length = 0;  // the stream's, then
    std::string first;         // id of the oldest entry that waits; empty: not known
  };

  Result<Step> group_read(const RedisAnswer& answer);
  Result<Step> range_read(const RedisAnswer& answer);
  Step finish();
  int page_for(const Reply& stream) const;

  const std::string stream_;
  const std::string group_;
  const Duration claim_after_;

  Time now_{};
  bool ranging_ = false;  // an answer with entries is to come
  int page_ = kPage;
  bool lag_known_ = false;
  QueueSample sample_;
  Behind behind_;
  std::string last_id_;    // of the stream; empty: not read yet
  bool readable_ = true;   // the key is absent or a stream
  bool may_range_ = true;  // this user may use XRANGE
  std::string unfit_;
};

}  // namespace docktor
