// Journals as disks and other programs leave them: a line of another shape is passed over, and nothing ends.
#include "app/journal_load.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "app/decisions.h"
#include "control/journal_record.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

class JournalLoadTest : public testing::Test {
 protected:
  JournalLoadTest() {
    std::string name = (std::filesystem::temp_directory_path() / "docktor-journal-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~JournalLoadTest() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& text) const {
    std::ofstream(folder + "/decisions.jsonl") << text;
    return folder + "/decisions.jsonl";
  }
  static ordered_json record(double t, int settled) {
    auto r = ordered_json::parse(R"({"ts":"2026-01-01T00:00:00Z","id":"a-1","service":"w","decision":"hold",
      "current_replicas":2,"target_replicas":2,"reason":"x","outcome":"none","duration":0.0,
      "observations":{"queue.backlog":50.0,"queue.rate_out":250.0},"matched_rules":[],"limits":[],
      "metadata":{"provider":"none"},"replicas":{"current":2,"ready":2,"failing":0},"overrides":{},"by":"ann",
      "error":"none","text":"t"})");
    r["t"] = t;
    r["inputs"] = {{{"t", t},
                    {"service", "w"},
                    {"replicas", {{"current", 2}, {"ready", 2}}},
                    {"queue",
                     {{"num_pending", 50},
                      {"num_ack_pending", 2},
                      {"delivered_consumer_seq", settled},
                      {"delivered_stream_seq", settled},
                      {"last_seq", settled + 50}}}}};
    return r;
  }
  static std::string good() {
    return record(100, 1000).dump() + "\n" + record(101, 1250).dump() + "\n" + record(102, 1500).dump() +
           "\n";
  }
  std::string folder;
};

TEST_F(JournalLoadTest, PassesOverLinesOfAnotherShape) {
  const auto whole = load_from_journal(write(good()), "");
  ASSERT_TRUE(whole) << whole.error().message;
  std::string odd = "{\"service\":null,\"inputs\":[]}\n[1]\n3\nnull\n\"x\"\n{\n";
  const auto r = record(99, 900);
  for (const auto& [key, v] : r.items()) {
    for (const ordered_json& other : {ordered_json(nullptr), ordered_json(-1.5), ordered_json("text"),
                                      ordered_json::array({1}), ordered_json{{"a", 1}}}) {
      auto changed = r;
      changed[key] = other;
      if (is_journal_record(changed)) continue;
      odd += changed.dump() + "\n";
    }
  }
  const auto path = write(odd + good() + odd);
  const auto load = load_from_journal(path, "");
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->load.rows.size(), whole->load.rows.size());
  EXPECT_EQ(find_decisions(path, {"", "", false, 100}).size(), 3U);
}

// Whatever one value becomes, readers go on.
TEST_F(JournalLoadTest, NoValueOfALineEndsItsReaders) {
  const auto r = record(99, 900);
  const auto flat = r.flatten();
  for (auto it = flat.begin(); it != flat.end(); ++it) {
    const ordered_json::json_pointer pointer(it.key());
    for (const ordered_json& other : {ordered_json(nullptr), ordered_json(-1), ordered_json(1e300),
                                      ordered_json("text"), ordered_json::array(), ordered_json::object()}) {
      auto changed = r;
      changed[pointer] = other;
      for (const char* event : {"", "outcome", "explanation"}) {
        auto line = changed;
        if (*event) line["event"] = event;
        SCOPED_TRACE(line.dump());
        const auto path = write(line.dump() + "\n" + good());
        EXPECT_NO_THROW((void)load_from_journal(path, "w")) << line;
        EXPECT_NO_THROW((void)find_decisions(path, {"w", "", true, 100})) << line;
      }
    }
  }
}

TEST_F(JournalLoadTest, TakesTheCapacityThatWasSeenWhereNoneWasLearned) {
  EXPECT_EQ(load_from_journal(write(good()), "")->capacity, 125);
  auto learned = record(103, 1750);
  learned["numbers"] = {{"capacity", 20.0}};
  EXPECT_EQ(load_from_journal(write(good() + learned.dump() + "\n"), "")->capacity, 20);
}

TEST_F(JournalLoadTest, TellsWhatRanAndCutsOutWhatNobodyWatched) {
  const auto path = write(good() + record(1102, 9000).dump() + "\n" + record(1103, 9250).dump() + "\n");
  const auto all = load_from_journal(path, "w");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->load.length(), 1003);
  EXPECT_EQ(all->unknown, 1000);
  EXPECT_EQ(all->replica_seconds, 2 * 3) << "two replicas, three seconds that were watched";
  EXPECT_EQ(all->peak_replicas, 2);
  const auto cut = load_from_journal(path, "w", {.skip_gaps = true, .max_wait = seconds(0.1)});
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->load.length(), 3);
  EXPECT_EQ(cut->load.messages(), 750);
  EXPECT_GT(cut->waits.late, 0) << "50 always wait at 250 a second: 200 ms";
  const auto newest = load_from_journal(path, "w", {.since = 1000});
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->load.length(), 1);
}

TEST_F(JournalLoadTest, WhatIsNotThereIsSaidWithSinceWhenAndWhatToDo) {
  const auto why = [](const std::string& path, const std::string& service, const JournalPart& part = {}) {
    const auto load = load_from_journal(path, service, part);
    return load ? std::string() : load.error().message;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  auto silent = record(100, 0);
  silent["inputs"] = ordered_json::array();
  const auto path = write(silent.dump() + "\n" + silent.dump() + "\n");
  const auto none = why(path, "w");
  EXPECT_TRUE(has(none, "nothing is recorded yet of the queue of service w: ")) << none;
  EXPECT_TRUE(has(none, "which begins at 19")) << none;
  EXPECT_TRUE(has(none, "`docktor daemon status` says why")) << none;
  const auto other = why(path, "v");
  EXPECT_TRUE(has(other, "nothing is recorded yet of service v: ")) << other;
  EXPECT_TRUE(has(other, "has only w; it begins once a daemon scales it")) << other;
  const auto old = why(write(good()), "w", {.since = 1000});
  EXPECT_TRUE(has(old, "its last sample is of 19")) << old;
  EXPECT_TRUE(has(why(write(""), "w"), "has no records"));
}

// A simulation of it would be one of no load at all.
TEST_F(JournalLoadTest, AQueueThatCountsNothingHasNoLoadToTell) {
  std::string lines;
  for (const double t : {100, 101, 102}) {
    auto r = record(t, 0);
    for (const char* count : {"delivered_consumer_seq", "delivered_stream_seq", "last_seq"})
      r["inputs"][0]["queue"].erase(count);
    lines += r.dump() + "\n";
  }
  const auto load = load_from_journal(write(lines), "w");
  ASSERT_FALSE(load);
  EXPECT_NE(load.error().message.find("does not tell what came to the queue of service w"), std::string::npos)
      << load.error().message;
}

}  // namespace
}  // namespace docktor
