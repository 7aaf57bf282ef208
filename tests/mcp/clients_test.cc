// docktor mcp as real clients meet it: the client library in its three ways to agree on a version, the older
// library, the inspector's command line; every tool is listed and called.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/daemon/sandbox.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

class McpClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::exists(MCP_CLIENTS "/fetched")) return;
    const char* why =
        "the clients were not fetched from npm: scripts/fetch-mcp-clients.sh build/mcp-clients says why";
    SKIP_FOR_WANT_OF(why);
  }

  // A daemon with one worker on a real queue, and the server's command as a script (the inspector would take
  // flags of ours for its own).
  void start() {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS");
    box.write("docktor.yaml", config_text({.url = server.url(), .record_file = box.record_file()}));
    box.start();
    ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
    write_server("server.sh", "--allow-actions");
    write_server("looking.sh", "");
  }
  void write_server(const std::string& name, const char* flags) {
    box.write(name, fmt::format("#!/bin/sh\nexec {} mcp --config {} {}\n", DOCKTOR_BINARY,
                                box.path("docktor.yaml"), flags));
    std::filesystem::permissions(box.path(name), std::filesystem::perms::owner_all);
  }
  // Runs the driver with one client; its output tells what it did and where it failed.
  Ran drive(const std::string& client, const std::string& script = "server.sh") {
    return box.run(fmt::format("{}/bin/node {} {} {} {}", MCP_CLIENTS, MCP_DRIVER, client, MCP_CLIENTS,
                               box.path(script)));
  }
  // Who asked for what, by the journal.
  std::string asked() const {
    std::string all;
    std::error_code error;
    for (const auto& f : std::filesystem::recursive_directory_iterator(box.path("log"), error)) {
      if (f.path().filename() != "decisions.jsonl") continue;
      std::ifstream file(f.path());
      for (std::string line; std::getline(file, line);) {
        const auto r = nlohmann::json::parse(line, nullptr, false);
        if (r.is_object() && r.contains("by"))
          all += r.value("event", "") + " by " + r.value("by", "") + "\n";
      }
    }
    return all;
  }
  void all_tools_with(const std::string& client) {
    start();
    const Ran ran = drive(client);
    EXPECT_EQ(ran.code, 0) << ran.out;
    EXPECT_NE(ran.out.find("17 tools listed, all called"), std::string::npos) << ran.out;
    const auto by = asked();
    for (const char* event : {"scale", "pause", "resume", "propose", "approve", "reject"})
      EXPECT_NE(by.find(fmt::format("{} by ", event)), std::string::npos) << event << "\n" << by;
    EXPECT_NE(by.find(" via mcp (docktor-tests)"), std::string::npos) << by;
    EXPECT_TRUE(eventually([&] { return box.replicas() == 1; })) << "the policy decides again";
  }

  NatsServer server;
  Sandbox box;
};

TEST_F(McpClientsTest, EveryToolWithTheClientThatProbesTheEra) { all_tools_with("auto"); }
TEST_F(McpClientsTest, EveryToolWithTheClientPinnedToTheModernEra) { all_tools_with("pinned"); }
TEST_F(McpClientsTest, EveryToolWithTheClientInTheLegacyEra) { all_tools_with("legacy"); }
TEST_F(McpClientsTest, EveryToolWithTheOlderLibrary) { all_tools_with("sdk"); }

TEST_F(McpClientsTest, WithoutAllowActionsNothingActs) {
  start();
  const Ran ran = drive("looking", "looking.sh");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(asked().find("scale by"), std::string::npos);
}

TEST_F(McpClientsTest, TheInspectorsCommandLine) {
  start();
  const auto inspect = [&](const std::string& args) {
    return box.run(
        fmt::format("{}/bin/node {}/node_modules/@modelcontextprotocol/inspector-cli/build/index.js {} {}",
                    MCP_CLIENTS, MCP_CLIENTS, box.path("server.sh"), args));
  };
  const Ran list = inspect("--method tools/list");
  EXPECT_EQ(list.code, 0) << list.out;
  const auto tools = nlohmann::json::parse(list.out, nullptr, false);
  ASSERT_TRUE(tools.is_object()) << list.out;
  EXPECT_EQ(tools["tools"].size(), 17u);
  const Ran call =
      inspect("--method tools/call --tool-name apply_scale --tool-arg service=consumer target_replicas=2");
  EXPECT_NE(call.out.find("scaled to 2 by"), std::string::npos) << call.out;
  EXPECT_TRUE(eventually([&] { return box.replicas() == 2; }));
}

TEST_F(McpClientsTest, WithoutADaemonItReadsForItself) {
  start();
  ASSERT_EQ(box.docktor("daemon stop").code, 0);
  const Ran ran = drive("alone");
  EXPECT_EQ(ran.code, 0) << ran.out;
}

}  // namespace
}  // namespace docktor::test
