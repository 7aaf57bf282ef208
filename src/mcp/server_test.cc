#include "mcp/server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace docktor::mcp {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class McpServerTest : public testing::Test {
 protected:
  McpServerTest() {
    Tool echo;
    echo.name = "echo";
    echo.input = json::parse(
        R"({"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9}},"required":["n"],"additionalProperties":false})");
    echo.output = {{"type", "object"}};
    echo.call = [](const json& a, const CallContext& c) -> Result<nlohmann::ordered_json> {
      return nlohmann::ordered_json{{"n", a["n"]}, {"client", c.client}};
    };
    // Works until it is told to stop.
    Tool slow;
    slow.name = "slow";
    slow.input = {{"type", "object"}};
    slow.output = {{"type", "object"}};
    slow.call = [this](const json&, const CallContext& c) -> Result<nlohmann::ordered_json> {
      c.progress(1, 2, "half");
      std::unique_lock lock(mutex_);
      std::condition_variable_any wake;
      ++running_;
      changed_.notify_all();
      wake.wait(lock, c.stop, [] { return false; });
      ++stopped_;
      changed_.notify_all();
      return fail(ErrorCode::kUnavailable, "stopped");
    };
    Tool thrower;
    thrower.name = "thrower";
    thrower.input = {{"type", "object"}};
    thrower.call = [](const json&, const CallContext&) -> Result<nlohmann::ordered_json> {
      throw std::runtime_error("oh");
    };
    Tool off = echo;
    off.name = "acts";
    off.off = "start it with --allow-actions";
    server = std::make_unique<Server>(ServerInfo{"docktor", "t", "1", "i"},
                                      std::vector<Tool>{echo, slow, thrower, off},
                                      [this](const std::string& line) {
                                        const std::scoped_lock lock(mutex_);
                                        lines_.push_back(json::parse(line));
                                        changed_.notify_all();
                                      });
  }
  ~McpServerTest() override { server.reset(); }

  // The answer to this id, once it is there; null when it does not come.
  json answer(const json& id) {
    std::unique_lock lock(mutex_);
    json found;
    changed_.wait_for(lock, 60s, [&] {
      for (const auto& l : lines_) {
        if (l.is_object() && l.contains("id") && l["id"] == id) found = l;
      }
      return !found.is_null();
    });
    return found;
  }
  json ask(const json& request) {
    server->take(request.dump());
    return answer(request["id"]);
  }
  json call(int id, const char* tool, const json& arguments) {
    return ask({{"jsonrpc", "2.0"},
                {"id", id},
                {"method", "tools/call"},
                {"params", {{"name", tool}, {"arguments", arguments}}}});
  }
  void wait_for(const int& counter, int value) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 60s, [&] { return counter >= value; }));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<json> lines_;
  int running_ = 0, stopped_ = 0;
  std::unique_ptr<Server> server;
};

json initialize(const char* version) {
  return {{"jsonrpc", "2.0"},
          {"id", 0},
          {"method", "initialize"},
          {"params",
           {{"protocolVersion", version},
            {"capabilities", json::object()},
            {"clientInfo", {{"name", "tester"}, {"version", "1"}}}}}};
}
json modern(int id, const char* method, const char* version, json params = json::object()) {
  params["_meta"]["io.modelcontextprotocol/protocolVersion"] = version;
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
}

TEST_F(McpServerTest, LegacyAnswersWithTheClientsVersionOrItsOwnNewest) {
  for (const char* v : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    lines_.clear();
    EXPECT_EQ(ask(initialize(v))["result"]["protocolVersion"], v);
  }
  lines_.clear();
  EXPECT_EQ(ask(initialize("bogus"))["result"]["protocolVersion"], "2025-11-25");
  const json list = ask({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/list"}})["result"];
  EXPECT_EQ(list["tools"].size(), 3u);
  EXPECT_FALSE(list.contains("nextCursor"));
  EXPECT_FALSE(list.contains("resultType"));
  EXPECT_EQ(ask({{"jsonrpc", "2.0"}, {"id", 2}, {"method", "ping"}})["result"], json::object());
  EXPECT_EQ(ask({{"jsonrpc", "2.0"}, {"id", 3}, {"method", "resources/list"}})["error"]["code"], -32601);
}

TEST_F(McpServerTest, ModernNeedsNoHandshakeAndRefusesOtherVersions) {
  const json d = ask(modern(1, "server/discover", "2026-07-28"))["result"];
  EXPECT_EQ(d["supportedVersions"], json::array({"2026-07-28"}));
  EXPECT_EQ(d["resultType"], "complete");
  EXPECT_EQ(d["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "docktor");
  const json list = ask(modern(2, "tools/list", "2026-07-28"))["result"];
  EXPECT_TRUE(list.contains("ttlMs") && list.contains("cacheScope"));
  EXPECT_EQ(ask(modern(3, "tools/call", "2026-07-28",
                       {{"name", "echo"}, {"arguments", {{"n", 3}}}}))["result"]["structuredContent"]["n"],
            3);
  const json e = ask(modern(4, "tools/list", "2031-01-01"))["error"];
  EXPECT_EQ(e["code"], -32022);
  EXPECT_EQ(e["data"]["requested"], "2031-01-01");
  EXPECT_EQ(ask(modern(5, "ping", "2026-07-28"))["error"]["code"], -32601);
}

TEST_F(McpServerTest, WrongArgumentsAreAnsweredWithWhatIsRight) {
  ask(initialize("2025-11-25"));
  const json r = call(1, "echo", {{"n", "3"}})["result"];
  EXPECT_EQ(r["isError"], true);
  EXPECT_EQ(r["content"][0]["text"], "arguments.n is the text \"3\"; it must be a whole number from 0 to 9");
  EXPECT_EQ(call(2, "echo", {{"n", 3.0}})["result"]["isError"], true);
  EXPECT_EQ(call(3, "echo", {{"n", 10}})["result"]["isError"], true);
  EXPECT_EQ(call(4, "echo", json::object())["result"]["isError"], true);
  EXPECT_NE(call(5, "echo", {{"n", 1}, {"other", 1}})["result"]["content"][0]["text"].get<std::string>().find(
                "unknown argument \"other\"; allowed: n"),
            std::string::npos);
  EXPECT_EQ(call(6, "echo", {{"n", 1}})["result"]["structuredContent"]["client"], "tester");
  EXPECT_EQ(call(7, "ecko", {{"n", 1}})["error"]["code"], -32602);
  EXPECT_NE(
      call(8, "acts", {{"n", 1}})["result"]["content"][0]["text"].get<std::string>().find("--allow-actions"),
      std::string::npos);
  EXPECT_EQ(call(9, "thrower", json::object())["result"]["isError"], true) << "a bug ends no session";
}

TEST_F(McpServerTest, ABadLineNeverEndsTheSession) {
  for (const char* line :
       {"{", "[]", "null", "\xff", R"({"jsonrpc":"2.0","id":[1],"method":"x"})",
        R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":3}})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"a":1}}})"})
    server->take(line);
  EXPECT_EQ(call(1, "echo", {{"n", 1}})["result"]["structuredContent"]["n"], 1);
}

TEST_F(McpServerTest, LongCallsDoNotBlockOthersAndAreCancelled) {
  const auto slow = [](int id) {
    return json{
        {"jsonrpc", "2.0"},
        {"id", id},
        {"method", "tools/call"},
        {"params", {{"name", "slow"}, {"arguments", json::object()}, {"_meta", {{"progressToken", "p"}}}}}}
        .dump();
  };
  server->take(slow(1));
  server->take(slow(2));
  wait_for(running_, 2);
  EXPECT_EQ(call(3, "echo", {{"n", 1}})["result"]["structuredContent"]["n"], 1);
  server->take(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
  wait_for(stopped_, 1);
  EXPECT_EQ(call(4, "echo", {{"n", 2}})["result"]["structuredContent"]["n"], 2);
  server.reset();  // ends the other one, too
  EXPECT_EQ(stopped_, 2);
  int progress = 0;
  for (const auto& l : lines_) {
    EXPECT_FALSE(l.contains("id") && (l["id"] == 1 || l["id"] == 2))
        << "a cancelled request gets no reply: " << l;
    progress += l.value("method", "") == "notifications/progress";
  }
  EXPECT_EQ(progress, 2);
}

TEST_F(McpServerTest, BatchesAreForTheOneRevisionThatHasThem) {
  const auto batch =
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"ping"}])";
  ask(initialize("2025-11-25"));
  server->take(batch);
  EXPECT_EQ(lines_.back()["error"]["code"], -32600);
  lines_.clear();
  ask(initialize("2025-03-26"));
  server->take(batch);
  const std::scoped_lock lock(mutex_);
  ASSERT_TRUE(lines_.back().is_array());
  EXPECT_EQ(lines_.back().size(), 2u);
}

TEST_F(McpServerTest, TooManyCallsAtOnceAreRefused) {
  for (int i = 0; i < static_cast<int>(Server::kMaxCalls); ++i)
    server->take(json{{"jsonrpc", "2.0"},
                      {"id", i},
                      {"method", "tools/call"},
                      {"params", {{"name", "slow"}, {"arguments", json::object()}}}}
                     .dump());
  EXPECT_EQ(call(1000, "echo", {{"n", 1}})["error"]["code"], -32000);
}

TEST(McpServe, ALineThatIsTooLongIsRefusedAndSkipped) {
  int in[2], out[2];
  ASSERT_EQ(::pipe(in) + ::pipe(out), 0);
  std::jthread server([&] {
    serve(in[0], out[1], {"docktor", "t", "1", "i"}, {});
    ::close(out[1]);
  });
  std::jthread writer([&] {
    const std::string text =
        std::string(9u << 20, 'x') + "\n" + R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
    for (std::size_t done = 0; done < text.size();) {
      const auto n = ::write(in[1], text.data() + done, text.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    ::close(in[1]);
  });
  std::string all;
  char block[4096];
  for (ssize_t n; (n = ::read(out[0], block, sizeof block)) > 0;)
    all.append(block, static_cast<std::size_t>(n));
  EXPECT_NE(all.find("-32600"), std::string::npos);
  EXPECT_NE(all.find(R"("id":1,"result":{})"), std::string::npos) << "the last line needs no end\n" << all;
  for (const int fd : {in[0], out[0]}) ::close(fd);
}

}  // namespace
}  // namespace docktor::mcp
