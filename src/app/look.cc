#include "app/look.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include "app/wiring.h"
#include "core/autoscaler.h"
#include "core/record.h"
#include "os/real_clock.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr auto kReadTimeout = 3s;
constexpr auto kBetween = 1s;  // the two samples that rates are made of

// Returns early when stopped.
void wait(std::chrono::nanoseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, length, [] { return false; });
}

Result<Reading> read_once(Source& source) {
  auto promise = std::make_shared<std::promise<Result<Reading>>>();
  auto answer = promise->get_future();
  source.read({kReadTimeout, {}}, [promise](Result<Reading> r) { promise->set_value(std::move(r)); });
  if (answer.wait_for(2 * kReadTimeout) != std::future_status::ready)
    return fail(ErrorCode::kTimeout, "the queue does not answer", true);
  return answer.get();
}

ordered_json look_at(Wiring& wiring, const ServiceSpec& spec, const std::stop_token& stop) {
  const RealClock clock;
  ordered_json j = {{"service", spec.name},
                    {"min_replicas", spec.limits.min_replicas},
                    {"max_replicas", spec.limits.max_replicas},
                    {"scale_up_by", spec.limits.scale_up_by},
                    {"scale_down_by", spec.limits.scale_down_by}};
  auto notes = ordered_json::array({"no daemon runs: this was read just now"});
  ReplicaCounts replicas;
  if (const auto n = wiring.count_replicas(spec, stop)) {
    replicas = {*n, *n};
    j["ready"] = *n;
  } else {
    notes.push_back("the replicas could not be counted: " + n.error().message);
  }
  auto parts = wiring.look(spec);
  Autoscaler autoscaler(spec, std::move(parts.policy));
  for (int i = 0; parts.queue && i < 2 && !stop.stop_requested(); ++i) {
    if (i > 0) wait(kBetween, stop);
    const auto reading = read_once(*parts.queue);
    if (!reading || !reading->queue) {
      const Error silent{ErrorCode::kInternal, "no answer"};
      notes.push_back("the queue: " +
                      (reading ? reading->part_missing.value_or(silent) : reading.error()).message);
      break;
    }
    autoscaler.observe({clock.now(), replicas, reading->queue, std::nullopt});
  }
  const Time now = clock.now();
  const Observation seen = autoscaler.latest(now);
  auto& values = j["observation"] = ordered_json::object();
  for (const auto& m : kMetrics) {
    if (const auto v = seen.get(m.metric)) values[std::string(m.name)] = *v;
  }
  for (const auto& part : seen.parts) {
    for (const auto& m : kMetrics) {
      if (const auto v = part.seen.get(m.metric); v && is_queue(m.metric))
        values[name_of(part.name, m.metric)] = *v;
    }
  }
  if (seen.queue_at && j.contains("ready")) {
    const Decision d = autoscaler.evaluate(now, replicas);
    j["would_decide"] = {{"decision", to_string(d.action)},
                         {"current_replicas", d.current},
                         {"target_replicas", d.target},
                         {"reason", d.reason}};
  }
  j["notes"] = std::move(notes);
  return j;
}

}  // namespace

Result<ordered_json> look(const Config& config, const Instance& instance, const std::string& service,
                          const std::stop_token& stop) {
  Wiring wiring({.state_dir = instance.state_dir, .log_dir = instance.log_dir});
  auto list = ordered_json::array();
  std::vector<std::string> names;
  for (const auto& spec : config.services) {
    names.push_back(spec.name);
    if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "stopped");
    if (service.empty() || service == spec.name) list.push_back(look_at(wiring, spec, stop));
  }
  if (list.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("no service '{}'; there are: {}", service, fmt::join(names, ", ")));
  return ordered_json{{"daemon", false}, {"config", config.path}, {"services", std::move(list)}};
}

}  // namespace docktor
