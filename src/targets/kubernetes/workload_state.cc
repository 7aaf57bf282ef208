#include "targets/kubernetes/workload_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"
#include "core/victims.h"

namespace docktor {
namespace {

constexpr std::size_t kMostNews = 50;
constexpr std::size_t kMostUndone = 3;
constexpr auto kFightTime = std::chrono::minutes(10);
constexpr auto kPodsLate = std::chrono::seconds(30);

// Programs that bring back what a file says: a 0 of theirs is no person's wish.
bool applies_files(const std::string& manager) {
  constexpr auto kAppliers = std::to_array<std::string_view>(
      {"argocd", "helm", "kustomize-controller", "flux", "terraform", "pulumi", "fleet"});
  return std::ranges::any_of(kAppliers, [&](auto a) { return manager.find(a) != std::string::npos; });
}

}  // namespace

void WorkloadState::on_scale(const ScaleView& scale, Time now) {
  const bool same_object = !scale_ || scale_->uid == scale.uid;
  if (same_object && memory_.sent == scale.desired && (!scale_ || scale_->desired != scale.desired))
    return on_own_scale(scale, now);
  const auto before = std::exchange(scale_, scale);
  if (before && before->uid != scale.uid) {
    news(fmt::format("{} was made anew, with {} replicas", workload_.shown(), scale.desired));
    pods_.clear();
  } else if (before && before->desired != scale.desired) {
    foreign_change(before->desired, scale.desired, now);
  } else if (!before) {
    return found(scale);
  }
  memory_.desired = scale.desired;
  if (scale.desired > 0) memory_.stopped_by_hand.clear();
}

void WorkloadState::foreign_change(int from, int to, Time now) {
  const auto by = facts_ ? facts_->writer : std::string();
  const auto who = by.empty() ? std::string("somebody") : by;
  if (follows_) return news(fmt::format("{} set {} replicas (from {})", who, to, from));
  news(fmt::format("{} set {} replicas (from {}) outside docktor", who, to, from));
  if (to == 0 && from > 0 && !applies_files(by))
    memory_.stopped_by_hand = fmt::format("scaled to 0 outside docktor at {}", clock_text(now));
  if (!std::exchange(ordered_since_, false)) return;
  undone_.push_back(now);
  undone_by_ = who;
  if (undone_.size() > kMostUndone) undone_.pop_front();
}

void WorkloadState::on_own_scale(const ScaleView& scale, Time) {
  scale_ = scale;
  memory_.desired = scale.desired;
  memory_.sent.reset();
  if (scale.desired > 0) memory_.stopped_by_hand.clear();
  ordered_since_ = true;
}

void WorkloadState::on_facts(std::optional<WorkloadFacts> facts) {
  facts_ = std::move(facts);
  const auto stuck = facts_ ? facts_->stuck : std::string();
  if (stuck != told_stuck_ && !stuck.empty()) news(fmt::format("a roll-out is stuck: {}", stuck));
  told_stuck_ = stuck;
}

bool WorkloadState::owns(const KubePod& pod) const {
  if (!scale_) return false;
  // Every pod of the namespace is held against every workload's.
  if (!selector_ || selector_->first != scale_->selector)
    selector_ = {scale_->selector, LabelSelector::parse(scale_->selector)};
  const auto& selector = selector_->second;
  if (!selector || !selector->matches(pod.labels)) return false;
  const auto& owner = pod.owner_name;
  if (workload_.group != "apps") return true;  // its pods may be owned by anything
  if (workload_.kind == "Deployment")
    return pod.owner_kind == "ReplicaSet" && owner.starts_with(workload_.name + "-");
  return pod.owner_kind == workload_.kind && owner == workload_.name;
}

void WorkloadState::set_pods(std::vector<KubePod> pods) {
  const auto before = std::exchange(pods_, {});
  for (auto& pod : pods) {
    if (const auto at = before.find(pod.name); at != before.end())
      pods_.insert(*at);  // for what is news about it
    on_pod(std::move(pod));
  }
}

void WorkloadState::on_pod(KubePod pod) {
  const auto at = pods_.find(pod.name);
  if (at != pods_.end() && at->second.uid == pod.uid && pod.restarts > at->second.restarts)
    news(fmt::format("pod {} was started anew{}", pod.name, pod.note.empty() ? "" : ": " + pod.note));
  if (pod.killed && at != pods_.end() && at->second.uid == pod.uid && !at->second.killed) {
    killed_stops_.killed("pod " + pod.name, *pod.killed, "terminationGracePeriodSeconds");
    news(fmt::format("pod {} did not end within its grace period of {}: killed", pod.name,
                     short_duration(*pod.killed)));
  }
  if (pod.ended) {
    if (at != pods_.end() && at->second.state != ReplicaState::kStopping)
      news(fmt::format("pod {} has ended", pod.name));
    return on_pod_gone(pod.name);
  }
  pods_[pod.name] = std::move(pod);
}

void WorkloadState::on_pod_gone(const std::string& name) {
  const auto gone = pods_.extract(name);
  if (!gone || gone.mapped().state != ReplicaState::kStopping) return;
  killed_stops_.ended(std::ranges::any_of(
      pods_, [](const auto& other) { return other.second.state == ReplicaState::kStopping; }));
}

void WorkloadState::lead(const LedBefore& before) {
  follows_ = ordered_since_ = false;
  undone_.clear();
  memory_.sent.reset();
  memory_.stopped_by_hand = plain_text(before.stopped_by_hand);
  memory_.desired.reset();
  if (before.ran) memory_.desired = 1;  // some: a 0 is news
  if (scale_) found(*scale_);
}

// The first number that is seen, or seen by one that acts.
void WorkloadState::found(const ScaleView& scale) {
  const bool by_a_file = facts_ && applies_files(facts_->writer);
  if (!follows_ && scale.desired == 0 && memory_.desired.value_or(0) > 0 && memory_.stopped_by_hand.empty() &&
      !by_a_file) {
    memory_.stopped_by_hand = "scaled to 0 outside docktor while docktor was away";
    news(memory_.stopped_by_hand);
  }
  memory_.desired = scale.desired;
  if (scale.desired > 0) memory_.stopped_by_hand.clear();
}

void WorkloadState::resume() {
  memory_.stopped_by_hand.clear();
  undone_.clear();
}

void WorkloadState::news(std::string text) {
  if (news_.size() < kMostNews) news_.push_back(std::move(text));
}

std::set<std::string> WorkloadState::idlest(int fewer, const std::map<std::string, double>& busyness) const {
  std::vector<Candidate> candidates;
  for (const auto& [name, pod] : pods_) {
    if (pod.state == ReplicaState::kStopping) continue;
    const auto busy = busyness.find(name);
    candidates.push_back({.id = name,
                          .unhealthy = pod.state == ReplicaState::kFailing,
                          .starting = pod.state != ReplicaState::kReady,
                          .busy = busy == busyness.end() ? std::nullopt : std::optional(busy->second),
                          .age_order = pod.created.time_since_epoch().count()});
  }
  std::set<std::string> out;
  for (auto& name : victims(std::move(candidates), static_cast<std::size_t>(std::max(fewer, 0)))) {
    if (pods_.at(name).state == ReplicaState::kReady) out.insert(std::move(name));
  }
  return out;
}

// Those that have no pod, where it is known that they get none for now.
std::vector<Replica> WorkloadState::missing(int live, bool all_ready, Time now) {
  const int n = scale_->desired - live;
  if (n <= 0) {
    short_since_.reset();
    return {};
  }
  if (!short_since_) short_since_ = now;
  std::string why = facts_ ? facts_->refused : "";
  // A StatefulSet makes one after the other, each when the one before is ready.
  if (why.empty() && all_ready && now - *short_since_ >= kPodsLate)
    why = fmt::format(
        "no pod was made for them since {}; is there a quota, or an admission webhook that refuses?",
        clock_text(*short_since_));
  if (why.empty()) return {};
  std::vector<Replica> out;
  for (int i = 1; i <= n; ++i)
    out.push_back({.id = fmt::format("{} (no pod {})", workload_.name, i),
                   .state = ReplicaState::kNotPlaced,
                   .since = *short_since_,
                   .note = why});
  return out;
}

TargetReport WorkloadState::report(Time now) {
  TargetReport r;
  r.stopped_by_hand = memory_.stopped_by_hand;
  r.killed = killed_stops_.text();
  if (facts_) r.grace = facts_->grace;
  if (!scale_) return r;
  r.desired = scale_->desired;
  r.version = scale_->version;
  r.hold = autoscaler_;
  if (r.hold.empty() && undone_.size() == kMostUndone && now - undone_.front() < kFightTime &&
      now - undone_.back() < kFightTime)
    r.hold = fmt::format(
        "{} undid docktor's orders {} times within 10 minutes, the last time at {}; take the number of "
        "replicas out of "
        "what it applies, see docs/kubernetes.md",
        undone_by_, kMostUndone, clock_text(undone_.back()));
  std::vector<const KubePod*> pods;
  for (const auto& [name, pod] : pods_) pods.push_back(&pod);
  std::ranges::sort(
      pods, [](auto* a, auto* b) { return std::tie(a->created, a->name) < std::tie(b->created, b->name); });
  int live = 0;
  bool all_ready = true;
  waits_ = false;
  for (const auto* pod : pods) {
    live += pod->state != ReplicaState::kStopping;
    const bool works = pod->state == ReplicaState::kReady, young = now - pod->since < kAtOnce;
    const bool at_once = pod->at_once > 0 && (!works || young);
    waits_ = waits_ || (at_once && works);
    all_ready = all_ready && (pod->state == ReplicaState::kReady || pod->state == ReplicaState::kStopping);
    r.replicas.push_back({.id = pod->name,
                          .node = pod->node,
                          .state = pod->state,
                          .since = pod->since,
                          .restarts = pod->restarts,
                          .at_once = at_once ? pod->at_once : 0,
                          .note = pod->note});
  }
  auto without_pod = missing(live, all_ready, now);
  r.replicas.insert(r.replicas.end(), std::make_move_iterator(without_pod.begin()),
                    std::make_move_iterator(without_pod.end()));
  return r;
}

}  // namespace docktor
