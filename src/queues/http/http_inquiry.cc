#include "queues/http/http_inquiry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "core/json_text.h"
#include "core/text.h"
#include "queues/http/pointed_figures.h"

namespace docktor {

namespace {

constexpr std::size_t kMostBody = 1 << 20;

}  // namespace

HttpInquiry::HttpInquiry(HttpQueueSpec spec)
    : spec_(std::move(spec)), samples_({.step = spec_.step, .claim_after = spec_.claim_after}) {}

Result<Inquiry::Step> HttpInquiry::begin(const Instant&) {
  HttpRequest r;
  r.path = spec_.login.url.path;
  r.headers = {"Accept: application/json", "Cache-Control: no-cache"};
  r.max_body = kMostBody;
  return Requests{std::move(r)};
}

Result<void> HttpInquiry::take(const HttpResponse& answer, const Instant& now) {
  figures_.clear();
  if (answer.status < 200 || answer.status > 299)
    return refusal(answer, spec_.login.shown(), spec_.login.who());
  const auto document = parse_json(answer.body);
  if (document.is_discarded())
    return fail(ErrorCode::kUnavailable,
                answer.body.empty()
                    ? "the answer is empty; correct queue.url"
                    : fmt::format("the answer is no JSON: it begins with {}; correct queue.url",
                                  excerpt(answer.body, 60)),
                true);
  if (!spec_.as_of.empty()) {
    const auto at = instant_at(document, "as_of", spec_.as_of);
    if (!at) return tl::unexpected(at.error());
    const double age = now.unix_seconds - *at, most = to_seconds(spec_.max_age);
    if (age > most || age < -most)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("the figures are {} than {} (as_of, max_age): no data; {}",
                              age > 0 ? "older" : "further in the future", short_duration(spec_.max_age),
                              age > 0 ? "what renews them has stopped, or its clock is behind"
                                      : "its clock is ahead; set the two clocks"),
                  true);
  }
  for (const auto& [figure, pointer] : spec_.pointers) {
    const auto number = number_at(document, figure_key(figure, "backlog"), pointer);
    // Where nothing waits, nothing has an age.
    if (!number && figure == Figure::kOldestAge && figures_[Figure::kBacklog] == 0) continue;
    if (!number) return tl::unexpected(number.error());
    figures_[figure] = *number;
  }
  return {};
}

Result<Inquiry::Step> HttpInquiry::next(const Asker::Answers& answers, const Instant& now) {
  if (const auto taken = take(answers.at(0), now); !taken) return tl::unexpected(taken.error());
  return samples_.make(now, figures_);
}

std::string HttpInquiry::watch_gap() const { return "the endpoint tells nobody of new messages"; }

std::vector<Finding> HttpInquiry::look(const Ask& ask) {
  std::vector<Finding> out;
  const auto requests = begin(instant_now());
  const auto answers = ask(std::get<Requests>(*requests));
  if (!answers) return {{Severity::kError, answers.error().message, {}}};
  const auto taken = take(answers->front(), instant_now());
  if (!taken && taken.error().code == ErrorCode::kDenied)
    return {{Severity::kError, taken.error().message, {}}};
  out.push_back({Severity::kOk, fmt::format("{} answers", spec_.login.shown()), {}});
  std::vector<std::string> told;
  for (const auto& [figure, value] : figures_)
    told.push_back(fmt::format("{} {}", figure_key(figure, "backlog"), short_number(value)));
  if (!told.empty()) out.push_back({Severity::kOk, fmt::format("figures: {}", fmt::join(told, ", ")), {}});
  if (!taken) out.push_back({Severity::kError, taken.error().message, "until then docktor holds"});
  if (spec_.as_of.empty())
    out.push_back({Severity::kWarning,
                   "how old the figures are is not told: an endpoint whose figures stand still looks like a "
                   "queue that does",
                   "let it say when they were taken, and write as_of"});
  if (!spec_.pointers.contains(Figure::kInFlight))
    out.push_back({Severity::kWarning,
                   "messages in hand are not told: a worker that is busy with the last ones looks idle",
                   "write a pointer for in_flight"});
  return out;
}

}  // namespace docktor
