#include "core/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/policy.h"
#include "core/text.h"

namespace docktor {

namespace {

constexpr auto kMostStarting = std::chrono::minutes(5);  // what takes longer to start is not waited for

// Of several queues, those that began anew; where none did, some were paused or go on.
std::string reset_text(const Observation& latest) {
  std::string whose = latest.parts.empty() ? "the queue's" : "";
  for (const auto& part : latest.parts) {
    if (part.seen.reset) whose += fmt::format("{}{}'s", whose.empty() ? "" : ", ", part.name);
  }
  if (whose.empty()) return "other queues are paused than before: waiting for a new sample";
  return fmt::format(
      "{} counters went back or messages vanished (re-created, purged or restarted): waiting for a new "
      "sample",
      whose);
}

}  // namespace

std::string_view to_string(Action a) {
  switch (a) {
    case Action::kHold:
      return "hold";
    case Action::kScaleUp:
      return "scale_up";
    case Action::kScaleDown:
      return "scale_down";
  }
  return "?";
}

Limits::Limits(const ServiceSpec& spec)
    : service_(spec.name),
      spec_(spec.limits),
      has_queue_(spec.queue.has_value()),
      steps_bind_(!spec.objective || spec.limits.steps_given),
      rules_alone_(spec.rules && !spec.objective),
      stale_after_(spec.stale_after()),
      window_(spec.metrics_window),
      budget_(spec) {}

std::pair<int, int> Limits::bounds(const Overrides& overrides) const {
  const auto b = overrides.bounds_over(spec_);
  return {b.min, overrides.room ? std::min(b.max, overrides.room->most) : b.max};
}

Limits Limits::without_advice() const {
  Limits l = *this;
  l.put_off_until_.reset();
  return l;
}

void Limits::go_on_as(const Limits& alone) {
  last_current_ = alone.last_current_;
  ordered_ = alone.ordered_;
  last_change_ = alone.last_change_;
  stepped_up_ = alone.stepped_up_;
  recommended_ = alone.recommended_;
}

void Limits::note_change(Time now, int current) {
  if (last_current_ && *last_current_ != current) {
    // Our own order counts from when it went out, anybody else's change from when it was seen.
    const bool ours = ordered_ && (ordered_->second > *last_current_) == (current > *last_current_);
    last_change_ = ours ? ordered_->first : now;
    ordered_.reset();
  }
  last_current_ = current;
}

Decision Limits::apply(Time now, const Situation& in, const Overrides& overrides,
                       Recommendation recommendation, std::optional<int> alone) {
  const int current = in.replicas.current;
  const auto bounds = overrides.bounds_over(spec_);
  const int max = bounds.max;
  const std::string by =
      overrides.scheduled && !overrides.bounds ? fmt::format(" ({})", overrides.scheduled->why) : "";
  // A queue that would lose messages at zero replicas has one, data or no data: it may have no data until a
  // worker has made what is read.
  const bool unfit = !overrides.unfit_for_zero.empty() && bounds.min < 1 && max > 0;
  const int min = unfit ? 1 : bounds.min;
  note_change(now, current);
  budget_.tick(now, current);

  Decision d;
  d.at = now;
  d.service = service_;
  d.current = current;
  d.observation = in.window;
  d.reason = recommendation.reason;
  int target = recommendation.no_data ? current : std::max(0, recommendation.wanted);

  const auto limit = [&](std::string_view name, int to, std::string detail) {
    if (to == target) return;
    d.limits.push_back({std::string(name), target, to, std::move(detail)});
    target = to;
  };
  const auto finish = [&]() {
    // Whatever asks for more, a person and min_replicas included.
    if (const auto& room = overrides.room; room && target > current && target > room->most) {
      limit("max_total_replicas", std::max(current, room->most), room->why);
      if (target > current) d.reason += "; " + room->why;
    }
    d.target = target;
    d.action = target > current ? Action::kScaleUp : target < current ? Action::kScaleDown : Action::kHold;
    if (d.action == Action::kHold) {
      // A policy wanted to move and may not: say what holds it, after what it wanted.
      if (!d.limits.empty() && d.reason != d.limits.back().detail) d.reason += "; " + d.limits.back().detail;
    } else if (!d.needs_approval) {
      ordered_ = {now, target};
      if (target > current) stepped_up_ = now;
    }
    d.recommendation = std::move(recommendation);
    return d;
  };

  for (const auto& [name, why] :
       {std::pair{"stopped_by_hand", &overrides.stopped_by_hand}, std::pair{"problem", &overrides.problem},
        std::pair{"target_hold", &overrides.target_hold}}) {
    if (why->empty()) continue;
    limit(name, current, *why);
    d.reason = *why;
    return finish();
  }

  // The same sample twice is no news: rules would step again for what the first step was for.
  const bool again = has_queue_ && in.latest.queue_at && judged_ == in.latest.queue_at;
  judged_ = in.latest.queue_at;
  const bool stale = has_queue_ && (in.latest.queue_stale || again);
  const bool reset = has_queue_ && in.latest.reset;
  if (current < min) {
    // min needs no data; what the policy wants beyond it still counts.
    if (target < min && unfit) {
      limit("unfit_for_zero", min, overrides.unfit_for_zero);
      d.reason = overrides.unfit_for_zero;
    } else if (target < min) {
      limit("min_replicas", min, fmt::format("min_replicas {}{}", min, by));
      d.reason = fmt::format("{} {} below min_replicas {}{}", current,
                             current == 1 ? "replica is" : "replicas are", min, by);
    }
  } else if (current > max) {
    const int to = stale || reset || recommendation.no_data ? current - 1 : max;
    if (target > to || stale || reset) {
      limit("max_replicas", to, fmt::format("max_replicas {}{}", max, by));
      d.reason = fmt::format("{} {} above max_replicas {}{}", current,
                             current == 1 ? "replica is" : "replicas are", max, by);
      return finish();
    }
  }

  if (!overrides.held.empty()) {
    const int to = std::clamp(overrides.replicas.value_or(current), std::min(min, max), max);
    limit("held", to, overrides.held);
    d.reason = overrides.held;
    return finish();
  }

  // Of several queues one is silent, so that nothing is known of all together; but there is work.
  if (current == 0 && max > 0 && !overrides.part_waits.empty()) {
    if (target < 1) limit("work_left", 1, overrides.part_waits);
    if (target > 1) limit("freshness", std::max(1, min), overrides.part_waits);
    d.wake = true;
    d.reason = fmt::format("at zero replicas, and {}", overrides.part_waits);
    if (overrides.approval) d.needs_approval = true;
    return finish();
  }

  if (stale || reset) {
    const std::string why =
        reset                             ? reset_text(in.latest)
        : again && !in.latest.queue_stale ? std::string("no new sample of the queue since the last decision")
        : in.latest.queue_at
            ? fmt::format("the queue's last sample is {} old (stale after {})",
                          short_duration(now - *in.latest.queue_at), short_duration(stale_after_))
            : std::string("no sample of the queue yet");
    limit(reset ? "reset" : "freshness", std::max(current, min), why);
    if (current >= min) d.reason = why;
    return finish();
  }

  if (has_queue_ && !in.latest.queue.paused.empty()) {
    limit("paused", std::max(current, min), in.latest.queue.paused);
    if (current >= min) d.reason = in.latest.queue.paused;
    return finish();
  }

  // Work at zero replicas: pending messages, or messages that a worker died with and that outlived the ack
  // wait.
  bool work = false;
  std::string at_min_why;
  if (has_queue_ && in.latest.queue_at) {
    const QueueSample& q = in.latest.queue;
    if (current > 0 || q.in_hand() == 0)
      in_hand_since_.reset();
    else if (!in_hand_since_)
      in_hand_since_ = now;
    // A queue that does not tell what is in hand: something may be until it was empty for so long.
    if (q.num_pending > 0 || q.num_ack_pending || q.in_hand() > 0)
      empty_since_.reset();
    else if (!empty_since_)
      empty_since_ = now;
    const bool maybe = current > 0 && empty_since_ && now - *empty_since_ < q.redelivered_after;
    work = q.num_pending > 0 || (current > 0 && q.in_hand() > 0) || maybe ||
           (in_hand_since_ && now - *in_hand_since_ >= q.redelivered_after);
    if (work && target < 1) {
      const std::uint64_t n = q.num_pending > 0 ? q.num_pending : q.in_hand();
      const std::string why =
          n == 0 ? fmt::format(
                       "messages may be being processed, which this queue does not tell: waiting until it "
                       "was empty for {}",
                       short_duration(q.redelivered_after))
                 : fmt::format("{} message{} {}", n, n == 1 ? "" : "s",
                               q.num_pending > 0 ? "waiting" : "being processed");
      if (min > 0)
        at_min_why = fmt::format(" ({})", why);  // the bound holds it, and would without the message, too
      else
        limit("work_left", 1, why);
      if (current == 0) {
        d.wake = true;
        d.reason = fmt::format("at zero replicas with {}", why);
      }
    }
  }

  if (in.latest.gap && has_queue_ && target < current && current <= max) {
    limit("gap", current,
          fmt::format("the queue was not seen for a while: no scale-down before a whole window of {}",
                      short_duration(window_)));
  }

  // The newest sample is not old yet, but whoever was asked since did not answer.
  if (has_queue_ && !overrides.queue_silent.empty() && target < current && current <= max)
    limit("freshness", current, overrides.queue_silent);

  // What the last step brought is not seen yet: rules would step on for the same reason until all are up.
  const int starting = current - in.replicas.ready - in.replicas.failing;
  if (rules_alone_ && target > current && current >= min && starting > 0 && stepped_up_ &&
      now - *stepped_up_ < kMostStarting) {
    limit("starting", current,
          fmt::format("{} of {} replicas are starting: the next step waits for them", starting, current));
  }

  if (target > current && in.replicas.failing > 0) {
    const int to = std::max(current, min);
    limit("failing", to,
          fmt::format(
              "{} of {} replicas keep failing (they exit, or their health check fails): fix the worker; "
              "adding replicas would not help",
              in.replicas.failing, current));
  }

  if (target > current && !overrides.not_placed.empty())
    limit("not_placed", std::max(current, min), overrides.not_placed);

  if (const auto& useful = in.latest.queue.useful; useful && has_queue_ && in.latest.queue_at) {
    const int most = std::max(useful->most, min);
    if (target > most)
      limit("useful_replicas", most,
            fmt::format("more than {} replicas are of no use: {}", most, useful->why));
  }

  if (steps_bind_ && current >= min && current <= max && !d.wake) {
    if (target > current + spec_.scale_up_by) {
      limit("scale_up_by", current + spec_.scale_up_by, fmt::format("scale_up_by {}", spec_.scale_up_by));
    }
    if (target < current - spec_.scale_down_by) {
      limit("scale_down_by", current - spec_.scale_down_by,
            fmt::format("scale_down_by {}", spec_.scale_down_by));
    }
  }

  if (spec_.stabilization > Duration::zero()) {
    recommended_.emplace_back(now, target);
    while (recommended_.front().first <= now - spec_.stabilization) recommended_.pop_front();
    if (target < current) {
      const auto highest = std::ranges::max_element(recommended_, {}, &std::pair<Time, int>::second)->second;
      limit("stabilization", std::min(current, std::max(target, highest)),
            fmt::format("stabilization: {} wanted within the last {}", highest,
                        short_duration(spec_.stabilization)));
    }
  }

  const bool mending = current < min || current > max || d.wake;
  if (last_change_ && target != current && !mending) {
    const bool up = target > current;
    const Duration cooldown = up ? spec_.cooldown_up : spec_.cooldown_down;
    const Duration since = now - *last_change_;
    if (since < cooldown) {
      limit(up ? "cooldown_up" : "cooldown_down", current,
            fmt::format("{}: {} to go", up ? "cooldown_up" : "cooldown_down",
                        short_duration(cooldown - since)));
    }
  }

  // What the policy would have done, advice or not.
  if (alone)
    budget_.policy_has(std::min(*alone, current));
  else
    budget_.policy_moved(current, std::clamp(target, min, max));
  if (target > current) put_off_until_.reset();
  if (put_off_until_ && target < current && !mending && now < *put_off_until_ && budget_.left()) {
    limit("advice", current,
          fmt::format("put off on the model's advice{}, {} to go",
                      put_off_why_.empty() ? "" : fmt::format(" (\"{}\")", put_off_why_),
                      short_duration(*put_off_until_ - now)));
  }
  if (alone && target < *alone && (*alone <= current || in.replicas.failing == 0)) {
    limit("advice", *alone,
          fmt::format("without the model's advice there would be {} replicas by now", *alone));
    if (target > current) d.reason += "; " + d.limits.back().detail;
  }

  // What advice added or kept goes once its budget is used up: to what the policy's own steps have come to.
  if (alone && !budget_.left() && target <= current && *alone < target) {
    limit("advice", *alone,
          fmt::format(
              "advice has used as many replica-seconds as it may: without it there would be {} replicas",
              *alone));
    d.reason = d.limits.back().detail;
  }

  // Others wait for these: like a bound, neither steps nor cooldown hold it up.
  if (const auto& room = overrides.room; room && target > room->most && current > room->most) {
    limit("max_total_replicas", std::max(room->most, min), room->why);
    if (target < current) d.reason = room->why;
  }

  if (target > max) {
    limit("max_replicas", max,
          current == max ? fmt::format("already at max_replicas {}{}", max, by)
                         : fmt::format("max_replicas {}{}", max, by));
    if (current < max) d.reason += fmt::format("; max_replicas {}{} allows {}", max, by, max - current);
  }
  if (target < min && unfit) limit("unfit_for_zero", min, overrides.unfit_for_zero);
  if (target < min) {
    limit("min_replicas", min,
          current == min ? fmt::format("already at min_replicas {}{}{}", min, by, at_min_why)
                         : fmt::format("min_replicas {}{}", min, by));
  }
  if (overrides.approval && target != current) {
    if (current < min || current > max)
      limit("approval", std::clamp(current, min, max),
            "the bounds need no approval, what goes beyond them does");
    else
      d.needs_approval = true;
  }
  return finish();
}

void Limits::save(nlohmann::json& state) const {
  if (last_current_) state["last_current"] = *last_current_;
  if (last_change_) state["last_change"] = to_seconds(*last_change_);
  if (ordered_) state["ordered"] = {to_seconds(ordered_->first), ordered_->second};
  if (stepped_up_) state["stepped_up"] = to_seconds(*stepped_up_);
  if (judged_) state["judged"] = to_seconds(*judged_);
  if (in_hand_since_) state["in_hand_since"] = to_seconds(*in_hand_since_);
  if (empty_since_) state["empty_since"] = to_seconds(*empty_since_);
  budget_.save(state["advice"]);
  if (put_off_until_) state["put_off"] = {to_seconds(*put_off_until_), put_off_why_};
  auto& list = state["recommended"] = nlohmann::json::array();
  for (const auto& [t, n] : recommended_) list.push_back({to_seconds(t), n});
}

void Limits::restore(const nlohmann::json& state, Time now) {
  const auto instant = [&](const nlohmann::json& v) -> std::optional<Time> {
    if (!v.is_number()) return std::nullopt;
    const double s = v.get<double>();
    if (!(s >= 0 && s < 9e9)) return std::nullopt;
    return std::min(now, time_at(s));  // a clock that was ahead must not freeze a cooldown
  };
  if (!state.is_object()) return;
  if (const auto it = state.find("last_current"); it != state.end() && it->is_number_integer())
    last_current_ = it->get<int>();
  if (const auto it = state.find("last_change"); it != state.end()) last_change_ = instant(*it);
  if (const auto it = state.find("stepped_up"); it != state.end()) stepped_up_ = instant(*it);
  if (const auto it = state.find("judged"); it != state.end()) judged_ = instant(*it);
  if (const auto it = state.find("in_hand_since"); it != state.end()) in_hand_since_ = instant(*it);
  if (const auto it = state.find("empty_since"); it != state.end()) empty_since_ = instant(*it);
  if (const auto it = state.find("advice"); it != state.end()) budget_.restore(*it, now);
  if (const auto it = state.find("put_off"); it != state.end() && it->is_array() && it->size() == 2) {
    // It lies ahead, but no further than a clock that was set back can explain.
    const auto& until = (*it)[0];
    if (until.is_number() && until.get<double>() >= 0 && until.get<double>() < to_seconds(now) + 3600 &&
        (*it)[1].is_string()) {
      put_off_until_ = time_at(until.get<double>());
      put_off_why_ = (*it)[1].get<std::string>();
    }
  }
  const auto pair = [&](const nlohmann::json& v) -> std::optional<std::pair<Time, int>> {
    if (!v.is_array() || v.size() != 2 || !v[1].is_number_integer()) return std::nullopt;
    const auto t = instant(v[0]);
    if (!t) return std::nullopt;
    return std::pair{*t, v[1].get<int>()};
  };
  if (const auto it = state.find("ordered"); it != state.end()) ordered_ = pair(*it);
  if (const auto it = state.find("recommended"); it != state.end() && it->is_array()) {
    recommended_.clear();
    for (const auto& v : *it) {
      if (const auto p = pair(v)) recommended_.push_back(*p);
    }
  }
}

}  // namespace docktor
