// What a user types about models, with the real program, a real queue and a scripted model.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/daemon/sandbox.h"
#include "tests/support/model_server.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ModelTest : public testing::Test {
 protected:
  std::string llm(const std::string& more = "") const {
    return fmt::format(
        "llm: # who advises\n  provider: openai   # ours\n  base_url: {}\n  model: ai/first   # was good\n"
        "  timeout: 30s\n{}",
        model.url(), more);
  }
  void configure(const std::string& block, ServiceText t = {}) {
    t.record_file = box.record_file();
    if (t.url.empty()) t.url = "nats://127.0.0.1:1";
    box.write("docktor.yaml", block + config_text(t));
  }
  std::string config() const { return content_of(box.path("docktor.yaml")); }

  ModelServer model{
      [](const auto&, int) { return says(R"({"action":"agree","delay_seconds":0,"reason":"calm"})"); }};
  Sandbox box;
};

TEST_F(ModelTest, ListModelsShowsThemAndTheConfiguredOne) {
  configure(llm("  api_key: HUSH\n"));
  const Ran ran = box.docktor("config list-models");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("  * ai/first\n    ai/second\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("HUSH")));
  EXPECT_EQ(model.header("Authorization"), "Authorization: Bearer HUSH");
  const Ran other = box.docktor("config list-models --base-url " + model.url());
  EXPECT_EQ(other.code, 0) << other.out;
  EXPECT_EQ(box.docktor("config list-models --provider gpt").code, 2);
}

TEST_F(ModelTest, WhereNothingAnswersTheErrorSaysWhatToStart) {
  configure("llm: {provider: dmr, base_url: \"http://127.0.0.1:1/v1\", model: ai/x}\n");
  const Ran ran = box.docktor("config list-models");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("http://127.0.0.1:1/v1"));
  EXPECT_THAT(ran.out, HasSubstr("docker model pull ai/x"));
  const Ran openai = box.docktor("config list-models --provider openai --base-url http://127.0.0.1:1/v1");
  EXPECT_EQ(openai.code, 1);
  EXPECT_THAT(openai.out, HasSubstr("llama-server"));
}

TEST_F(ModelTest, SetModelChangesThoseKeysAndNothingElse) {
  configure(llm());
  ::chmod(box.path("docktor.yaml").c_str(), 0600);
  std::string expected = config();
  expected.replace(expected.find("model: ai/first"), 15, "model: ai/second");
  const Ran ran = box.docktor("config set-model ai/second");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(config(), expected);
  struct stat s{};
  ASSERT_EQ(::stat(box.path("docktor.yaml").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600U);
  expected.replace(expected.find("provider: openai"), 16, "provider: dmr");
  expected.replace(expected.find(model.url()), model.url().size(), "\"http://h:9/v1\"");
  EXPECT_EQ(box.docktor("config set-model ai/second --provider dmr --base-url http://h:9/v1").code, 0);
  EXPECT_EQ(config(), expected);
  int files = 0;
  for (const auto& f : std::filesystem::directory_iterator(box.path("")))
    files += f.path().filename().string().starts_with("docktor.yaml");
  EXPECT_EQ(files, 1) << "something was left beside it";
}

TEST_F(ModelTest, SetModelKeepsALinkALink) {
  configure(llm());
  std::filesystem::rename(box.path("docktor.yaml"), box.path("real.yaml"));
  std::filesystem::create_symlink("real.yaml", box.path("docktor.yaml"));
  EXPECT_EQ(box.docktor("config set-model ai/second").code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(box.path("docktor.yaml")));
  EXPECT_THAT(content_of(box.path("real.yaml")), HasSubstr("model: ai/second   # was good"));
}

TEST_F(ModelTest, SetModelLeavesAnInvalidFileAlone) {
  for (const std::string broken : {"llm: {model: m\n", "llm: {model: m}\nservics: []\n", "- x\n"}) {
    box.write("docktor.yaml", broken);
    const Ran ran = box.docktor("config set-model ai/second");
    EXPECT_EQ(ran.code, 2) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("docktor.yaml:")) << "no place named";
    EXPECT_EQ(config(), broken);
  }
  configure(llm());
  const auto before = config();
  EXPECT_EQ(box.docktor("config set-model ai/second --base-url ftp://x").code, 2);
  EXPECT_EQ(config(), before);
  EXPECT_EQ(box.docktor("config set-model").code, 2);
}

class AdvisedDaemon : public ModelTest {
 protected:
  void make_queue() {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS", NatsClient::Json::object());
  }
  NatsServer server;
};

TEST_F(AdvisedDaemon, AsksBeforeAScaleDownTellsWhatCameOfItAndKeepsItsSecrets) {
  make_queue();
  model.script([](const auto& request, int n) {
    const bool down = request.dump().find("delay_seconds") != std::string::npos;
    if (!down) return says(R"({"action":"agree","replicas":0,"reason":"enough"})");
    return n % 2 ? says(R"({"action":"cancel","delay_seconds":0,"reason":"wait a moment"})")
                 : says(R"({"action":"agree","delay_seconds":0,"reason":"calm"})");
  });
  configure(llm("  api_key: HUSH-key\n"), {.url = server.url(), .interval = "2s", .process_time_ms = "4"});
  box.produce(server.url(), "held", 4000);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("held", 4000); }));
  ASSERT_TRUE(eventually([&] {
    int asked = 0;
    for (const auto& d : box.decisions()) asked += d["metadata"]["verdict"] == "followed";
    return asked >= 2;
  })) << box.log();
  bool cancelled = false;
  for (const auto& d : box.decisions()) {
    EXPECT_LE(d["target_replicas"], 5);
    EXPECT_GE(d["target_replicas"], 1);
    EXPECT_EQ(d["metadata"]["model"], "ai/first");
    cancelled = cancelled || d["reason"].get<std::string>().find("\"wait a moment\"") != std::string::npos;
    EXPECT_THAT(d.dump(), Not(HasSubstr("HUSH")));
  }
  EXPECT_TRUE(cancelled);
  EXPECT_THAT(box.log(), Not(HasSubstr("HUSH")));
  for (const auto& r : model.requests()) EXPECT_THAT(r.dump(), Not(HasSubstr("HUSH")));
  EXPECT_EQ(model.header("Authorization"), "Authorization: Bearer HUSH-key");

  // The same journal, put to a model: it always agrees, then always waits.
  model.script([](const auto&, int) { return says(R"({"action":"agree","reason":"fine"})"); });
  const Ran agreed = box.docktor("eval --json --config docktor.yaml --capacity 100");
  ASSERT_EQ(agreed.code, 0) << agreed.out;
  const auto j = nlohmann::json::parse(agreed.out)["services"][0];
  EXPECT_GT(j["asked"], 0);
  EXPECT_EQ(j["agreed"], j["asked"]);
  EXPECT_EQ(j["harmed"], 0);
  model.script([](const auto&, int) { return says(R"({"action":"delay","delay_seconds":"3"})"); });
  const Ran nonsense = box.docktor("eval --json --config docktor.yaml --capacity 100");
  EXPECT_EQ(nlohmann::json::parse(nonsense.out)["services"][0]["ignored"], j["asked"]) << nonsense.out;
}

TEST_F(AdvisedDaemon, ExplainsInOneSentenceWhatWasDone) {
  make_queue();
  model.script([](const auto&, int) { return says("It grew since 4000 messages waited."); });
  configure(llm("  mode: explain\n"), {.url = server.url(), .interval = "1s", .process_time_ms = "4"});
  box.produce(server.url(), "held", 4000);
  box.start();
  ASSERT_TRUE(
      eventually([&] { return box.log().find("It grew since 4000 messages waited.") != std::string::npos; }));
  const auto moves = box.decisions(true);
  bool shown = false;
  for (const auto& d : moves) {
    const Ran ran = box.docktor("explain " + d["id"].get<std::string>() + " --config docktor.yaml");
    shown = shown || ran.out.find("It grew since 4000 messages waited.") != std::string::npos;
  }
  EXPECT_TRUE(shown);
}

class ChatTest : public AdvisedDaemon {
 protected:
  // What the lines of a script lead to.
  Ran chat(const std::string& lines, const std::string& flags = "") {
    box.write("lines", lines);
    return box.run(
        fmt::format("sh -c \"{} chat --headless {} --config docktor.yaml <lines\"", DOCKTOR_BINARY, flags));
  }
  void begin() {
    make_queue();
    configure(llm(), {.url = server.url(), .interval = "1s"});
    box.start();
    ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  }
};

TEST_F(ChatTest, ActsOnlyAfterAYesAndAnswersWhyFromTheJournal) {
  begin();
  Ran ran = chat("scale consumer 3\n");
  EXPECT_EQ(ran.code, 1) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("nobody said yes"));
  ran = chat("scale consumer 3\nno\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(box.replicas(), 1);
  ran = chat("scale consumer 3\nyes\n");
  EXPECT_EQ(ran.code, 0) << ran.out;
  ASSERT_TRUE(eventually([&] { return box.replicas() == 3; })) << ran.out;
  ran = chat("why consumer\n");
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("1 → 3"));
  ran = chat("resume consumer\n", "--autonomous");
  EXPECT_EQ(ran.code, 0) << ran.out;
  ran = chat("hold consumer 10m\n", "--autonomous");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(chat("status\n").out, HasSubstr("consumer"));
}

TEST_F(ChatTest, AModelTurnsWordsIntoOperationsAndIsHeldToTheSameRules) {
  begin();
  model.script([](const auto& request, int) {
    const auto& last = request["messages"].back();
    if (last["role"] == "tool") return says("Done: " + last["content"].template get<std::string>());
    const std::string said = last["content"];
    if (said.find("three as text") != std::string::npos)
      return calls("scale", {{"service", "consumer"}, {"replicas", "3"}});
    if (said.find("far too many") != std::string::npos)
      return calls("scale", {{"service", "consumer"}, {"replicas", 99}});
    return calls("scale", {{"service", "consumer"}, {"replicas", 2}});
  });
  EXPECT_EQ(chat("make it two please\n").code, 1);
  EXPECT_EQ(box.replicas(), 1);
  Ran ran = chat("make it three as text\nfar too many\n", "--autonomous");
  EXPECT_THAT(ran.out, HasSubstr("error"));
  EXPECT_EQ(box.replicas(), 1);
  ran = chat("make it two please\nyes\n");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_TRUE(eventually([&] { return box.replicas() == 2; })) << ran.out;
}

TEST_F(ChatTest, WithNoModelInReachPlainRequestsWork) {
  make_queue();
  configure("llm: {provider: openai, base_url: \"http://127.0.0.1:1/v1\", model: m}\n",
            {.url = server.url(), .interval = "1s"});
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  Ran ran = chat("why did you scale consumer?\n");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("0 → 1"));
  ran = chat("make me happy\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("hold SERVICE [10m]"));
  ran = chat("scale consumer 2\ny\n");
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_TRUE(eventually([&] { return box.replicas() == 2; }));
}

}  // namespace
}  // namespace docktor::test
