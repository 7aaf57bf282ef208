// What the controller does with a language model: a scale-down waits a bounded time for its word, everything
// else goes out at once and hears it afterwards. The loop itself never waits.
#include <fmt/format.h>

#include <utility>

#include "control/controller.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {
namespace {

AdviceQuestion question_of(const Service& s, const Evaluation& e, bool down, Duration max_delay) {
  AdviceQuestion q;
  q.down = down;
  q.decision = to_json(e.decision);
  q.decision["t"] = to_seconds(e.decision.at);
  q.history.assign(s.history.begin(), s.history.end());
  q.bounds = s.spec.limits;
  q.bounds.min_replicas = s.bounds().min;
  q.bounds.max_replicas = s.bounds().max;
  q.check_interval = s.spec.check_interval;
  q.max_delay = max_delay;
  return q;
}

}  // namespace

void Controller::advise_with(Advising advising) {
  advising_ = std::move(advising);
  backoff_ = {};
}

std::uint64_t Controller::ask_model(Service& s, const AdviceQuestion& question) {
  const auto number = next_question_++;
  advising_.adviser->ask(question, [this, post = post_to(s), number](auto answer) {
    post([this, number, answer = std::move(answer)](Service& s) mutable {
      on_advice(s, number, std::move(answer));
    });
  });
  return number;
}

bool Controller::await_advice(Service& s, Evaluation& e) {
  if (!advising_.advises() || e.decision.action != Action::kScaleDown || e.decision.needs_approval ||
      !s.autoscaler.open_to_advice(e.decision, e.overrides))
    return false;
  const Time now = options_.clock.now();
  if (!backoff_.may_ask(now)) {
    e.decision.verdict = Verdict::kUnavailable;
    e.decision.verdict_detail = fmt::format("the model is left alone after failures: {}", backoff_.why());
    return false;
  }
  const auto q = question_of(s, e, true, advising_.max_delay);
  const auto wait = std::min<Duration>(advising_.timeout, s.spec.check_interval / 2);
  s.awaited = std::make_unique<AwaitedAdvice>(AwaitedAdvice{0, now, now + wait, std::move(e)});
  s.awaited->number = ask_model(s, q);
  return true;
}

void Controller::hear_of_scale_up(Service& s, const Evaluation& e) {
  if (!advising_.advises() || e.decision.action != Action::kScaleUp ||
      !s.autoscaler.open_to_advice(e.decision, e.overrides) || !backoff_.may_ask(options_.clock.now()))
    return;
  s.added.reset();
  s.asked_for_more = AskedForMore{0, options_.clock.now()};
  s.asked_for_more->number = ask_model(s, question_of(s, e, false, advising_.max_delay));
}

void Controller::take_added(Service& s, Evaluation& e) {
  if (!s.added) return;
  const auto added = *std::exchange(s.added, std::nullopt);
  e.advice = added.advice;
  e.latency = added.latency;
  e.decision = s.autoscaler.advise(e.decision, added.advice, e.overrides);
}

void Controller::note_model(const std::string& failure) {
  if (failure.empty()) {
    if (backoff_.answered()) options_.log.info("{} {} answers again", advising_.provider, advising_.model);
    return;
  }
  if (backoff_.failed(options_.clock.now(), failure)) {
    const auto text = fmt::format(
        "{} {} has failed {} times in a row and is left alone for a while; scaling goes on without it: {}",
        advising_.provider, advising_.model, AdviceBackoff::kFailures, failure);
    options_.log.warn("⚠ {}", text);
    auto r = records_.head("model");
    r["text"] = text;
    records_.write(r);
  }
}

void Controller::on_advice(Service& s, std::uint64_t number, Result<Advice> answer) {
  const Time now = options_.clock.now();
  if (s.asked_for_more && s.asked_for_more->number == number) {
    const auto asked = *std::exchange(s.asked_for_more, std::nullopt);
    note_model(answer ? std::string() : answer.error().message);
    if (answer && answer->kind == AdviceKind::kAdd && now - asked.at <= s.spec.check_interval)
      s.added = AddedAdvice{*std::move(answer), to_seconds(now - asked.at)};
    return;
  }
  if (!s.awaited || s.awaited->number != number) return;  // too late: the policy stood
  note_model(answer ? std::string() : answer.error().message);
  settle(s, std::move(answer));
}

void Controller::settle(Service& s, Result<Advice> answer) {
  const auto awaited = std::exchange(s.awaited, nullptr);
  Evaluation& e = awaited->evaluation;
  e.latency = to_seconds(options_.clock.now() - awaited->asked);
  refresh(s);
  // A person's word that came meanwhile counts, too; what the machine has left changes all the time.
  auto overrides = overrides_of(s, options_.clock.now());
  overrides.host_memory = e.overrides.host_memory;
  overrides.host_cpu = e.overrides.host_cpu;
  const bool changed = s.counts.current != e.counts.current || ending_ || overrides != e.overrides;
  if (changed) {
    answer = Advice{.kind = AdviceKind::kWithdraw, .reason = "the service changed while the model was asked"};
  }
  if (answer) {
    e.advice = shortened_to(*answer, advising_.max_delay);
    e.decision = s.autoscaler.advise(e.decision, *e.advice, e.overrides);
  } else {
    const bool nonsense = answer.error().code == ErrorCode::kInvalid;
    e.decision.verdict = nonsense ? Verdict::kIgnored : Verdict::kUnavailable;
    e.decision.verdict_detail = answer.error().message;
  }
  conclude(s, std::move(e));
}

void Controller::withdraw(Service& s) {
  if (s.awaited)
    settle(s,
           Advice{.kind = AdviceKind::kWithdraw, .reason = "docktor stopped or was reconfigured meanwhile"});
}

void Controller::settle_without(Service& s, const std::string& why) {
  if (!s.awaited) return;
  note_model(why);
  settle(s, fail(ErrorCode::kTimeout, why, true));
}

void Controller::explain_later(const Service& s, const nlohmann::ordered_json& done) {
  const Time now = options_.clock.now();
  if (!advising_.explains() || !backoff_.may_ask(now)) return;
  advising_.adviser->explain(done, [this, inbox = inbox_, name = s.spec.name, id = done.value("id", ""),
                                    now](auto sentence) {
    inbox->push([this, name, id, now, sentence = std::move(sentence)] {
      note_model(sentence ? std::string() : sentence.error().message);
      if (!sentence) return;
      const Time then = options_.clock.now();
      options_.log.info("[{}] {} says: {}", name, advising_.model, *sentence);
      auto r = records_.head("explanation", name);
      r["id"] = id;
      r["text"] = *sentence;
      r["metadata"] = {
          {"provider", advising_.provider}, {"model", advising_.model}, {"latency", to_seconds(then - now)}};
      records_.write(r);
    });
  });
}

}  // namespace docktor
