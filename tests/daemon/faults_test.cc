// Bad input and faults, on the real program.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>

#include <filesystem>
#include <thread>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++n;
  return n;
}

class FaultsTest : public testing::Test {
 protected:
  void configure(ServiceText t) {
    t.url = server.url();
    t.record_file = box.record_file();
    box.write("docktor.yaml", config_text(t));
  }
  NatsServer server;
  Sandbox box;
};

TEST_F(FaultsTest, AStreamThatIsMissingIsToldOnceHeldAndFoundByItself) {
  configure({});
  const Ran started = box.docktor("daemon start");
  EXPECT_EQ(started.code, 0);
  EXPECT_NE(started.out.find("⚠ consumer: stream EVENTS does not exist"), std::string::npos) << started.out;
  EXPECT_NE(started.out.find("✓ Daemon started successfully"), std::string::npos);
  std::this_thread::sleep_for(std::chrono::seconds(2));  // many samples later it is still one line in the log
  EXPECT_EQ(times(box.log(), "queue: stream EVENTS does not exist"), 1u) << box.log();
  EXPECT_NE(box.status()["why_nothing_happens"].get<std::string>().find("EVENTS does not exist"),
            std::string::npos);
  // The worker makes the consumer, the producer the stream.
  box.produce(server.url(), "late", 2000);
  ASSERT_TRUE(eventually([&] { return box.all_processed("late", 2000); })) << box.log();
  EXPECT_EQ(times(box.log(), "the queue answers again"), 1u);
}

TEST_F(FaultsTest, WaitReadyMakesAMissingStreamAFailure) {
  configure({});
  const Ran started = box.docktor("daemon start --wait-ready");
  EXPECT_EQ(started.code, 1);
  EXPECT_NE(started.out.find("✗ Daemon not started"), std::string::npos) << started.out;
  EXPECT_EQ(box.docktor("daemon status").code, 3);
}

TEST_F(FaultsTest, AReplicaThatExitsAtOnceIsRestartedWithBackoffAndNotMultiplied) {
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  client.publish_many("events.web", 2000);
  const std::string marks = box.path("starts");
  std::string text =
      config_text({.url = server.url(), .max = 8, .interval = "300ms", .record_file = box.record_file()});
  const auto at = text.find("command:");
  text.replace(at, text.find('\n', at) - at, fmt::format("command: \"echo x >> {}; exit 3\"", marks));
  box.write("docktor.yaml", text);
  box.start();
  ASSERT_TRUE(eventually([&] {
    const auto s = box.status();
    return s.is_object() && s["failing"].get<int>() >= 1 && !s["replicas"].empty() &&
           s["replicas"][0].contains("note");
  })) << box.log();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const auto s = box.status();
  EXPECT_LE(s["replicas"].size(), 3u) << "not more and more of them";
  EXPECT_NE(s["replicas"][0]["note"].get<std::string>().find("exit code 3"), std::string::npos) << s;
  EXPECT_NE(s["why_nothing_happens"].get<std::string>().find("keep failing"), std::string::npos) << s;
  const Ran starts = box.run("cat " + marks);
  EXPECT_LE(times(starts.out, "x"), 18u) << "backoff, not a storm";
}

TEST_F(FaultsTest, AConsumerThatIsUnfitForZeroKeepsOneReplicaAndValidateRefusesIt) {
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS", {{"inactive_threshold", 3600'000'000'000}});
  configure({.min = 0, .max = 3, .interval = "300ms"});
  const Ran valid = box.docktor("config validate");
  EXPECT_EQ(valid.code, 1) << valid.out;
  EXPECT_NE(valid.out.find("inactive"), std::string::npos) << valid.out;
  box.start();
  box.produce(server.url(), "one", 10);
  ASSERT_TRUE(eventually([&] { return box.all_processed("one", 10); }));
  const auto before = box.decisions().size();
  ASSERT_TRUE(eventually([&] { return box.decisions().size() > before + 5; }));
  EXPECT_EQ(box.replicas(), 1) << "it never goes to zero";
  EXPECT_NE(box.status().dump().find("lost"), std::string::npos) << box.status();
}

TEST_F(FaultsTest, APurgeAndARecreatedConsumerMoveNothing) {
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  // 300 pending is between the rules' thresholds: nothing moves, whatever the counters do.
  std::string text =
      config_text({.url = server.url(), .interval = "300ms", .record_file = box.record_file()});
  const auto at = text.find("command:");
  text.replace(at, text.find('\n', at) - at, "command: \"exec sleep 1000\"");
  box.write("docktor.yaml", text);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  for (int round = 0; round < 3; ++round) {
    client.publish_many("events.web", 300);
    client.purge("EVENTS");
    client.publish_many("events.web", 300);
    client.delete_consumer("EVENTS", "WEB_WORKERS");
    client.create_consumer("EVENTS", "WEB_WORKERS");
    const auto n = box.decisions().size();
    ASSERT_TRUE(eventually([&] { return box.decisions().size() > n + 3; }));
    client.purge("EVENTS");
  }
  for (const auto& d : box.decisions()) {
    for (const auto& [name, v] : d["observations"].items()) {
      if (!v.is_number()) continue;
      EXPECT_GE(v.get<double>(), 0) << name << d;
      EXPECT_LE(v.get<double>(), 1e6) << name << d;
    }
  }
}

TEST_F(FaultsTest, ABadFileIsRefusedWithItsPlacesAndAReloadKeepsTheOldOne) {
  configure({.max = 3});
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  const std::string bad = "services:\n  - name: consumer\n    min_replica: 1\n    max_replicas: -4\n";
  box.write("docktor.yaml", bad);
  const Ran reload = box.docktor("daemon reload");
  EXPECT_EQ(reload.code, 2) << reload.out;
  EXPECT_NE(reload.out.find("docktor.yaml:3:5: "), std::string::npos) << reload.out;
  EXPECT_NE(reload.out.find("min_replicas"), std::string::npos) << "did you mean";
  EXPECT_NE(reload.out.find("docktor.yaml:4:19: "), std::string::npos) << reload.out;
  const Ran valid = box.docktor("config validate --offline");
  EXPECT_EQ(valid.code, 2) << valid.out;
  EXPECT_EQ(box.status()["max_replicas"], 3) << "the old configuration is in effect";
  EXPECT_NE(box.docktor("daemon status").out.find("reload was refused"), std::string::npos);
  // By signal, and a good one this time.
  configure({.max = 7});
  ASSERT_EQ(::kill(box.daemon_pid(), SIGHUP), 0);
  ASSERT_TRUE(eventually([&] { return box.status()["max_replicas"] == 7; }));
  EXPECT_EQ(box.replicas(), 1) << "the replica went on";
}

TEST_F(FaultsTest, ARefusedReloadIsOverOnceTheFileIsAsItWas) {
  configure({.max = 3});
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  box.start();
  const auto told = [&] {
    return box.docktor("daemon status").out.find("reload was refused") != std::string::npos;
  };
  box.write("docktor.yaml", "services:\n  - name: consumer\n    max_replicas: -4\n");
  EXPECT_EQ(box.docktor("daemon reload").code, 2);
  EXPECT_TRUE(told());
  configure({.max = 4});  // right, but neither in effect nor what was refused
  EXPECT_TRUE(told());
  configure({.max = 3});
  EXPECT_FALSE(told()) << box.docktor("daemon status").out;
  ASSERT_EQ(::unlink(box.path("docktor.yaml").c_str()), 0);
  EXPECT_EQ(box.docktor("daemon reload --config docktor.yaml").code, 2);
  EXPECT_TRUE(told());
  configure({.max = 3});
  // Nobody has to look: the log has it, and with it page, metrics and notifications.
  const auto said = [&] {
    std::size_t n = 0;
    const auto log = box.log();
    for (auto at = log.find("is as it was before"); at != std::string::npos;
         at = log.find("is as it was before", at + 1))
      ++n;
    return n;
  };
  EXPECT_TRUE(eventually([&] { return said() == 2; })) << box.log();
  EXPECT_FALSE(told());
}

TEST_F(FaultsTest, AFileThatWasChangedAndNotLoadedIsTold) {
  configure({.max = 3});
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  box.start();
  const auto told = [&] {
    return box.docktor("daemon status --json").out.find("is not in effect: `docktor daemon reload`") !=
           std::string::npos;
  };
  EXPECT_FALSE(told());
  configure({.max = 3});  // written anew, the same text
  EXPECT_FALSE(told());
  configure({.max = 6});
  EXPECT_TRUE(told());
  EXPECT_EQ(box.docktor("daemon reload").code, 0);
  EXPECT_FALSE(told());
  box.write("docktor.yaml", "services: none\n");
  EXPECT_TRUE(told());
  EXPECT_EQ(box.docktor("daemon reload").code, 2);
  EXPECT_FALSE(told());  // a second reload would be refused as the first was, which status tells
  configure({.max = 5});
  EXPECT_TRUE(told());
  ASSERT_EQ(::unlink(box.path("docktor.yaml").c_str()), 0);
  EXPECT_FALSE(told());
}

TEST_F(FaultsTest, AStartTellsWhatAPersonOrderedBefore) {
  configure({.max = 3});
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  box.start();
  ASSERT_EQ(box.docktor("scale consumer 2").code, 0);
  ASSERT_EQ(box.docktor("set-bounds consumer 1 2").code, 0);
  ASSERT_EQ(box.docktor("daemon stop --replicas").code, 0);
  const Ran start = box.docktor("daemon start");
  EXPECT_EQ(start.code, 0) << start.out;
  EXPECT_NE(start.out.find("⚠ consumer: scaled to 2 by "), std::string::npos) << start.out;
  EXPECT_NE(start.out.find("`docktor resume consumer` ends that"), std::string::npos) << start.out;
  EXPECT_EQ(start.out.find("Services whose queue"), std::string::npos) << start.out;
}

TEST_F(FaultsTest, AFullDiskDegradesToAWarning) {
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  std::string text = config_text({.url = server.url(),
                                  .max = 3,
                                  .interval = "300ms",
                                  .process_time_ms = "3",
                                  .record_file = box.record_file()});
  const auto at = text.find("command:");
  text.replace(at, text.find('\n', at) - at,
               fmt::format("command: \"ulimit -S -f unlimited; exec {}\"", DOCKTOR_WORKER));
  box.write("docktor.yaml", text);
  // A folder without room for journal, log and state: a file-size limit that every write runs into.
  const Ran started = box.run(fmt::format("sh -c 'ulimit -S -f 8; exec {} daemon start'", DOCKTOR_BINARY));
  ASSERT_EQ(started.code, 0) << started.out;
  box.produce(server.url(), "full", 1500);
  ASSERT_TRUE(eventually([&] { return box.processed("full").size() > 100; })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.status().is_object() && box.status()["evaluations"] > 60; }));
  EXPECT_TRUE(box.status().is_object()) << "the daemon lives and answers";
}

// The first word after the disk became full, and each after it.
TEST_F(FaultsTest, AnOverrideThatCannotBeSavedSaysSo) {
  configure({.max = 3});
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  const Ran before = box.docktor("pause consumer --for 1h");
  EXPECT_EQ(before.code, 0);
  EXPECT_NE(before.out.find("✓ consumer is paused"), std::string::npos) << before.out;
  std::string state = box.run("find state -name '*.state.json'").out;
  state.erase(state.find('\n'));
  const auto folder = std::filesystem::path(box.path(state)).parent_path();
  box.write("in-the-way", "");
  // A file stands where the folder was; at once, since the daemon makes a folder that is missing.
  const auto swap = [&] {
    return ::renameat2(AT_FDCWD, box.path("in-the-way").c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE);
  };
  ASSERT_EQ(swap(), 0);
  for (const char* command : {"resume consumer", "scale consumer 2", "set-bounds consumer 1 2",
                              "set-bounds consumer --reset", "pause consumer"}) {
    const Ran r = box.docktor(command);
    EXPECT_EQ(r.code, 0) << "it is in force: " << r.out;
    EXPECT_NE(r.out.find("⚠ consumer"), std::string::npos) << r.out;
    EXPECT_EQ(r.out.find("✓"), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("in force, but could not be saved"), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("make room there"), std::string::npos) << r.out;
  }
  ASSERT_EQ(swap(), 0);
  const Ran after = box.docktor("scale consumer 2");
  EXPECT_NE(after.out.find("✓ consumer is scaled to 2"), std::string::npos) << after.out;
}

}  // namespace
}  // namespace docktor::test
