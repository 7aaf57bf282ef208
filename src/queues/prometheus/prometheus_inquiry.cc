#include "queues/prometheus/prometheus_inquiry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tuple>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"

namespace docktor {

namespace {

constexpr std::size_t kMostBody = 1 << 20;

std::string_view key_of(Figure figure) { return figure_key(figure, "query"); }

// Neither is 0 because nothing was found.
bool may_be_zero(Figure f) {
  return f != Figure::kArrivals && f != Figure::kSettled && f != Figure::kOldestAge;
}

}  // namespace

PrometheusInquiry::PrometheusInquiry(PrometheusSpec spec)
    : spec_(std::move(spec)), samples_({.step = spec_.scrape_interval, .claim_after = spec_.claim_after}) {}

// By POST, as a query may be longer than an address.
HttpRequest PrometheusInquiry::request(const std::string& query) const {
  HttpRequest r;
  r.method = "POST";
  r.path = spec_.prefix + "/api/v1/query";
  r.content_type = "application/x-www-form-urlencoded";
  r.body = "query=" + url_encoded(query) + "&timeout=5s";
  // The server's own time of the first answer: all figures are of one instant, whatever our clock says.
  if (!at_.empty()) r.body += "&time=" + url_encoded(at_);
  r.max_body = kMostBody;
  return r;
}

Result<Inquiry::Step> PrometheusInquiry::begin(const Instant&) {
  first_ = true;
  at_.clear();
  figures_.clear();
  asked_.clear();
  aged_.clear();
  Requests out{request(spec_.queries.at(Figure::kBacklog))};
  // Where there is no series there is no time of it: the others have this one.
  if (spec_.empty_is_zero) out.push_back(request("time()"));
  return out;
}

Result<std::optional<InstantValue>> PrometheusInquiry::value_in(Figure figure,
                                                                const HttpResponse& answer) const {
  // An error of the query comes with a status of 400 or so, and says what is wrong.
  const bool json = answer.body.starts_with('{');
  if (answer.status != 200 && (!json || answer.status == 401 || answer.status == 403))
    return refusal(answer, spec_.login.shown(), spec_.login.who());
  auto value = parse_instant(answer.body);
  if (!value)
    return fail(value.error().code, fmt::format("{} {}", key_of(figure), value.error().message),
                value.error().retry);
  return value;
}

Result<void> PrometheusInquiry::take(Figure figure, const HttpResponse& answer) {
  const auto value = value_in(figure, answer);
  if (!value) return tl::unexpected(value.error());
  if (!*value) {
    if (spec_.empty_is_zero && may_be_zero(figure)) {
      figures_[figure] = 0;
      return {};
    }
    // Where nothing waits, nothing has an age.
    if (figure == Figure::kOldestAge && figures_[Figure::kBacklog] == 0) return {};
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} finds no series ({}): no data; correct the query{}", key_of(figure),
                            excerpt(spec_.queries.at(figure)),
                            may_be_zero(figure) ? ", or write empty: 0 where that means none" : ""),
                true);
  }
  if (figure == Figure::kBacklog) {
    at_ = (*value)->at;
    at_seconds_ = (*value)->at_seconds;
  }
  const auto number = sensible(key_of(figure), (*value)->value);
  if (!number) {
    if (figure == Figure::kOldestAge && figures_[Figure::kBacklog] == 0) return {};
    return tl::unexpected(number.error());
  }
  figures_[figure] = *number;
  return {};
}

// timestamp() of a selector is the sample's own; the time of an answer is the query's.
Result<void> PrometheusInquiry::check_age(Figure figure, const HttpResponse& answer) const {
  const auto taken = value_in(figure, answer);
  if (!taken) return tl::unexpected(taken.error());
  // No time: there was no value either, and that was told or counts as 0.
  if (!*taken || at_seconds_ - (*taken)->value <= to_seconds(spec_.max_age)) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} is older than {} (max_age): no data; what writes it has stopped",
                          key_of(figure), short_duration(spec_.max_age)),
              true);
}

Inquiry::Requests PrometheusInquiry::rest() {
  Requests out;
  for (const auto& [figure, query] : spec_.queries) {
    if (figure == Figure::kBacklog) continue;
    asked_.push_back(figure);
    out.push_back(request(query));
  }
  if (at_.empty()) return out;
  for (const auto& [figure, query] : spec_.queries) {
    if (!is_selector(query)) continue;
    aged_.push_back(figure);
    out.push_back(request(fmt::format("timestamp({})", query)));
  }
  return out;
}

Result<Inquiry::Step> PrometheusInquiry::next(const Asker::Answers& answers, const Instant& now) {
  if (std::exchange(first_, false)) {
    if (const auto taken = take(Figure::kBacklog, answers.at(0)); !taken)
      return tl::unexpected(taken.error());
    if (at_.empty()) {
      const auto time = value_in(Figure::kBacklog, answers.at(1));
      if (!time) return tl::unexpected(time.error());
      if (*time) std::tie(at_, at_seconds_) = std::tie((*time)->at, (*time)->at_seconds);
    }
    if (auto more = rest(); !more.empty()) return more;
    return samples_.make(now, figures_);
  }
  for (std::size_t i = 0; i < asked_.size() + aged_.size(); ++i) {
    const auto good = i < asked_.size() ? take(asked_[i], answers.at(i))
                                        : check_age(aged_[i - asked_.size()], answers.at(i));
    if (!good) return tl::unexpected(good.error());
  }
  return samples_.make(now, figures_);
}

std::string PrometheusInquiry::watch_gap() const {
  return "Prometheus tells nobody of new messages, and shows them with its next scrape";
}

std::vector<Finding> PrometheusInquiry::look(const Ask& ask) {
  std::vector<Finding> out;
  HttpRequest build;
  build.path = spec_.prefix + "/api/v1/status/buildinfo";
  build.max_body = kMostBody;
  const auto about = ask({build});
  if (!about) return {{Severity::kError, about.error().message, {}}};
  const auto version = about->front().status == 200 ? version_in(about->front().body) : std::string();
  auto step = begin(instant_now());
  while (step && std::holds_alternative<Requests>(*step)) {
    const auto answers = ask(std::get<Requests>(*step));
    step = answers ? next(*answers, instant_now()) : Result<Step>(tl::unexpected(answers.error()));
  }
  if (!step && step.error().code == ErrorCode::kDenied) return {{Severity::kError, step.error().message, {}}};
  out.push_back({Severity::kOk,
                 fmt::format("{} answers{}", spec_.login.shown(),
                             version.empty() ? "" : fmt::format(" (version {})", version)),
                 {}});
  std::vector<std::string> told;
  for (const auto& [figure, value] : figures_)
    told.push_back(fmt::format("{} {}", key_of(figure), short_number(value)));
  if (!told.empty()) out.push_back({Severity::kOk, fmt::format("figures: {}", fmt::join(told, ", ")), {}});
  if (!step) out.push_back({Severity::kError, step.error().message, "until then docktor holds"});
  if (!spec_.queries.contains(Figure::kInFlight))
    out.push_back({Severity::kWarning,
                   "messages in hand are not told: a worker that is busy with the last ones looks idle",
                   "write a query for in_flight"});
  return out;
}

}  // namespace docktor
