#include "notify/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "core/json_text.h"
#include "core/text.h"

namespace docktor::notify {
namespace {

constexpr std::size_t kMostQuoted = 120;
constexpr std::size_t kLeastSecret = 6;

std::optional<Duration> limited(double s) {
  if (!std::isfinite(s) || s < 0) return std::nullopt;
  return seconds(std::min(s, std::chrono::duration<double>(kLongestWait).count()));
}

// "120", or "Fri, 28 Nov 2026 19:00:00 GMT".
std::optional<Duration> retry_after(const std::string& text, Time now) {
  if (is_decimal_number(text)) return limited(std::strtod(text.c_str(), nullptr));
  std::tm at{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &at);
  if (!end || *end) return std::nullopt;
  return limited(static_cast<double>(::timegm(&at)) - to_seconds(now));
}

// Discord says it in the body, with fractions.
std::optional<Duration> retry_after_of(const HttpResponse& r, Time now) {
  if (const auto it = r.headers.find("retry-after"); it != r.headers.end()) {
    if (const auto wait = retry_after(it->second, now)) return wait;
  }
  const auto body = parse_json(r.body);
  if (!body.is_object()) return std::nullopt;
  const auto it = body.find("retry_after");
  return it != body.end() && it->is_number() ? limited(it->get<double>()) : std::nullopt;
}

// The receiver's own words, unless they may hold what is secret.
std::string quoted(const HttpResponse& r, std::string_view secret) {
  std::string text = plain_text(r.body.substr(0, kMostQuoted));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (text.empty() || text.find('<') != std::string::npos) return {};  // a page
  for (std::size_t from = 0; from < secret.size();) {
    const auto end = std::min(secret.find_first_of("/?&=", from), secret.size());
    if (end - from >= kLeastSecret && r.body.find(secret.substr(from, end - from)) != std::string::npos)
      return {};
    from = end + 1;
  }
  return fmt::format(", \"{}\"", text);
}

}  // namespace

Verdict judge(const Result<HttpResponse>& answer, Time now, std::string_view secret) {
  using What = Verdict::What;
  if (!answer) {
    const auto& e = answer.error();
    return {e.retry ? What::kLater : What::kRefused, std::nullopt, plain_text(e.message)};
  }
  const int s = answer->status;
  if (s >= 200 && s < 300) return {};
  const std::string what = fmt::format("HTTP {}{}", s, quoted(*answer, secret));
  if (s == 429) return {What::kLater, retry_after_of(*answer, now), what + ": too many at once"};
  if (s == 408 || s >= 500) return {What::kLater, retry_after_of(*answer, now), what};
  if (s == 410)
    return {
        What::kGone, std::nullopt,
        what +
            ": the receiver is gone; nothing more is sent until the address is changed and `docktor daemon "
            "reload` run"};
  if (s >= 300 && s < 400)
    return {What::kRefused, std::nullopt,
            what + ": a redirect, which is not followed; write the address that is meant"};
  if (s == 401 || s == 403)
    return {What::kRefused, std::nullopt,
            what + ": it may not be told; check token or password in the address"};
  if (s == 404)
    return {What::kRefused, std::nullopt, what + ": there is no such receiver; check the address"};
  return {What::kRefused, std::nullopt, what};
}

}  // namespace docktor::notify
