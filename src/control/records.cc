#include "control/records.h"

#include "core/record.h"
#include "core/text.h"

namespace docktor {

// Only where somebody set it: what the time service corrects is no jump.
std::optional<Duration> Records::look_at_wall(Time now) {
  constexpr Duration kJump = std::chrono::seconds(1);
  const Duration ahead = clock_.wall() - now, jump = ahead - by_wall_;
  if (jump < kJump && -jump < kJump) return std::nullopt;
  by_wall_ = ahead;
  return jump;
}

void Records::write(const nlohmann::ordered_json& record) {
  const auto r = journal_.append(record);
  ++(r ? written_ : failed_);
  if (!r && trouble_.empty()) log_.warn("⚠ {}", r.error().message);
  if (r && !trouble_.empty()) log_.info("the journal is written again");
  trouble_ = r ? "" : r.error().message;
}

nlohmann::ordered_json Records::head(const char* event, const std::string& service) const {
  const Time now = clock_.now();
  nlohmann::ordered_json r = {{"ts", utc_seconds(shown(now))}, {"event", event}};
  if (!service.empty()) r["service"] = service;
  r["t"] = to_seconds(now);
  return r;
}

void Records::event(const Service& s, const char* what, const std::string& text) {
  auto r = head(what, s.spec.name);
  r["text"] = text;
  write(r);
}

void Records::start(Service& s) { write_state(s, "start"); }

// A journal file begins with records whose inputs are in the state already.
void Records::keep_file_whole(Service& s) {
  if (s.in_file == journal_.file() || !s.inputs.empty() || s.order || s.awaited) return;
  write_state(s, "snapshot");
}

void Records::write_state(Service& s, const char* event) {
  auto r = head(event, s.spec.name);
  r["run"] = run_;
  r["configuration"] = s.effective.empty() ? nlohmann::ordered_json()
                                           : nlohmann::ordered_json::parse(s.effective, nullptr, false);
  r["state"] = s.autoscaler.save();
  write(r);
  s.in_file = journal_.file();
}

nlohmann::ordered_json metadata_of(nlohmann::ordered_json base, const Advising& advising,
                                   const Evaluation& e) {
  nlohmann::ordered_json m = std::move(base);
  if (advising.provider != "none") m = {{"provider", advising.provider}, {"model", advising.model}};
  if (e.latency) m["latency"] = *e.latency;
  m["verdict"] = to_string(e.decision.verdict);
  if (!e.decision.verdict_detail.empty()) m["detail"] = e.decision.verdict_detail;
  return m;
}

nlohmann::ordered_json record_of(Evaluation& e, const nlohmann::ordered_json& metadata, Time shown) {
  nlohmann::ordered_json r;
  r["ts"] = utc_seconds(shown);
  auto fields = to_json(e.decision);
  for (auto& [key, v] : fields.items()) {
    if (key == "matched_rules") {
      r["metadata"] = metadata;
      r["id"] = e.id;
    }
    r[key] = std::move(v);
  }
  if (e.advice) r["advice"] = to_json(*e.advice);
  r["t"] = to_seconds(e.decision.at);
  r["replicas"] = {{"current", e.counts.current}, {"ready", e.counts.ready}, {"failing", e.counts.failing}};
  if (e.counts.not_placed) r["replicas"]["not_placed"] = e.counts.not_placed;
  if (e.overrides != Overrides{}) r["overrides"] = to_json(e.overrides);
  r["inputs"] = std::move(e.inputs);
  return r;
}

}  // namespace docktor
