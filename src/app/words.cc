#include "app/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "core/bytes_text.h"
#include "core/guess.h"
#include "core/metric.h"
#include "core/rate_text.h"
#include "core/text.h"
#include "schedule/time_zone.h"

namespace docktor {
namespace {

enum class Unit { kCount, kRate, kPercent, kBytes, kSeconds, kReplicas, kMessages };

struct Word {
  std::string_view name;
  std::string_view form;  // {} is the value with its unit
  Unit unit;
};

// clang-format off: two tables.
constexpr std::array kMetricWords = std::to_array<Word>({
    {"queue.backlog", "{} waiting", Unit::kCount},
    {"queue.num_ack_pending", "{} being processed", Unit::kCount},
    {"queue.rate_in", "{} arriving", Unit::kRate},
    {"queue.rate_out", "{} done", Unit::kRate},
    {"queue.lag", "{} behind the stream's end", Unit::kCount},
    {"queue.num_redelivered", "{} redelivered", Unit::kCount},
    {"queue.num_waiting", "{} pulls open", Unit::kCount},
    {"queue.dead", "{} given up", Unit::kCount},
    {"queue.scheduled", "{} not due yet", Unit::kCount},
    {"queue.consumers", "consumers: {}", Unit::kCount},
    {"queue.oldest_age", "the oldest came {} ago", Unit::kSeconds},
    {"cpu.avg", "mean {}", Unit::kPercent},
    {"cpu.min", "least {}", Unit::kPercent},
    {"cpu.max", "most {}", Unit::kPercent},
    {"cpu.limit_pct", "{} of the limit", Unit::kPercent},
    {"mem.used", "{}", Unit::kBytes},
    {"mem.limit_pct", "{} of the limit", Unit::kPercent},
});
constexpr std::array kNumberWords = std::to_array<Word>({
    {"rate_in", "{} arriving", Unit::kRate},
    {"rate_in_error", "arrivals known to ± {}", Unit::kRate},
    {"dispersion", "arrivals vary {} times as much as Poisson's", Unit::kCount},
    {"capacity", "one replica does {}", Unit::kRate},
    {"capacity_error", "that is known to ± {}", Unit::kRate},
    {"start_up", "start-up takes {}", Unit::kSeconds},
    {"start_up_deviation", "start-up varies by {}", Unit::kSeconds},
    {"reaction", "{} from an event to a decision that knows of it", Unit::kSeconds},
    {"hand", "a busy replica holds {}", Unit::kMessages},
    {"seen_after", "workers see a message after {}", Unit::kSeconds},
    {"spread", "what is settled varies {} times as much as Poisson's", Unit::kCount},
    {"in_hand_for", "a message is in hand for {}, cautiously guessed: this queue counts nothing", Unit::kSeconds},
    {"in_hand_error", "the logarithm of that is known to ± {}", Unit::kCount},
    {"young", "{} missing, since some were started a moment ago", Unit::kReplicas},
    {"bottleneck", "more than {} do not help", Unit::kReplicas},
    {"rhythm", "load repeats each {}", Unit::kSeconds},
    {"trend", "load grows by {} until help is there", Unit::kRate},
    {"oldest_wait", "the oldest message has waited {}", Unit::kSeconds},
    {"patience", "a message may wait {} before replicas are ordered for it", Unit::kSeconds},
    {"lacking", "{} missing for the waiting messages' deadlines", Unit::kReplicas},
    {"steady", "the arrivals need {}", Unit::kReplicas},
    {"busy", "what waits keeps {} busy until the next check", Unit::kReplicas},
    {"enough", "the goal is kept with {}", Unit::kReplicas},
    {"proven", "fewer than {} were too few for this load before", Unit::kReplicas},
    {"headroom", "{} kept for load that comes faster than a start", Unit::kReplicas},
    {"headroom_short", "{} more would be kept for it if max_headroom allowed", Unit::kReplicas},
    {"kept", "that serves {} of the messages in time, by the last hours", Unit::kPercent},
});
// clang-format on

std::string with_unit(double v, Unit unit) {
  switch (unit) {
    case Unit::kCount:
      return short_number(v);
    case Unit::kRate:
      return rate_text(v);
    case Unit::kPercent:
      return short_number(v) + " %";
    case Unit::kBytes:
      return bytes_text(v);
    case Unit::kSeconds:
      return std::abs(v) < 1e9 ? spoken_duration(seconds(v)) : short_number(v) + " s";
    case Unit::kReplicas:
      return fmt::format("{} replica{}", short_number(v), v == 1 ? "" : "s");
    case Unit::kMessages:
      return fmt::format("{} message{}", short_number(v), v == 1 ? "" : "s");
  }
  return {};
}

template <class Table>
std::string in_words(const Table& table, std::string_view name, double value, const char* about = "") {
  const auto it = std::ranges::find(table, name, &Word::name);
  if (it == table.end()) return fmt::format("{} {}{}", name, about, short_number(value));
  return fmt::format(fmt::runtime(it->form), about + with_unit(value, it->unit));
}

std::string local(double unix_seconds, const char* form) {
  const auto t = static_cast<std::time_t>(std::floor(unix_seconds));
  std::tm tm{};
  if (::localtime_r(&t, &tm) == nullptr) return "?";
  char text[64];
  return {text, std::strftime(text, sizeof text, form, &tm)};
}

}  // namespace

std::optional<double> seconds_or_days(const std::string& text) {
  if (!text.ends_with('d')) return parse_seconds(text);
  const auto days = text.substr(0, text.size() - 1);
  const auto n = is_whole_number(days) ? whole_number(days, 9'999) : std::nullopt;
  return n ? std::optional(*n * 86'400.0) : std::nullopt;
}

std::string metric_in_words(std::string_view name, double value) {
  if (const auto one = queue_metric_named(name))
    return fmt::format("{}: {}", one->queue, in_words(kMetricWords, docktor::name(one->metric), value));
  return in_words(kMetricWords, name, value);
}
std::string number_in_words(std::string_view name, double value, bool guessed) {
  if (name == "rhythm" && value == 0) return "no rhythm seen in the load";
  return in_words(kNumberWords, name, value, guessed ? "about " : "");
}
std::string number_in_words_of(const nlohmann::ordered_json& numbers, std::string_view name, double value) {
  const auto known = [&](const char* key) {
    const auto it = numbers.is_object() ? numbers.find(key) : numbers.end();
    return numbers.is_object() && it != numbers.end() && it->is_number() ? std::optional(it->get<double>())
                                                                         : std::nullopt;
  };
  return number_in_words(name, value, is_guess(name, known));
}

std::string local_time(double unix_seconds) { return local(unix_seconds, "%Y-%m-%d %H:%M:%S"); }

// A TZ that names no zone is UTC to the C library, which goes on to call it by that name.
std::string zone_text(double unix_seconds) {
  const char* variable = std::getenv("TZ");
  std::string_view tz = variable ? variable : "";
  if (tz.starts_with(':')) tz.remove_prefix(1);
  const bool is_utc = local(unix_seconds, "%z") == "+0000";
  if (is_utc && !tz.empty() && !check_time_zone(std::string(tz))) return "UTC";
  return local(unix_seconds, "%Z");
}

std::string text_in(const nlohmann::ordered_json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || it == object.end() || it->is_null()) return {};
  return it->is_string() ? it->get<std::string>() : it->dump();
}

}  // namespace docktor
