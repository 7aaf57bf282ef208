#include "notify/channel.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json_text.h"
#include "core/text.h"

namespace docktor::notify {
namespace {

constexpr double kJitter = 0.2;

bool stands(const Event& e) { return e.phase != Phase::kOnce; }

}  // namespace

Channel::Channel(ChannelSpec spec, Address address, Sender sender, std::string run, unsigned seed)
    : spec_(std::move(spec)),
      address_(std::move(address)),
      sender_(std::move(sender)),
      run_(std::move(run)),
      watch_(spec_),
      random_(seed) {
  figures_.name = spec_.name;
  sender_.page = spec_.page;
}

void Channel::change(ChannelSpec spec, Address address, Time now) {
  if (spec == spec_ && !gone_) return;
  const bool moved = gone_ || spec.url != spec_.url;
  spec_ = std::move(spec);
  sender_.page = spec_.page;
  address_ = std::move(address);
  watch_.change(spec_);
  if (moved && batch_) {
    // Another form may take fewer at once, and another receiver knows none of the tries.
    waiting_.insert(waiting_.begin(), batch_->events.begin(), batch_->events.end());
    batch_.reset();
  }
  if (moved) {
    gone_ = sending_ = false;
    figures_.trouble.clear();
  }
  const auto wanted = [&](const EventInfo& e, const std::string& service) {
    return spec_.takes_event(e) && spec_.takes_service(service);
  };
  std::erase_if(waiting_, [&](const Event& e) { return !wanted(e.info, e.service); });
  const auto gone =
      std::erase_if(told_, [&](const auto& t) { return !wanted(t.second.info, t.first.service); });
  told_changed_ = told_changed_ || gone > 0;
  next_send_ = now;
  next_beat_ = now;
}

std::string Channel::new_id() { return fmt::format("{}-{}-{}", run_, spec_.name, ++next_id_); }

Duration Channel::repeat() const {
  if (spec_.repeat > Duration::zero()) return spec_.repeat;
  if (address_.form == Form::kAlertmanager) return kAlertAgain;
  return address_.form == Form::kHeartbeat ? Duration(kBeat) : Duration::zero();
}

// Of what only happens the oldest gives way; what stands is found again by the next look.
void Channel::put(Event e) {
  if (waiting_.size() >= kMostWaiting) {
    const auto once = std::ranges::find(waiting_, Phase::kOnce, &Event::phase);
    ++figures_.dropped;
    if (once == waiting_.end()) return;
    waiting_.erase(once);
  }
  e.id = new_id();
  waiting_.push_back(std::move(e));
}

bool Channel::waits_for(const Key& key) const {
  const auto same = [&](const Event& e) { return e.key() == key; };
  return std::ranges::any_of(waiting_, same) || (batch_ && std::ranges::any_of(batch_->events, same));
}

void Channel::put_begun(const Sight& sight) {
  for (const auto& [key, t] : watch_.tracks()) {
    if (t.state != Watch::State::kStanding) continue;
    const auto it = told_.find(key);
    Event e{.info = t.info,
            .phase = Phase::kBegin,
            .service = key.service,
            .detail = t.detail,
            .at = sight.now,
            .since = t.since,
            .figures = t.figures};
    if (t.figures && t.figures->decision) e.decision = t.figures->decision_id;
    if (it == told_.end()) {
      if (t.held != sight.now) continue;  // it stands until it is surely over, and is none to begin with
      if (waiting_.size() >= kMostWaiting) return;  // the next look finds it
      told_.emplace(key, Told{.info = t.info, .since = t.since, .last = sight.now});
      put(std::move(e));
    } else if (repeat() > Duration::zero() && sight.now - it->second.last >= repeat() && !waits_for(key)) {
      e.phase = Phase::kStill;
      e.since = it->second.since;
      it->second.last = sight.now;
      if (waiting_.size() < kMostWaiting) put(std::move(e));
    }
  }
}

void Channel::put_ended(const Sight& sight) {
  for (auto it = told_.begin(); it != told_.end();) {
    const auto& [key, t] = *it;
    const auto found = watch_.tracks().find(key);
    const bool stands = found != watch_.tracks().end() && found->second.state == Watch::State::kStanding;
    if (stands || waiting_.size() >= kMostWaiting) {
      ++it;
      continue;
    }
    Event e{.info = t.info,
            .phase = Phase::kEnd,
            .service = key.service,
            .detail = {},
            .at = sight.now,
            .since = t.since};
    if (found != watch_.tracks().end() && found->second.ended > t.since) e.at = found->second.ended;
    const auto now =
        std::ranges::find_if(sight.services, [&](const auto& f) { return f->name == key.service; });
    if (now != sight.services.end()) e.figures = *now;
    told_changed_ = told_changed_ || t.arrived;
    it = told_.erase(it);
    put(std::move(e));
  }
}

void Channel::put_notes(const Sight& sight) {
  static const auto scaled = *event_named("scaled"), woken = *event_named("woken"),
                    to_zero = *event_named("to_zero");
  for (const auto& n : sight.notes) {
    if (n.outcome != "done" || n.from == n.to || !spec_.takes_service(n.service)) continue;
    const EventInfo& more = n.from == 0 ? woken : n.to == 0 ? to_zero : scaled;
    const EventInfo& info = spec_.takes_event(more) ? more : scaled;
    if (!spec_.takes_event(info)) continue;
    const auto now =
        std::ranges::find_if(sight.services, [&](const auto& f) { return f->name == n.service; });
    put({.info = info,
         .phase = Phase::kOnce,
         .service = n.service,
         .what = fmt::format("{} → {} replicas", n.from, n.to),
         .detail = n.reason,
         .at = n.at,
         .since = n.at,
         .figures = now != sight.services.end() ? *now : nullptr,
         .decision = n.id});
  }
}

void Channel::look(const Sight& sight) {
  if (address_.form == Form::kHeartbeat) return;
  watch_.look(sight);
  if (!leads_) return;
  put_ended(sight);
  put_begun(sight);
  put_notes(sight);
}

// What was not sent, the other one finds for itself: it stands, and nobody was told.
void Channel::follow() {
  leads_ = false;
  std::erase_if(waiting_, stands);
  if (batch_ && !sending_) keep_what_happened(*batch_);
  std::erase_if(told_, [](const auto& t) { return !t.second.arrived; });
}

void Channel::lead(const nlohmann::json& told, Time now) {
  leads_ = true;
  next_beat_ = now;
  if (!told.is_array()) return;
  told_.clear();
  told_changed_ = true;
  restore(told, now);
}

void Channel::keep_what_happened(Batch& batch) {
  std::erase_if(batch.events, stands);
  if (batch.events.empty()) batch_.reset();
}

void Channel::tell(std::string_view event, const std::string& detail, Time now) {
  const auto info = event_named(event);
  if (!info || address_.form == Form::kHeartbeat || !spec_.takes_event(*info)) return;
  put({.info = *info, .phase = Phase::kOnce, .service = {}, .detail = detail, .at = now, .since = now});
}

std::optional<Time> Channel::next() const {
  if (sending_ || gone_) return std::nullopt;
  if (address_.form == Form::kHeartbeat) return next_beat_;
  if (batch_) return batch_->due;
  return waiting_.empty() ? std::nullopt : std::optional(next_send_);
}

std::optional<HttpRequest> Channel::due(Time now, bool alive, Duration by_wall) {
  const auto at = next();
  if (!at || *at > now) return std::nullopt;
  if (address_.form == Form::kHeartbeat) {
    next_beat_ = now + repeat();
    if (!alive) return std::nullopt;  // this silence is what it is for
    batch_ = Batch{.id = new_id(), .events = {}};
  } else if (!batch_) {
    batch_ = Batch{};
    const auto n = std::min(waiting_.size(), most_in_one(address_.form));
    std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n),
              std::back_inserter(batch_->events));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n));
    batch_->id = n == 1 ? batch_->events.front().id : new_id();
  }
  auto events = batch_->events;
  for (auto& e : events) {
    e.at += by_wall;
    e.since += by_wall;
  }
  auto request = render(address_, sender_, events, batch_->id);
  request.timeout = kTimeout;
  if (info(address_.form).signs) sign(request, spec_.keys, batch_->id, now + by_wall);
  sending_ = true;
  next_send_ = now + kBetween;
  return request;
}

void Channel::arrived(const Batch& batch) {
  figures_.sent += std::max<std::size_t>(batch.events.size(), 1);
  if (!figures_.trouble.empty())
    notes_.push_back(
        {false, fmt::format("notifications of {} arrive again at {}", spec_.name, address_.shown)});
  figures_.trouble.clear();
  for (const auto& e : batch.events) {
    const auto it = told_.find(e.key());
    told_changed_ = told_changed_ || e.phase == Phase::kEnd;
    if (e.phase != Phase::kBegin || it == told_.end()) continue;
    it->second.arrived = true;
    told_changed_ = true;
  }
}

// Told once, however often it fails in the same way.
void Channel::failed(const std::string& why, bool for_good) {
  const auto text =
      fmt::format("notifications of {} do not arrive at {}: {}", spec_.name, address_.shown, why);
  if (text == figures_.trouble) return;
  figures_.trouble = text;
  notes_.push_back({true, text + (for_good ? "" : "; it is tried again")});
}

void Channel::answered(const Result<HttpResponse>& answer, Time now) {
  sending_ = false;
  if (!batch_) return;
  const auto verdict =
      judge(answer, now, address_.path + "/" + address_.topic + "/" + address_.authorization);
  using What = Verdict::What;
  if (verdict.what == What::kTaken) {
    const auto batch = std::move(*batch_);
    batch_.reset();
    return arrived(batch);
  }
  ++figures_.failures;
  const bool heartbeat = address_.form == Form::kHeartbeat;
  const bool again = verdict.what == What::kLater && batch_->tries < kRetries.size() && !heartbeat;
  failed(verdict.why, !again);
  if (again) {
    const double length = to_seconds(kRetries[batch_->tries++]);
    std::uniform_real_distribution<double> jitter(1 - kJitter, 1 + kJitter);
    const Duration wait =
        std::max(seconds(length * jitter(random_)), verdict.wait.value_or(Duration::zero()));
    batch_->due = now + wait;
    if (!leads_) keep_what_happened(*batch_);
    return;
  }
  if (!heartbeat) figures_.dropped += batch_->events.size();
  told_changed_ = told_changed_ || std::ranges::any_of(batch_->events, stands);
  if (verdict.what == Verdict::What::kLater && !heartbeat)
    notes_.push_back({true, fmt::format("{}: given up after {} tries: {}", spec_.name, batch_->tries + 1,
                                        title_of(batch_->events.front()))});
  batch_.reset();
  gone_ = verdict.what == What::kGone;
}

ChannelFigures Channel::figures() const { return figures_; }

nlohmann::json Channel::told() const {
  auto list = nlohmann::json::array();
  const auto put = [&](const Key& key, Time since) {
    list.push_back({{"service", key.service}, {"event", key.event}, {"since", to_seconds(since)}});
  };
  for (const auto& [key, t] : told_) {
    if (t.arrived) put(key, t.since);
  }
  // An end that has not arrived is told again by whoever takes this up.
  const auto put_end = [&](const Event& e) {
    if (e.phase == Phase::kEnd && !told_.contains(e.key())) put(e.key(), e.since);
  };
  std::ranges::for_each(waiting_, put_end);
  if (batch_) std::ranges::for_each(batch_->events, put_end);
  return list;
}

void Channel::restore(const nlohmann::json& told, Time now) {
  if (!told.is_array()) return;
  for (const auto& t : told) {
    if (!t.is_object() || !t.contains("service") || !t["service"].is_string() || !t.contains("event") ||
        !t["event"].is_string() || !t.contains("since") || !t["since"].is_number())
      continue;
    const auto info = event_named(t["event"].get<std::string>());
    const auto service = t["service"].get<std::string>();
    const double since = std::clamp(t["since"].get<double>(), 0.0, to_seconds(now));
    if (!info || !spec_.takes_event(*info) || !spec_.takes_service(service)) continue;
    if (service != plain_text(service)) continue;  // no name of a service
    told_[{service, std::string(info->name)}] = {
        .info = *info, .since = time_at(since), .last = now, .arrived = true};
    watch_.restore(*info, service, time_at(since), now);
  }
}

}  // namespace docktor::notify
