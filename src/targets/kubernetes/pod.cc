#include "targets/kubernetes/pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/rfc3339.h"
#include "core/text.h"
#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;

// What a container waits for that time alone will not bring.
constexpr auto kBroken = std::to_array<std::string_view>(
    {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName",
     "CreateContainerConfigError", "CreateContainerError", "RunContainerError"});

using kube::field;
using kube::flag;
using kube::list;
using kube::number;
using kube::raw_text;
using kube::text;

std::string joined(const std::string& reason, const std::string& message) {
  return kube::short_text(message.empty() ? reason : reason + ": " + message);
}

const Json& condition(const Json& status, std::string_view type) {
  static const Json none;
  for (const auto& c : list(status, "conditions")) {
    if (text(c, "type") == type) return c;
  }
  return none;
}

// "exit code 3", "OOMKilled": how a container's last run ended; empty where there was none.
std::string last_end(const Json& container) {
  const auto& end = field(field(container, "lastState"), "terminated");
  if (!end.is_object()) return {};
  const auto reason = text(end, "reason");
  return reason.empty() || reason == "Error" || reason == "Completed"
             ? fmt::format("exit code {}", number(end, "exitCode"))
             : reason;
}

bool ended_at_once(const Json& container) {
  const auto& end = field(field(container, "lastState"), "terminated");
  const auto from = parse_rfc3339(raw_text(end, "startedAt")),
             to = parse_rfc3339(raw_text(end, "finishedAt"));
  return from && to && *to - *from < kAtOnce && field(end, "exitCode") == 0;
}

void take_limits(const Json& spec, KubePod& pod) {
  bool cpu = true, mem = true;
  for (const auto& c : list(spec, "containers")) {
    const auto& limits = field(field(c, "resources"), "limits");
    const auto quantity = [&](const char* key) {
      const auto& v = field(limits, key);
      return v.is_string() ? parse_quantity(v.get<std::string>()) : std::nullopt;
    };
    const auto c_limit = quantity("cpu"), m_limit = quantity("memory");
    cpu = cpu && c_limit;
    mem = mem && m_limit;
    pod.cpu_limit += c_limit.value_or(0);
    pod.mem_limit += m_limit.value_or(0);
  }
  if (!cpu) pod.cpu_limit = 0;
  if (!mem) pod.mem_limit = 0;
}

// Of its containers: whether one is broken, how often they were started anew, and why.
struct Containers {
  std::string broken;
  std::string last;  // how the last run of one ended
  int restarts = 0;
  int at_once = 0;  // restarts of one whose last run was short, and ended with 0
};

Containers containers_of(const Json& status) {
  Containers out;
  for (const char* kind : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& c : list(status, kind)) {
      out.restarts += number(c, "restartCount");
      if (auto end = last_end(c); !end.empty()) out.last = std::move(end);
      const auto& waiting = field(field(c, "state"), "waiting");
      const auto reason = text(waiting, "reason");
      if (std::ranges::count(kBroken, reason) > 0 && out.broken.empty())
        out.broken = joined(reason, text(waiting, "message"));
      if (ended_at_once(c)) out.at_once = std::max(out.at_once, number(c, "restartCount"));
    }
  }
  return out;
}

void set(KubePod& pod, ReplicaState state, const std::string& since, std::string note = {}) {
  pod.state = state;
  pod.note = std::move(note);
  if (const auto at = parse_rfc3339(since)) pod.since = *at;
}

// A container that was killed when the pod's time to end was over. The end is told in whole seconds.
bool outlived_its_grace(const Json& status, Time deadline) {
  return std::ranges::any_of(list(status, "containerStatuses"), [&](const Json& c) {
    const auto& end = field(field(c, "state"), "terminated");
    const auto at = parse_rfc3339(raw_text(end, "finishedAt"));
    return number(end, "exitCode") == 128 + SIGKILL && text(end, "reason") != "OOMKilled" && at &&
           *at >= deadline - std::chrono::seconds(1);
  });
}

void take_state(const Json& meta, const Json& status, KubePod& pod) {
  const auto phase = text(status, "phase");
  const auto& scheduled = condition(status, "PodScheduled");
  const auto& ready = condition(status, "Ready");
  const auto containers = containers_of(status);
  pod.restarts = containers.restarts;
  pod.at_once = containers.at_once;
  pod.ended = phase == "Succeeded" || phase == "Failed";
  const auto deleted = text(meta, "deletionTimestamp");
  if (!deleted.empty()) {
    set(pod, ReplicaState::kStopping, deleted);
    const auto grace = std::chrono::seconds(number(meta, "deletionGracePeriodSeconds"));
    if (grace.count() > 0 && outlived_its_grace(status, pod.since)) pod.killed = grace;
    pod.since -= grace;  // it says when the grace is over
    return;
  }
  if (text(scheduled, "status") == "False") {
    const auto message = text(scheduled, "message");
    return set(pod, ReplicaState::kNotPlaced, text(scheduled, "lastTransitionTime"),
               message.empty() ? text(scheduled, "reason") : message);
  }
  if (!containers.broken.empty())
    return set(pod, ReplicaState::kFailing, text(ready, "lastTransitionTime"), containers.broken);
  if (text(ready, "status") == "True")
    return set(pod, ReplicaState::kReady, text(ready, "lastTransitionTime"));
  if (containers.restarts > 0)
    return set(pod, ReplicaState::kFailing, text(ready, "lastTransitionTime"),
               fmt::format("started {} times, last {}", containers.restarts + 1,
                           containers.last.empty() ? "end unknown" : containers.last));
  set(pod, ReplicaState::kStarting, "");
}

}  // namespace

std::optional<KubePod> read_pod(const Json& pod, Time now) {
  const auto& meta = field(pod, "metadata");
  KubePod p;
  p.name = text(meta, "name");
  p.uid = raw_text(meta, "uid");
  if (p.name.empty() || p.uid.empty()) return std::nullopt;
  for (const auto& [key, value] : field(meta, "labels").items()) {
    if (value.is_string()) p.labels[key] = value.get<std::string>();
  }
  for (const auto& owner : list(meta, "ownerReferences")) {
    if (!flag(owner, "controller")) continue;
    p.owner_kind = text(owner, "kind");
    p.owner_name = raw_text(owner, "name");
  }
  p.deletion_cost = raw_text(field(meta, "annotations"), kDeletionCost);
  p.node = text(field(pod, "spec"), "nodeName");
  p.created = std::min(parse_rfc3339(raw_text(meta, "creationTimestamp")).value_or(now), now);
  p.since = p.created;
  take_limits(field(pod, "spec"), p);
  take_state(meta, field(pod, "status"), p);
  p.since = std::clamp(p.since, p.created, now);
  return p;
}

std::optional<PodMetrics> read_pod_metrics(const Json& item) {
  const auto& containers = field(item, "containers");
  if (!containers.is_array() || containers.empty()) return std::nullopt;
  PodMetrics out;
  for (const auto& c : containers) {
    const auto& usage = field(c, "usage");
    const auto cpu = parse_quantity(text(usage, "cpu")), mem = parse_quantity(text(usage, "memory"));
    if (!cpu || !mem || *cpu < 0 || *mem < 0) return std::nullopt;
    out.cpu += 100 * *cpu;
    out.mem += *mem;
  }
  return out;
}

std::optional<double> parse_quantity(std::string_view text) {
  constexpr auto kUnits = std::to_array<std::pair<std::string_view, double>>({{"", 1},
                                                                              {"n", 1e-9},
                                                                              {"u", 1e-6},
                                                                              {"m", 1e-3},
                                                                              {"k", 1e3},
                                                                              {"M", 1e6},
                                                                              {"G", 1e9},
                                                                              {"T", 1e12},
                                                                              {"P", 1e15},
                                                                              {"E", 1e18},
                                                                              {"Ki", 1024.0},
                                                                              {"Mi", 1048576.0},
                                                                              {"Gi", 1073741824.0},
                                                                              {"Ti", 1099511627776.0}});
  const auto end = std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
  auto digits = text.substr(0, end);
  auto unit = text.substr(end);
  if (unit.empty() && digits.ends_with('E')) {  // 1E is 10^18, 1E3 is a thousand
    unit = "E";
    digits.remove_suffix(1);
  }
  if (!is_decimal_number(digits)) return std::nullopt;
  for (const auto& [name, factor] : kUnits) {
    if (name == unit) return std::strtod(std::string(digits).c_str(), nullptr) * factor;
  }
  return std::nullopt;
}

}  // namespace docktor
