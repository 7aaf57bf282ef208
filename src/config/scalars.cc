#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "config/mistakes.h"
#include "core/text.h"

namespace docktor {

namespace {

// A secret's value is never repeated, not even where it is wrong.
tl::unexpected<Error> wrong(const Knob& knob, std::string_view text, std::string_view hint = {}) {
  const auto shown = knob.secret ? std::string("not right") : in_quotes(text);
  std::string message = fmt::format("{} is {}; allowed: {}", knob.key, shown, allowed(knob));
  if (!hint.empty()) message += fmt::format("; {}", hint);
  return fail(ErrorCode::kInvalid, std::move(message));
}

std::optional<double> plain_number(std::string_view text, std::chars_format format) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v, format);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

}  // namespace

Result<int> integer_of(const Knob& knob, std::string_view text) {
  std::int64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  // 010 is eight for some readers of YAML and ten for others.
  const bool ambiguous = text.size() > 1 && text[0] == '0';
  if (error != std::errc{} || end != text.data() + text.size() || ambiguous) return wrong(knob, text);
  if (static_cast<double>(v) < knob.least || static_cast<double>(v) > knob.most) return wrong(knob, text);
  return static_cast<int>(v);
}

Result<double> number_of(const Knob& knob, std::string_view text) {
  const auto v = plain_number(text, std::chars_format::general);
  if (!v || *v < knob.least || *v > knob.most) return wrong(knob, text);
  return *v;
}

Result<bool> bool_of(const Knob& knob, std::string_view text) {
  const bool yes = text == "true" || text == "yes" || text == "on" || text == "True" || text == "TRUE";
  const bool no = text == "false" || text == "no" || text == "off" || text == "False" || text == "FALSE";
  if (!yes && !no) return wrong(knob, text);
  if (!knob.choices.empty() && knob.choices != (yes ? "true" : "false")) return wrong(knob, text);
  return yes;
}

Result<std::string> text_of(const Knob& knob, std::string_view text) {
  if (!knob.choices.empty()) {
    const auto choices = choices_of(knob);
    if (std::ranges::find(choices, text) != choices.end()) return std::string(text);
    const auto near = did_you_mean(text, choices);
    // Between two signs of comparison every slip is near every other; a guess would only puzzle.
    return wrong(knob, text,
                 near && near->size() > 2 ? fmt::format("did you mean {}?", *near) : std::string());
  }
  const auto size = static_cast<double>(text.size());
  if (size < knob.least || size > knob.most) return wrong(knob, text);
  return std::string(text);
}

Result<Duration> duration_of(const Knob& knob, std::string_view text) {
  const auto v = parse_seconds(text);
  if (!v) return wrong(knob, text, "write 10 (seconds), 500ms, 10s, 2m, 1h or 1m30s");
  if (*v < knob.least || *v > knob.most) return wrong(knob, text);
  return seconds(*v);
}

std::string exact_duration(Duration d) {
  using std::chrono::duration_cast;
  if (d == Duration::zero()) return "0s";
  std::string out;
  const auto h = duration_cast<std::chrono::hours>(d);
  const auto m = duration_cast<std::chrono::minutes>(d - h);
  const auto rest = d - h - m;
  if (h.count() > 0) out += fmt::format("{}h", h.count());
  if (m.count() > 0) out += fmt::format("{}m", m.count());
  if (rest == Duration::zero()) return out;
  const auto whole = duration_cast<std::chrono::seconds>(rest);
  if (whole.count() > 0) out += fmt::format("{}s", whole.count());
  if (rest > whole) out += fmt::format("{}ms", static_cast<double>((rest - whole).count()) / 1e6);
  return out;
}

}  // namespace docktor
