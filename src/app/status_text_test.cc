#include "app/status_text.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <sstream>

#include "app/terminal.h"
#include "app/words.h"
#include "core/bytes_text.h"
#include "core/metric.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

ordered_json answer() {
  return ordered_json::parse(
      R"json({"version":"0.1.0","pid":7,"config":"/srv/docktor.yaml","mode":"AUTONOMOUS",
    "uptime":130.2,"reload_error":"","services":[{"service":"consumer","ready":1,"starting":0,"failing":1,"stopping":0,
    "wanted":2,"min_replicas":1,"max_replicas":10,
    "replicas":[{"id":"w-1","state":"failing","note":"unhealthy: curl: (7) refused"}],
    "queue":"nats://127.0.0.1:4222 (EVENTS/WEB_WORKERS)",
    "observation":{"queue.backlog":0.0,"queue.num_ack_pending":1.0,"queue.rate_in":100.019,"queue.rate_out":99.96,
      "queue.num_waiting":4.0,"cpu.avg":19.1478,"mem.used":536576.0},"observation_age":0.4,"stale":false,
    "last_decision":{"age":12.3,"id":"a-1","decision":"hold","current_replicas":2,"target_replicas":2,
      "reason":"no rule matched: backlog 0 (up above 500)","outcome":"none"},
    "learned":{"capacity":20.25,"start_up":1.5004,"rate_in":100.019,"lacking":0.0}}]})json");
}

ordered_json with_why(const std::string& why) {
  auto a = answer();
  a["services"][0]["why_nothing_happens"] = why;
  return a;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(StatusText, HasWordsAndUnits) {
  const auto text = status_text(answer(), 0);
  EXPECT_TRUE(has(text, "up 2 min 10 s")) << text;
  EXPECT_TRUE(has(text, "0 waiting, 1 being processed, 100 msg/s arriving, 100 msg/s done (400 ms ago)"))
      << text;
  EXPECT_TRUE(has(text, "CPU mean 19.1 %")) << text;
  EXPECT_TRUE(has(text, "memory 524 KiB")) << text;
  EXPECT_TRUE(has(text, "one replica does 20.2 msg/s, start-up takes 1.5 s, 100 msg/s arriving")) << text;
  EXPECT_TRUE(has(text, "hold 2 → 2, 12.3 s ago (id a-1)")) << text;
  EXPECT_TRUE(has(text, "w-1: running, health check fails: curl: (7) refused")) << text;
  EXPECT_FALSE(has(text, "lacking")) << text;
}

TEST(StatusText, HasTheConditionsInTheirWords) {
  auto a = answer();
  a["services"][0]["conditions"] = ordered_json::parse(
      R"json([{"condition":"queue_unreachable","words":"the queue cannot be read","trouble":true,"detail":"refused"},
              {"condition":"paused","words":"paused by a person","trouble":false}])json");
  const auto text = status_text(a, 0);
  EXPECT_TRUE(has(text, "Condition:     ⚠ the queue cannot be read: refused\n")) << text;
  EXPECT_TRUE(has(text, "  Condition:     paused by a person\n")) << text;
  EXPECT_FALSE(has(status_text(answer(), 0), "Condition"));
}

TEST(StatusText, SaysAReasonOnce) {
  const std::string reason = "no rule matched: backlog 0 (up above 500)";
  const auto text = status_text(with_why(reason), 0);
  EXPECT_EQ(text.find(reason), text.rfind(reason)) << text;
  EXPECT_TRUE(has(text, "Why nothing happens: " + reason)) << text;
  const auto other = status_text(with_why("paused by ann"), 0);
  EXPECT_TRUE(has(other, reason) && has(other, "Why nothing happens: paused by ann")) << other;
}

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(StatusText, SaysOnceWhatAPersonSet) {
  for (const bool in_words : {true, false}) {
    const std::string text = "scaled to 3 by ann until 14:00:00";
    auto a = in_words ? with_why(text + "; `docktor resume consumer` ends that") : answer();
    auto& s = a["services"][0];
    s["overrides"] = ordered_json::array({{{"override", "scale"}, {"text", text}}});
    s["conditions"] = ordered_json::array({{{"condition", "scaled_by_hand"},
                                            {"words", "a person set the number of replicas"},
                                            {"trouble", false},
                                            {"detail", text}}});
    s["last_decision"]["reason"] = text;
    EXPECT_EQ(times(status_text(a, 0), text), 1U) << status_text(a, 0);
  }
}

TEST(StatusText, SaysOnceWhatIsWrong) {
  auto a = with_why("the queue has not answered for 5 s: connection refused");
  auto& s = a["services"][0];
  s["conditions"] = ordered_json::parse(
      R"json([{"condition":"queue_unreachable","words":"the queue cannot be read","trouble":true,
               "detail":"since 10:00:00: connection refused"}])json");
  const auto text = status_text(a, 0);
  EXPECT_TRUE(has(text, "  Condition:     ⚠ the queue cannot be read\n")) << text;
  EXPECT_EQ(times(text, "connection refused"), 1U) << text;
  s["dry_run"] = true;
  s["why_nothing_happens"] = "dry run: the decision was not carried out";
  s["conditions"] = ordered_json::parse(
      R"json([{"condition":"dry_run","words":"dry run: nothing is started or stopped","trouble":false}])json");
  EXPECT_EQ(times(status_text(a, 0), "ry run"), 1U) << status_text(a, 0);
}

TEST(StatusText, FitsTheWidth) {
  const std::string reason =
      "the queue has not answered for 5 s: it cannot be reached; start it, or correct the address";
  for (const std::size_t width : {60U, 80U, 100U}) {
    std::istringstream lines(status_text(with_why(reason), width));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), width) << line;
  }
}

// An older or a newer daemon may answer otherwise; nothing of it ends the command.
TEST(StatusText, TakesAnswersOfAnotherShape) {
  const auto good = with_why("paused");
  const auto flat = good.flatten();
  for (const auto& [pointer, v] : flat.items()) {
    for (const ordered_json& other : {ordered_json(nullptr), ordered_json(-1), ordered_json("text"),
                                      ordered_json::array(), ordered_json::object(), ordered_json(1e300)}) {
      auto changed = good;
      changed[ordered_json::json_pointer(pointer)] = other;
      EXPECT_NO_THROW((void)status_text(changed, 80)) << pointer << " " << other;
    }
  }
  for (const char* text : {"{}", "{\"services\":3}", "{\"services\":[3,null,[]]}"})
    EXPECT_NO_THROW((void)status_text(ordered_json::parse(text), 80)) << text;
}

TEST(Words, OfALengthMayBeDays) {
  EXPECT_EQ(seconds_or_days("2d"), 2 * 86'400.0);
  EXPECT_EQ(seconds_or_days("1h30m"), 5400.0);
  for (const char* text : {"d", "-1d", "1.5d", "01d", "99999d", "1d2h", "soon", ""})
    EXPECT_EQ(seconds_or_days(text), std::nullopt) << text;
}

TEST(Words, TimesOfAZoneThatIsNoneAreCalledByTheirOwn) {
  const char* set = std::getenv("TZ");
  const std::string before = set ? set : "";
  const auto zone_in = [](const char* tz) {
    ::setenv("TZ", tz, 1);
    ::tzset();
    return zone_text(1'796'000'000);  // in winter
  };
  for (const char* none : {"Nope", "Nope/Where", ":Nope", "Europe/Berlim"})
    EXPECT_EQ(zone_in(none), "UTC") << none;
  EXPECT_EQ(zone_in("Europe/Berlin"), "CET");
  EXPECT_EQ(zone_in("Europe/London"), "GMT");
  EXPECT_EQ(zone_in("XYZ-3"), "XYZ") << "a zone of its own making";
  set ? ::setenv("TZ", before.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
}

TEST(Words, SayAboutWhatIsGuessed) {
  auto a = answer();
  a["services"][0]["learned"] = {{"capacity", 20.25}, {"rate_in", 100.019}, {"in_hand_for", 0.05}};
  const auto text = status_text(a, 0);
  EXPECT_TRUE(has(text, "one replica does about 20.2 msg/s, about 100 msg/s arriving")) << text;
  const ordered_json early = {{"capacity", 20.0}, {"capacity_error", 8.0}, {"rate_in", 5.0}};
  EXPECT_EQ(number_in_words_of(early, "capacity", 20), "one replica does about 20 msg/s");
  EXPECT_EQ(number_in_words_of(early, "rate_in", 5), "5 msg/s arriving");
  // The unit that the reasons take, too.
  EXPECT_EQ(number_in_words_of({}, "rate_in", 0.025), "1.5 msg/min arriving");
}

TEST(Words, EveryMetricHasItsWords) {
  for (const auto& m : kMetrics) {
    const auto words = metric_in_words(m.name, 5);
    EXPECT_FALSE(words.starts_with(m.name)) << words;
  }
}

TEST(Words, NameWhatIsCountedWithItsUnit) {
  EXPECT_EQ(metric_in_words("queue.rate_in", 99.98), "100 msg/s arriving");
  EXPECT_EQ(metric_in_words("queue.new", 5), "queue.new 5");
  EXPECT_EQ(number_in_words("lacking", 1), "1 replica missing for the waiting messages' deadlines");
  EXPECT_EQ(number_in_words("patience", 2.345),
            "a message may wait 2.3 s before replicas are ordered for it");
  EXPECT_EQ(number_in_words("hand", 1), "a busy replica holds 1 message");
  EXPECT_EQ(number_in_words("hand", 2.5), "a busy replica holds 2.5 messages");
  EXPECT_EQ(number_in_words("in_hand_for", 0.65),
            "a message is in hand for 650 ms, cautiously guessed: this queue counts nothing");
  EXPECT_EQ(number_in_words("in_hand_error", 0.907), "the logarithm of that is known to ± 0.907");
  EXPECT_EQ(bytes_text(536576), "524 KiB");
  EXPECT_EQ(bytes_text(512), "512 B");
}

}  // namespace
}  // namespace docktor
