#include "web/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/record.h"

namespace docktor::web {
namespace {

using nlohmann::ordered_json;

constexpr auto kTick = std::chrono::seconds(1);
constexpr int kTicksOfSilence = 10;  // then a comment, which also finds out who has gone

// Three digits are what a person reads; more would make news of nothing.
double rounded(double v) {
  if (v == 0 || !std::isfinite(v)) return 0;
  const double scale = std::pow(10, 2 - std::floor(std::log10(std::abs(v))));
  return scale < 1 ? std::round(v) : std::round(v * scale) / scale;
}

std::string event(const char* name, const std::string& data, const std::string& id = {}) {
  return fmt::format("event: {}\n{}data: {}\n\n", name, id.empty() ? "" : fmt::format("id: {}\n", id), data);
}

std::string decision_event(const DecisionNote& n) {
  return event("decision",
               to_line({{"service", n.service},
                        {"id", n.id},
                        {"t", to_seconds(n.at)},
                        {"decision", to_string(n.action)},
                        {"current_replicas", n.from},
                        {"target_replicas", n.to},
                        {"reason", n.reason},
                        {"outcome", n.outcome}}),
               n.id);
}

// Which there are: a reader that comes again drops those that have left.
std::string names_event(const std::vector<ServiceFiguresPtr>& services) {
  ordered_json names = ordered_json::array();
  for (const auto& f : services) names.push_back(f->name);
  return event("services", to_line(names));
}

}  // namespace

ordered_json brief(const ServiceFigures& f) {
  ordered_json j = {{"service", f.name},           {"current", f.counts.current},
                    {"ready", f.counts.ready},     {"starting", f.starting},
                    {"failing", f.counts.failing}, {"not_placed", f.counts.not_placed},
                    {"stopping", f.stopping},      {"target", f.wanted},
                    {"min", f.bounds.min},         {"max", f.bounds.max}};
  if (!f.queue.empty()) j["queue"] = f.queue;
  const auto put = [&](const char* key, std::optional<double> v) {
    if (v && std::isfinite(*v)) j[key] = rounded(*v);
  };
  if (f.latest.queue_at && !f.latest.queue_stale) {
    put("backlog", f.latest.get(Metric::kQueueBacklog));
    put("in_hand", f.latest.get(Metric::kQueueAckPending));
    const Observation& mean = f.decision ? f.decision->observation : f.latest;
    put("rate_in", mean.get(Metric::kQueueRateIn));
    put("rate_out", mean.get(Metric::kQueueRateOut));
    put("dead", f.latest.get(Metric::kQueueDead));
    put("oldest_wait", f.oldest_wait);
    if (f.oldest_wait && f.oldest_is_guess) j["oldest_wait_is_guess"] = true;
  }
  for (const auto& part : f.latest.parts) {
    ordered_json one = {{"name", part.name}};
    const auto add = [&](const char* key, Metric m) {
      if (const auto v = part.seen.get(m); v && !part.seen.queue_stale) one[key] = rounded(*v);
    };
    add("backlog", Metric::kQueueBacklog);
    add("in_hand", Metric::kQueueAckPending);
    j["queues"].push_back(std::move(one));
  }
  if (f.latest.usage_at && !f.latest.usage_stale) put("cpu", f.latest.get(Metric::kCpuAvg));
  put("max_wait", f.max_wait);
  if (!f.holdings.empty()) {
    auto& list = j["conditions"] = ordered_json::array();
    for (const auto& h : f.holdings) {
      const auto& c = info(h.condition);
      list.push_back({{"condition", c.name}, {"words", c.words}, {"trouble", c.trouble}});
      if (!h.detail.empty()) list.back()["detail"] = h.detail;
    }
  }
  if (f.decision) {
    const Decision& d = *f.decision;
    j["decision"] = {{"id", f.decision_id},
                     {"t", std::round(to_seconds(d.at))},
                     {"decision", to_string(d.action)},
                     {"current_replicas", d.current},
                     {"target_replicas", d.target},
                     {"reason", d.reason},
                     {"outcome", f.outcome}};
  }
  if (!f.why.empty()) j["why_nothing_happens"] = f.why;
  if (f.proposals > 0) j["proposals"] = f.proposals;
  return j;
}

Feed::~Feed() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Feed::add(std::shared_ptr<http::EventStream> stream, const std::string& last) {
  const std::lock_guard lock(mutex_);
  std::string text = "retry: 2000\n\n";
  const auto services = board_.services();
  const bool first = streams_.empty();
  if (first) {
    noted_ = board_.last_note();
    told_.clear();
  }
  for (const auto& f : services) {
    auto line = to_line(brief(*f));
    text += event("service", line);
    if (first) told_[f->name] = std::move(line);  // what the next second is compared with
  }
  text += names_event(services);
  if (!last.empty()) {
    bool known = false;
    for (const auto& n : board_.notes(0)) {
      if (known) text += decision_event(n);
      known = known || n.id == last;
    }
  }
  if (!stream->send(text)) return;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  streams_.push_back(std::move(stream));
  changed_.notify_all();
}

void Feed::end_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& s : streams_) s->end();
  streams_.clear();
}

std::string Feed::changes() {
  std::string text;
  const auto services = board_.services();
  for (const auto& f : services) {
    auto line = to_line(brief(*f));
    auto& told = told_[f->name];
    if (line == told) continue;
    text += event("service", line);
    told = std::move(line);
  }
  if (told_.size() > services.size()) {  // some have left
    std::erase_if(told_, [&](const auto& one) {
      return std::ranges::none_of(services, [&](const auto& f) { return f->name == one.first; });
    });
    text += names_event(services);
  }
  for (const auto& n : board_.notes(noted_)) {
    text += decision_event(n);
    noted_ = n.number;
  }
  return text;
}

void Feed::run(const std::stop_token& stop) {
  int silent = 0;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (streams_.empty()) {
      changed_.wait(lock, stop, [&] { return !streams_.empty(); });
      continue;
    }
    changed_.wait_for(lock, stop, kTick, [] { return false; });
    if (stop.stop_requested()) return;
    std::string text = changes();
    if (text.empty() && ++silent >= kTicksOfSilence) text = ": still here\n\n";
    if (text.empty()) continue;
    silent = 0;
    streams_.remove_if([&](const auto& s) { return !s->send(text); });
  }
}

}  // namespace docktor::web
