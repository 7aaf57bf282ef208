#include "leases/kubernetes/election.h"

#include <algorithm>
#include <utility>

#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;
using kube::field;
using kube::raw_text;

constexpr Duration kLeastLength = std::chrono::seconds(1), kMostLength = std::chrono::hours(1);
constexpr std::size_t kMostText = 1024;
constexpr std::size_t kSuffix = 8;  // hexadecimal digits

std::string bounded(std::string text) {
  if (text.size() > kMostText) text.resize(kMostText);
  return text;
}

}  // namespace

Result<LeaseRecord> read_lease(const Json& object) {
  const auto& spec = field(object, "spec");
  if (!field(object, "metadata").is_object())
    return fail(ErrorCode::kInvalid, "what the API server has there is no Lease", true);
  LeaseRecord out;
  out.holder = bounded(raw_text(spec, "holderIdentity"));
  out.acquired = bounded(raw_text(spec, "acquireTime"));
  out.renewed = bounded(raw_text(spec, "renewTime"));
  out.length = std::clamp<Duration>(std::chrono::seconds(kube::number(spec, "leaseDurationSeconds")),
                                    kLeastLength, kMostLength);
  out.transitions = static_cast<std::uint64_t>(std::max(0, kube::number(spec, "leaseTransitions")));
  return out;
}

Json write_lease(const Json& object, const std::string& name, const LeaseRecord& r) {
  Json out =
      object.is_object()
          ? object
          : Json{{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}, {"metadata", {{"name", name}}}};
  auto& spec = out["spec"];
  if (!spec.is_object()) spec = Json::object();
  spec["holderIdentity"] = r.holder;
  spec["leaseDurationSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(r.length).count();
  spec["acquireTime"] = r.acquired.empty() ? Json() : Json(r.acquired);
  spec["renewTime"] = r.renewed;
  spec["leaseTransitions"] = r.transitions;
  return out;
}

std::string holder_name(const std::string& holder) {
  const auto cut = holder.rfind('_');
  const bool ours = cut != std::string::npos && cut > 0 && holder.size() - cut - 1 == kSuffix &&
                    holder.find_first_not_of("0123456789abcdef", cut + 1) == std::string::npos;
  return kube::short_text(ours ? holder.substr(0, cut) : holder, 200);
}

void Election::saw(std::optional<LeaseRecord> record, Time now) {
  if (record != record_) {
    // Written after the last look, and a period after what was seen before.
    const auto since_look = std::max<Duration>(now - looked_, Duration::zero());
    late_ = record_ ? std::clamp(late_ + (now - changed_) - period_, Duration::zero(), since_look) : period_;
    changed_ = now;
  }
  looked_ = now;
  record_ = std::move(record);
  if (!mine()) sent_.reset();
}

void Election::wrote(LeaseRecord record, Time sent) {
  record_ = std::move(record);
  changed_ = sent;
  sent_ = sent;
}

bool Election::may_take(Time now) const {
  return !record_ || record_->holder.empty() || mine() || now - changed_ >= record_->length;
}

std::optional<Time> Election::free_at() const {
  if (!record_ || record_->holder.empty() || mine()) return std::nullopt;
  return changed_ + record_->length;
}

// Before the next renewal is due, by half of what is not known of when that is, then often until it has come. One that is
// long overdue is waited for as ever.
Time Election::look_at(Time now) const {
  const auto free = free_at();
  if (!free) return now + period_;
  const auto due = changed_ + period_ - std::max(std::min(late_, period_) / 2, period_ / 16);
  const auto next = std::max(due, now + (now < changed_ + period_ * 3 / 2 ? period_ / 8 : period_));
  return *free > now ? std::min(next, *free) : next;
}

LeaseRecord Election::taken(const std::string& clock) const {
  LeaseRecord out = record_.value_or(LeaseRecord{});
  if (!mine()) {
    out.acquired = clock;
    if (record_) ++out.transitions;
  }
  out.holder = me_;
  out.length = length_;
  out.renewed = clock;
  return out;
}

LeaseRecord Election::given_up(const std::string& clock) const {
  LeaseRecord out = record_.value_or(LeaseRecord{});
  out.holder.clear();
  out.length = kLeastLength;
  out.acquired = out.renewed = clock;
  return out;
}

// Others begin to count when they see the write, which is after it went out: until then + length nobody takes it.
std::optional<LeaseTerm> Election::term(Time now) const {
  if (!mine() || !sent_ || now >= *sent_ + deadline_) return std::nullopt;
  return LeaseTerm{*sent_ + deadline_, *sent_ + length_};
}

}  // namespace docktor
