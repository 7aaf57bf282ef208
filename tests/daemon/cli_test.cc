// The command line as a user meets it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

class CliTest : public testing::Test {
 protected:
  void configure(const std::string& name, const std::string& more = {}) {
    box.write(name,
              config_text({.url = server.url(), .max = 3, .more = more, .record_file = box.record_file()}));
  }
  bool has(const Ran& r, const std::string& text) { return r.out.find(text) != std::string::npos; }
  NatsServer server;
  Sandbox box;
};

TEST_F(CliTest, HelpHasAnExampleForEveryCommand) {
  for (const char* command : {"",
                              "daemon",
                              "daemon start",
                              "daemon stop",
                              "daemon status",
                              "daemon logs",
                              "daemon reload",
                              "config",
                              "config validate",
                              "explain",
                              "resume",
                              "scale",
                              "pause",
                              "set-bounds",
                              "proposals",
                              "approve",
                              "reject",
                              "mcp",
                              "decide",
                              "demo",
                              "top",
                              "savings",
                              "notify",
                              "notify test",
                              "health"}) {
    const Ran r = box.docktor(std::string(command) + " --help");
    EXPECT_EQ(r.code, 0) << command;
    EXPECT_TRUE(has(r, "Example")) << command << "\n" << r.out;
  }
  EXPECT_TRUE(has(box.docktor("--version"), "docktor 0."));
  EXPECT_EQ(box.docktor("").code, 0);
}

TEST_F(CliTest, ASlipOfTheHandIsAnsweredWithTheRightWord) {
  const auto meant = [&](const std::string& typed, const std::string& right) {
    const Ran r = box.docktor(typed);
    EXPECT_EQ(r.code, 2) << r.out;
    EXPECT_TRUE(has(r, "did you mean '" + right + "'?")) << typed << "\n" << r.out;
  };
  meant("deamon start", "daemon");
  meant("daemon sart", "start");
  meant("explian", "explain");
  meant("daemon start --confg x", "--config");
  meant("explain --tial 3", "--tail");
  meant("status", "docktor daemon status");
  meant("validate", "docktor config validate");
  EXPECT_EQ(box.docktor("explain --tail -1").code, 2);
  EXPECT_EQ(box.docktor("explain --tail abc").code, 2);
  EXPECT_EQ(box.docktor("daemon").code, 2);
}

TEST_F(CliTest, NumbersAreDecimalAsInTheFile) {
  for (const char* typed :
       {"scale consumer 010", "scale consumer 0x3", "scale consumer 1_0", "set-bounds consumer 0 010",
        "set-bounds consumer 0x1 3", "explain --tail 010", "daemon logs --no-follow --tail 0x10",
        "simulate --seeds 010", "simulate --prefetch 0x2", "simulate --clump 01", "simulate --capacity nan",
        "simulate --capacity 0x1p3", "simulate --cv inf", "demo --seconds nan", "eval --tail 010",
        "eval --start-up 0x1", "scale consumer 3.5", "explain --tail 99999999999999999999"}) {
    const Ran r = box.docktor(typed);
    EXPECT_EQ(r.code, 2) << typed << "\n" << r.out;
    EXPECT_TRUE(has(r, "is not")) << typed << "\n" << r.out;
  }
  const auto usual =
      box.docktor("simulate --shape constant:5 --policy static:1 --seeds 1 --no-optimum --max-wait 2s");
  EXPECT_EQ(usual.code, 0) << usual.out;
  EXPECT_TRUE(has(usual, "no docktor.yaml here; a service with 1 to 100 replicas and max_wait 2s is taken"))
      << usual.out;
  configure("docktor.yaml");
  EXPECT_TRUE(
      has(box.docktor("simulate --shape constant:5 --policy static:01 --seeds 1"), "static:01: give"));
}

// A study or a journal that was saved to a full disk is cut, and the exit code is what a script sees.
TEST_F(CliTest, OutputThatCouldNotBeWrittenEndsWithOne) {
  configure("docktor.yaml");
  const auto to = [&](const std::string& command, const std::string& where) {
    return box.run(fmt::format("sh -c '{} {} {}'", DOCKTOR_BINARY, command, where));
  };
  for (const char* command :
       {"--version", "--help", "config validate --offline", "explain", "explain --json --tail 0",
        "simulate --shape constant:5 --policy static:1 --seeds 1 --no-optimum --json",
        "simulate --shape constant:5 --policy static:1 --seeds 1 --no-optimum"}) {
    const bool prints = std::string(command).find("--tail 0") == std::string::npos;
    for (const char* where : {"> /dev/full", ">&-"}) {
      const Ran r = to(command, where);
      EXPECT_EQ(r.code, prints ? 1 : 0) << command << where << "\n" << r.out;
      EXPECT_EQ(has(r, "the output could not be written"), prints) << command << where << "\n" << r.out;
    }
  }
  const std::string decide =
      R"(echo "{\"t\":1,\"service\":\"consumer\",\"cpu\":{\"a\":1}}" | )" + std::string(DOCKTOR_BINARY);
  EXPECT_EQ(box.run("sh -c '" + decide + " decide > /dev/full'").code, 1);
  EXPECT_EQ(
      to("simulate --shape constant:5 --policy static:1 --seeds 1 --no-optimum --report /dev/full", "").code,
      1);
  EXPECT_EQ(
      to("simulate --shape constant:5 --policy static:1 --seeds 1 --no-optimum --svg /dev/full", "").code, 1);
  const Ran piped = box.run(fmt::format("sh -c '{} --help | head -1'", DOCKTOR_BINARY));
  EXPECT_EQ(piped.code, 0);
  EXPECT_FALSE(has(piped, "could not be written")) << piped.out;
}

TEST_F(CliTest, AFlagBeforeItsCommandIsShownWhereItBelongs) {
  const Ran before = box.docktor("--config f scale w 1");
  EXPECT_EQ(before.code, 2);
  EXPECT_TRUE(
      has(before, "'--config' stands behind the command it is for, as in 'docktor scale --config ...'"))
      << before.out;
  EXPECT_TRUE(has(box.docktor("daemon --tail=3 logs"), "as in 'docktor daemon logs --tail ...'"));
  EXPECT_TRUE(has(box.docktor("-s w"), "stands behind the command it is for"));
  EXPECT_TRUE(has(box.docktor("daemon status w"), "for the service of that name: --service w"));
}

TEST_F(CliTest, ASimulationSaysWhereTheBoundsAreTooTight) {
  configure("docktor.yaml");
  box.write("load.csv", "seconds,rate\n0,50\n60,200\n120,0\n");
  const std::string simulate = "simulate --trace load.csv --policy rules --seeds 1 --no-optimum --capacity ";
  const auto tight = box.docktor(simulate + "20");
  EXPECT_EQ(tight.code, 0) << tight.out;
  EXPECT_TRUE(has(tight, "max_replicas is 3: no policy can keep the goal")) << tight.out;
  const auto wide = box.docktor(simulate + "200");
  EXPECT_EQ(wide.code, 0) << wide.out;
  EXPECT_FALSE(has(wide, "max_replicas is 3")) << wide.out;
}

TEST_F(CliTest, AConfigurationThatIsNotThereOrWrongIsNoSuccess) {
  box.write("wrong.yaml", "services: [{name: x, bogus: 1}]\n");
  configure("good.yaml");
  const std::vector<std::string> commands{"daemon start",
                                          "daemon stop",
                                          "daemon status",
                                          "daemon logs --no-follow",
                                          "daemon reload",
                                          "eval",
                                          "config validate",
                                          "explain",
                                          "explain w",
                                          "explain --json",
                                          "explain -s x",
                                          "resume x",
                                          "pause x",
                                          "scale x 1",
                                          "set-bounds x 1 2",
                                          "proposals",
                                          "approve x",
                                          "reject x",
                                          "notify test",
                                          "top",
                                          "savings",
                                          "savings --json",
                                          "health",
                                          "web",
                                          "decide",
                                          "chat",
                                          "config set-model m",
                                          "config list-models",
                                          "simulate --shape constant:5"};
  for (const auto& command : commands) {
    const Ran none = box.docktor(command + " --config typo.yaml");
    EXPECT_NE(none.code, 0) << command << "\n" << none.out;
    EXPECT_TRUE(has(none, "typo.yaml")) << command << "\n" << none.out;
    EXPECT_FALSE(has(none, "start one with")) << command << "\n" << none.out;
    EXPECT_NE(box.docktor(command + " --config wrong.yaml").code, 0) << command;
  }
  const Ran mcp = box.docktor("mcp --config typo.yaml");
  EXPECT_EQ(mcp.code, 2) << mcp.out;
  EXPECT_TRUE(has(mcp, "there is no such file")) << mcp.out;
  const Ran none = box.docktor("explain --config typo.yaml");
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(has(none, "typo.yaml: cannot be read: No such file")) << none.out;
  // Of one that is right nothing is decided yet, which is no mistake.
  EXPECT_EQ(box.docktor("explain --config good.yaml").code, 0);
  const Ran slip = box.docktor("explain --config good.yaml -s consumers");
  EXPECT_EQ(slip.code, 1);
  EXPECT_TRUE(has(slip, "did you mean consumer?")) << slip.out;
}

TEST_F(CliTest, TwoServicesOnOneQueueAreTold) {
  const auto service = [](const char* name, const char* stream) {
    return fmt::format(
        "  - {{name: {}, max_replicas: 2, objective: {{max_wait: 5s}}, queue: {{kind: redis, url: "
        "\"redis://127.0.0.1:1\", "
        "stream: {}, group: g}}, target: {{kind: process, command: [/bin/sleep, \"9\"]}}}}\n",
        name, stream);
  };
  box.write("docktor.yaml",
            "services:\n" + service("a", "jobs") + service("b", "jobs") + service("c", "mail"));
  const Ran r = box.docktor("config validate");
  EXPECT_TRUE(has(r, "⚠ service b works on this queue, too: ")) << r.out;
  EXPECT_TRUE(has(r, "⚠ service a works on this queue, too: ")) << r.out;
  EXPECT_FALSE(has(r, "service c works")) << r.out;
}

TEST_F(CliTest, TheBannerIsTheSeeds) {
  configure("docktor.yaml");
  box.write("docktor.yaml",
            "llm: {provider: dmr, model: ai/llama3.2}\n" +
                config_text({.url = server.url(), .interval = "10", .record_file = box.record_file()}));
  const Ran r = box.docktor("daemon start --config=docktor.yaml");
  ASSERT_EQ(r.code, 0) << r.out;
  EXPECT_EQ(r.out.substr(0, r.out.find('\xe2')), fmt::format(R"(=== Starting Docktor Daemon ===
Mode: AUTONOMOUS
Config: docktor.yaml
Services: consumer

LLM Config:
  Provider: dmr
  Model: ai/llama3.2

Service: consumer
  Min/Max Replicas: 1/5
  Check Interval: 10s
  Queue: {} (EVENTS/WEB_WORKERS)

)",
                                                             server.url()));
  EXPECT_TRUE(has(r, "✓ Daemon started successfully"));
  ASSERT_TRUE(eventually([&] { return !box.decisions().empty(); }));
  EXPECT_EQ(box.decisions()[0]["metadata"].dump(),
            R"({"model":"ai/llama3.2","provider":"dmr","verdict":"not_asked"})");
}

TEST_F(CliTest, ASecondDaemonIsRefusedForTheFileAndForTheService) {
  configure("docktor.yaml");
  box.start();
  const Ran again = box.docktor("daemon start");
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(has(again, "already runs")) << again.out;
  configure("copy.yaml");
  const Ran copy = box.docktor("daemon start --config copy.yaml");
  EXPECT_EQ(copy.code, 1);
  EXPECT_TRUE(has(copy, "service 'consumer' is already scaled by another docktor")) << copy.out;
}

TEST_F(CliTest, WhereSeveralRunTheyAreListedUnlessThisFoldersFileIsOneOfThem) {
  const auto daemon_of = [&](const std::string& file, const std::string& consumer) {
    box.write(file,
              config_text({.url = server.url(), .record_file = box.record_file(), .consumer = consumer}));
    box.start(file);
  };
  EXPECT_EQ(box.docktor("daemon status").code, 3);
  daemon_of("one.yaml", "ONE");
  EXPECT_EQ(box.docktor("daemon status").code, 0) << "the one that runs is meant";
  daemon_of("other.yaml", "OTHER");
  const Ran two = box.docktor("daemon status");
  EXPECT_EQ(two.code, 2);
  EXPECT_TRUE(has(two, box.path("one.yaml")) && has(two, box.path("other.yaml"))) << two.out;
  daemon_of("docktor.yaml", "HERE");
  const Ran here = box.docktor("daemon status");
  EXPECT_EQ(here.code, 0);
  EXPECT_TRUE(has(here, "Config: " + box.path("docktor.yaml"))) << here.out;
  EXPECT_EQ(box.docktor("daemon stop --config other.yaml --replicas").code, 0);
  EXPECT_EQ(box.docktor("daemon stop --config one.yaml --replicas").code, 0);
  EXPECT_EQ(box.docktor("daemon status").code, 0);
}

TEST_F(CliTest, StopLeavesTheReplicasAndStopReplicasDoesNot) {
  configure("docktor.yaml");
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  const int worker = box.status()["replicas"][0]["pid"];
  const Ran stop = box.docktor("daemon stop");
  EXPECT_EQ(stop.code, 0);
  EXPECT_TRUE(has(stop, "Replicas left running: consumer 1")) << stop.out;
  EXPECT_EQ(::kill(worker, 0), 0);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  EXPECT_EQ(box.status()["replicas"][0]["pid"], worker) << "adopted";
  const Ran all = box.docktor("daemon stop --replicas");
  EXPECT_TRUE(has(all, "All replicas are stopped.")) << all.out;
  EXPECT_TRUE(eventually([&] { return box.processes().alive().empty(); })) << "nothing is left behind";
}

TEST_F(CliTest, StatusAndExplainAndLogsTellWhy) {
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  configure("docktor.yaml");
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1 && box.decisions().size() > 3; }));
  const Ran status = box.docktor("daemon status");
  const auto why = status.out.find("  Why nothing happens: ");
  ASSERT_NE(why, std::string::npos) << status.out;
  for (auto line = status.out.find('\n', why); line + 1 < status.out.size();
       line = status.out.find('\n', line + 1))
    EXPECT_EQ(status.out.substr(line + 1, 3), "   ") << "always last, and what follows goes on with it\n"
                                                     << status.out;
  const Ran table = box.docktor("explain --tail 2");
  EXPECT_TRUE(table.out.starts_with("TIME ")) << table.out;
  EXPECT_TRUE(has(table, "Showing the last 2")) << table.out;
  const auto d = box.decisions().back();
  const Ran one = box.docktor("explain " + d["id"].get<std::string>());
  for (const char* part :
       {"Decision:", "Reason:", "Observations", "queue.backlog", "Samples since", "num_pending="}) {
    EXPECT_TRUE(has(one, part)) << part << "\n" << one.out;
  }
  EXPECT_EQ(box.docktor("explain nonsense").code, 1);
  const Ran json = box.docktor("explain --json --tail 1");
  EXPECT_TRUE(nlohmann::json::parse(json.out, nullptr, false).is_object()) << json.out;
  const Ran logs = box.docktor("daemon logs --no-follow");
  EXPECT_TRUE(has(logs, "[consumer] get_queue_metrics response: backlog=0")) << logs.out;
  const Ran resume = box.docktor("resume consmer");
  EXPECT_EQ(resume.code, 1);
  EXPECT_TRUE(has(resume, "did you mean consumer?")) << resume.out;
  EXPECT_EQ(box.docktor("resume consumer").code, 0);
  EXPECT_EQ(box.docktor("health").code, 0);
}

TEST_F(CliTest, FlagsBeatTheEnvironmentAndThatTheFile) {
  configure("docktor.yaml");
  const Ran r = box.run(fmt::format("{} daemon start --interval 3", DOCKTOR_BINARY),
                        {{"DOCKTOR_MAX_REPLICAS", "9"}, {"DOCKTOR_CHECK_INTERVAL", "7"}});
  EXPECT_TRUE(has(r, "Min/Max Replicas: 1/9")) << r.out;
  EXPECT_TRUE(has(r, "Check Interval: 3s")) << r.out;
}

TEST_F(CliTest, NoConfigurationIsAMistakeThatTellsWhatToDo) {
  const Ran r = box.docktor("daemon start");
  EXPECT_EQ(r.code, 2);
  EXPECT_TRUE(has(r, "--config FILE")) << r.out;
}

}  // namespace
}  // namespace docktor::test
