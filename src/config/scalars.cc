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

// A text that was read, and how a message may show it.
struct Written {
  std::string_view text;
  std::string_view shown;
};

// A secret's value is never repeated, not even where it is wrong.
tl::unexpected<Error> wrong(const Knob& knob, const Written& written, std::string_view hint = {}) {
  const std::string shown = knob.secret             ? "not right"
                            : written.shown.empty() ? in_quotes(written.text)
                                                    : std::string(written.shown);
  std::string message = fmt::format("{} is {}; allowed: {}", knob.key, shown, allowed(knob));
  if (!hint.empty()) message += fmt::format("; {}", hint);
  return fail(ErrorCode::kInvalid, std::move(message));
}

std::optional<double> plain_number(std::string_view text) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

// As YAML 1.1 has it: `yes`, `Yes` and `YES` are one, `yEs` is none.
bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::string small(text);
  std::ranges::transform(small, small.begin(), lower);
  const auto is_lower = [&](char c) { return c == lower(c); };
  const auto rest = text.substr(std::min<std::size_t>(1, text.size()));
  const bool one_case = std::ranges::all_of(rest, is_lower) || std::ranges::none_of(text, is_lower);
  return one_case && std::ranges::find(words, small) != words.end();
}

}  // namespace

Result<int> integer_of(const Knob& knob, std::string_view text, std::string_view shown) {
  std::int64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || !is_whole_number(text))
    return wrong(knob, {text, shown});
  if (static_cast<double>(v) < knob.least || static_cast<double>(v) > knob.most)
    return wrong(knob, {text, shown});
  return static_cast<int>(v);
}

Result<double> number_of(const Knob& knob, std::string_view text, std::string_view shown) {
  const auto v = plain_number(text);
  if (!v || !is_decimal_number(text) || *v < knob.least || *v > knob.most) return wrong(knob, {text, shown});
  return *v;
}

Result<double> percent_of(const Knob& knob, std::string_view text, std::string_view shown) {
  const bool percent = text.ends_with('%');
  const std::string_view digits = text.substr(0, text.size() - (percent ? 1 : 0));
  const auto v = plain_number(digits);
  if (!v || !is_decimal_number(digits)) return wrong(knob, {text, shown});
  if (!percent) return wrong(knob, {text, shown}, fmt::format("write {}%", digits));
  if (*v < knob.least || *v > knob.most) return wrong(knob, {text, shown});
  return *v / 100;
}

Result<bool> bool_of(const Knob& knob, std::string_view text, std::string_view shown) {
  const bool yes = is_one_of(text, {"true", "yes", "on", "y"});
  const bool no = is_one_of(text, {"false", "no", "off", "n"});
  if (!yes && !no) return wrong(knob, {text, shown});
  if (!knob.choices.empty() && knob.choices != (yes ? "true" : "false")) return wrong(knob, {text, shown});
  return yes;
}

Result<std::string> text_of(const Knob& knob, std::string_view text, std::string_view shown) {
  if (!knob.choices.empty()) {
    const auto choices = choices_of(knob);
    if (std::ranges::find(choices, text) != choices.end()) return std::string(text);
    const auto near = did_you_mean(text, choices);
    // Between two signs of comparison every slip is near every other; a guess would only puzzle.
    return wrong(knob, {text, shown},
                 near && near->size() > 2 ? fmt::format("did you mean {}?", *near) : std::string());
  }
  const auto size = static_cast<double>(text.size());
  if (size < knob.least || size > knob.most) return wrong(knob, {text, shown});
  return std::string(text);
}

Result<Duration> duration_of(const Knob& knob, std::string_view text, std::string_view shown) {
  const auto v = parse_seconds(text);
  if (!v) return wrong(knob, {text, shown}, "write 10 (seconds), 500ms, 10s, 2m, 1h or 1m30s");
  if (*v < knob.least || *v > knob.most) return wrong(knob, {text, shown});
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
