#include "control/recorded_history.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include "control/file_journal.h"
#include "control/wait_meter.h"
#include "core/flow.h"
#include "core/record.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr auto kReadAhead =
    std::chrono::minutes(10);  // of samples before `from`: the oldest message may have come there

const ordered_json* in(const ordered_json& record, const char* key) {
  const auto it = record.find(key);
  return it == record.end() || !it->is_object() ? nullptr : &*it;
}

float number_or(const ordered_json* object, const char* key, float otherwise) {
  if (!object) return otherwise;
  const auto it = object->find(key);
  return it != object->end() && it->is_number() ? it->get<float>() : otherwise;
}

class Reader {
 public:
  Reader(const std::string& service, Time from, Time to, std::size_t most, Time began)
      : service_(service),
        from_(from),
        to_(to),
        began_(began),
        steps_(seconds_after(from), seconds_after(to), most) {}

  bool take(const ordered_json& record) {
    if (record.value("service", "") != service_) return true;
    bounds(record);
    const auto* seen = in(record, "observations");
    point_.rate_in = number_or(seen, "queue.rate_in", kUnknown);
    point_.rate_out = number_or(seen, "queue.rate_out", kUnknown);
    const auto inputs = record.find("inputs");
    if (inputs != record.end() && inputs->is_array()) {
      for (const auto& line : *inputs) sample(line);
    }
    // The samples of a record came before its decision.
    point_.target = number_or(&record, "target_replicas", point_.target);
    return true;
  }

  std::vector<HistoryPoint> done() { return steps_.done(); }

 private:
  float seconds_after(Time t) const { return static_cast<float>(to_seconds(t - began_)); }

  void bounds(const ordered_json& record) {
    if (const auto* configuration = in(record, "configuration")) {
      const auto services = configuration->find("services");
      if (services != configuration->end() && services->is_array() && services->size() == 1) {
        least_ = number_or(&services->front(), "min_replicas", kUnknown);
        most_ = number_or(&services->front(), "max_replicas", kUnknown);
      }
    }
    point_.min = least_;
    point_.max = most_;
    const auto* overrides = in(record, "overrides");
    if (!overrides) return;
    const auto o = overrides_from_json(*overrides);
    const auto now = o.bounds ? o.bounds : o.scheduled ? std::optional(o.scheduled->bounds) : std::nullopt;
    if (!now) return;
    point_.min = static_cast<float>(now->min);
    point_.max = static_cast<float>(now->max);
  }

  void sample(const ordered_json& line) {
    auto input = input_from_json(nlohmann::json(line));
    if (!input) return;
    Input& now = input->second;
    if (last_ && now.at <= last_->at) return;
    point_.backlog = point_.oldest_wait = kUnknown;
    if (now.queue) {
      Observation seen;
      seen.queue_at = now.at;
      seen.queue = *now.queue;
      if (last_) seen.flow = flow_between(*last_->queue, *now.queue, now.at - last_->at).flow;
      WaitTotals totals;
      waits_.observe(seen, totals);
      point_.backlog = static_cast<float>(now.queue->num_pending);
      if (const auto& age = seen.queue.oldest_age)
        point_.oldest_wait = static_cast<float>(to_seconds(*age));
      else if (const auto v = waits_.oldest_wait(now.at))
        point_.oldest_wait = static_cast<float>(*v);
    }
    point_.current = static_cast<float>(now.replicas.current);
    point_.ready = static_cast<float>(now.replicas.ready);
    point_.t = seconds_after(now.at);
    if (now.at >= from_ && now.at < to_) steps_.put(point_);
    if (now.queue) last_ = std::move(now);
  }

  const std::string& service_;
  const Time from_, to_, began_;
  HistorySteps steps_;
  HistoryPoint point_{.target = kUnknown};
  float least_ = kUnknown, most_ = kUnknown;
  WaitMeter waits_;
  std::optional<Input> last_;
};

}  // namespace

std::vector<HistoryPoint> recorded_history(const std::string& journal, const std::string& service, Time from,
                                           Time to, std::size_t most, Time began) {
  Reader reader(service, from, to, most, began);
  (void)read_journal(
      journal, [&](const ordered_json& record) { return reader.take(record); },
      lines_of(service, to_seconds(from - kReadAhead)));
  return reader.done();
}

}  // namespace docktor
