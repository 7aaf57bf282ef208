// Secrets: where they may stand, and that nothing shows them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/effective.h"
#include "config/knobs.h"
#include "tests/config/test_files.h"

namespace docktor {
namespace {

using Strings = std::vector<std::string>;

const std::string kSeed = "SU" + std::string(56, 'A');

LoadResult load_in(const TestFolder& folder, std::string_view text, const Environment& env = {}) {
  return load_text(text, env, {}, folder.path());
}

TEST(Secrets, AreReadFromFilesWithoutTheirLastNewline) {
  const TestFolder folder;
  folder.write("pw", "s3cret with space \r\n\n");
  const auto s = service_of(load_in(folder, with_queue("      user: u\n      password_file: pw\n")));
  EXPECT_EQ(s.queue->settings.get<Secret>("password").value, "s3cret with space ");
  folder.write("pw", "\xEF\xBB\xBFs3cret\r\n");
  EXPECT_EQ(service_of(load_in(folder, with_queue("      user: u\n      password_file: pw\n")))
                .queue->settings.get<Secret>("password")
                .value,
            "s3cret");
  folder.write("token", "t0ken");
  EXPECT_EQ(service_of(load_in(folder, with_queue("      token_file: ./token\n")))
                .queue->settings.get<Secret>("token")
                .value,
            "t0ken");
  folder.write("seed", kSeed + "\n");
  EXPECT_EQ(service_of(load_in(folder, with_queue("      nkey_file: " + folder.file("seed") + "\n")))
                .queue->settings.get<Secret>("nkey")
                .value,
            kSeed);
}

TEST(Secrets, OfTheEnvironmentWinOverFiles) {
  const TestFolder folder;
  folder.write("pw", "from file");
  const auto s = service_of(load_in(folder, with_queue("      user: u\n      password_file: pw\n"),
                                    {{"DOCKTOR_QUEUE_PASSWORD", "from env"}}));
  EXPECT_EQ(s.queue->settings.get<Secret>("password").value, "from env");
}

TEST(Secrets, MayBeEmptyByDefault) {
  const auto s =
      service_of(load_text(with_queue("      user: ${U:-}\n      password: ${P:-}\n      token: ''\n")));
  EXPECT_TRUE(s.queue->settings.text("user").empty());
  EXPECT_TRUE(s.queue->settings.get<Secret>("password").empty());
  EXPECT_TRUE(s.queue->settings.get<Secret>("token").empty());
}

TEST(Secrets, InFilesThatCannotBeReadAreMistakes) {
  const TestFolder folder;
  folder.write("empty", "\n");
  folder.write("big", std::string((64 << 10) + 1, 'x'));
  folder.write("nul", std::string_view("a\0b", 3));
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  const auto mistake = [&](const std::string& name) {
    return load_in(folder, with_queue("      token_file: " + name + "\n")).mistakes;
  };
  const auto start = [&](const std::string& name) {
    return "f.yaml:10:19: token_file \"" + folder.file(name) + "\" ";
  };
  EXPECT_EQ(mistake("none"),
            Strings{start("none") +
                    "cannot be read: No such file or directory; name a file that this user may read"});
  EXPECT_EQ(mistake("big"),
            Strings{start("big") +
                    "cannot be read: it is larger than 64 KiB; name a file that this user may read"});
  EXPECT_EQ(mistake("pipe"),
            Strings{start("pipe") +
                    "cannot be read: it is not a regular file; name a file that this user may read"});
  EXPECT_EQ(mistake("empty"), Strings{start("empty") + "is empty; name a file with one line of text"});
  EXPECT_EQ(mistake("nul"), Strings{start("nul") + "is not a text; name a file with one line of text"});
}

TEST(Secrets, BothInPlaceAndInAFileAreAMistake) {
  const TestFolder folder;
  folder.write("pw", "x");
  EXPECT_EQ(
      load_in(folder, with_queue("      user: u\n      password: y\n      password_file: pw\n")).mistakes,
      Strings{"f.yaml:12:7: both password and password_file are written; write one of them"});
}

TEST(SignIn, IsByOneWayOnly) {
  EXPECT_EQ(load_text(with_queue("      user: u\n      token: t\n")).mistakes,
            Strings{"f.yaml:11:14: two ways to sign in, user and token; write one of them"});
  EXPECT_EQ(load_text(with_queue("      password: p\n")).mistakes,
            Strings{"f.yaml:10:17: a password without a user; write user: too"});
  EXPECT_EQ(
      load_text(with_queue("      nkey: SUABC\n")).mistakes,
      Strings{"f.yaml:10:13: nkey is not the seed of a user; allowed: 58 characters that begin with SU"});
  EXPECT_EQ(load_text(R"(services:
  - name: a
    max_replicas: 2
    target: {kind: process, command: [w]}
    rules: {scale_up_when: [{metric: queue.lag, op: ">", value: 1}]}
    queue: {url: "nats://u:p@h", stream: S, consumer: C, token: t}
)")
                .mistakes,
            Strings{"f.yaml:6:65: two ways to sign in, the one within url and token; write one of them"});
}

TEST(Tls, TakesBothWaysOfWriting) {
  const TestFolder folder;
  for (const char* name : {"ca", "cert", "key"}) folder.write(name, "pem");
  for (const std::string text :
       {"      tls: {ca_file: ca, cert_file: cert, key_file: key}\n",
        "      tls_ca_file: ca\n      tls_cert_file: cert\n      tls_key_file: key\n"}) {
    const auto s = service_of(load_in(folder, with_queue(text)));
    EXPECT_EQ(s.queue->settings.text("tls_ca_file"), folder.file("ca"));
    EXPECT_EQ(s.queue->settings.text("tls_cert_file"), folder.file("cert"));
    EXPECT_EQ(s.queue->settings.text("tls_key_file"), folder.file("key"));
  }
  EXPECT_EQ(load_in(folder, with_queue("      tls: {ca_file: ca}\n      tls_ca_file: ca\n")).mistakes,
            Strings{"f.yaml:11:7: both tls_ca_file and tls.ca_file are written; write one of them"});
  EXPECT_EQ(load_in(folder, with_queue("      tls: {cert_file: cert}\n")).mistakes,
            Strings{"f.yaml:10:24: a certificate without its key; write key_file too"});
  EXPECT_EQ(load_in(folder, with_queue("      tls_key_file: key\n")).mistakes,
            Strings{"f.yaml:10:21: a key without its certificate; write cert_file too"});
  EXPECT_EQ(load_in(folder, with_queue("      tls: {ca_file: none}\n")).mistakes,
            Strings{"f.yaml:10:22: ca_file \"" + folder.file("none") +
                    "\" cannot be read: No such file or directory; name a file that this user may read"});
}

TEST(Tls, AKeyInTheQueueItselfGoesBeforeADefaultWithinTls) {
  const TestFolder folder;
  folder.write("ca", "CA");
  for (const char* address : {"kind: redis\n      url: rediss://h\n      list: jobs\n",
                              "kind: rabbitmq\n      url: amqps://h\n      queue: jobs\n"}) {
    const auto of = [&](const std::string& more) {
      return service_of(load_in(folder, with_service(std::string("    queue:\n      ") + address + more)))
          .queue->settings.get<bool>("tls_verify", true);
    };
    EXPECT_FALSE(of("      tls: {ca_file: ca}\n      tls_verify: false\n")) << address;
    EXPECT_FALSE(of("      tls: {ca_file: ca, verify: false}\n")) << address;
    EXPECT_TRUE(of("      tls: {ca_file: ca}\n")) << address;
  }
}

TEST(Effective, ShowsValuesAndHidesSecrets) {
  const TestFolder folder;
  folder.write("creds", "JWT");
  const auto result = load_in(folder, R"(services:
  - name: a
    max_replicas: 2
    cooldown_up: 1m30s
    target: {kind: process, command: [w, -v], environment: {DATABASE: "postgres://u:HUSH@db"}}
    objective: {max_wait: 1.5s}
    rules: {scale_up_when: [{metric: cpu.avg_pct, op: ">", value: 80}, {metric: queue.lag, op: ">", value: 0.5}]}
    queue: {url: "nats://joe:HUSH@h:4222,nats://jim:HUSH@i", stream: S, consumer: C}
)");
  for (const auto& m : result.mistakes) ADD_FAILURE() << m;
  ASSERT_TRUE(result.config);
  const auto json = effective_config(*result.config);
  EXPECT_EQ(json.dump().find("HUSH"), std::string::npos) << json.dump();
  const auto& s = json["services"][0];
  EXPECT_EQ(s["name"], "a");
  EXPECT_EQ(s["cooldown_up"], "1m30s");
  EXPECT_EQ(s["sample_interval"], "500ms");
  EXPECT_EQ(s["objective"]["max_wait"], "1s500ms");
  EXPECT_EQ(s["rules"]["scale_up_when"][0].dump(), R"({"metric":"cpu.avg_pct","op":">","value":80})");
  EXPECT_EQ(s["rules"]["scale_up_when"][1]["value"], 0.5);
  EXPECT_EQ(s["rules_mode"], "floor");
  EXPECT_EQ(s["queue"]["url"], "nats://***@h:4222,nats://***@i");
  EXPECT_EQ(s["target"]["environment"]["DATABASE"], "***");
  EXPECT_EQ(s["target"]["command"].dump(), R"(["w","-v"])");
}

TEST(Effective, ShowsACommandAsItIsWrittenNotWhatVariablesPutIn) {
  const Environment env{{"PW", "HUSH"}, {"NAME", "mailer"}};
  for (const char* command :
       {"[sh, -c, \"exec ${NAME} --password=${PW}\"]", "\"exec ${NAME} --password=${PW}\""}) {
    const auto result = load_text(fmt::format("services:\n  - name: a\n    max_replicas: 2\n    rules: "
                                              "{{scale_up_when: [{{metric: cpu.avg, op: '>', "
                                              "value: 1}}]}}\n    target: {{kind: process, command: {}}}\n",
                                              command),
                                  env);
    for (const auto& m : result.mistakes) ADD_FAILURE() << m;
    ASSERT_TRUE(result.config);
    EXPECT_EQ(result.config->services[0].target.settings.get<CommandLine>("command").words.back(),
              "exec mailer --password=HUSH");
    const auto shown = effective_config(*result.config).dump();
    EXPECT_EQ(shown.find("HUSH"), std::string::npos) << shown;
    EXPECT_NE(shown.find("exec ${NAME} --password=${PW}"), std::string::npos) << shown;
  }
}

// Every knob that the table calls secret is given this mark, and no view shows it.
TEST(Effective, ShowsNoKnobThatTheTableCallsSecret) {
  constexpr std::string_view kMark = "HUSHHUSH";
  int tried = 0;
  for (const auto& k : all_kinds().queue("nats")->keys) {
    if (!k.secret) continue;
    std::string value(kMark);
    if (k.key == "url") value = fmt::format("nats://u:{}@h", value);
    if (k.key == "nkey") value = fmt::format("SU{}{}", std::string(56 - kMark.size(), 'A'), value);
    auto text = with_queue(k.key == "password" ? "      user: u\n" : "");
    const std::string line = std::string(k.key) + ": " + value + "\n";
    if (k.key == "url")
      text.replace(text.find("url: "), std::string("url: nats://localhost:4222\n").size(), line);
    else
      text += "      " + line;
    const auto result = load_text(text);
    ASSERT_TRUE(result.config) << k.key << ": " << result.mistakes[0];
    const auto shown = effective_config(*result.config).dump();
    EXPECT_EQ(shown.find(kMark), std::string::npos) << shown;
    EXPECT_NE(shown.find("***"), std::string::npos) << k.key;
    ++tried;
  }
  EXPECT_EQ(tried, 4);  // url, password, token, nkey
}

TEST(Secrets, TheModelsKeyComesFromFileOrEnvironmentAndIsNeverShown) {
  const TestFolder folder;
  folder.write("key", "HUSH-file\n");
  const auto text = [](const char* more) {
    return std::string("llm: {model: m, ") + more + "}\n" + with_service("");
  };
  const auto key = [&](const char* more, const Environment& env) {
    const auto result = load_in(folder, text(more), env);
    for (const auto& m : result.mistakes) ADD_FAILURE() << m;
    if (!result.config) return std::string("refused");
    EXPECT_EQ(effective_config(*result.config).dump().find("HUSH"), std::string::npos);
    return result.config->llm->api_key.value;
  };
  EXPECT_EQ(key("api_key_file: key", {}), "HUSH-file");
  EXPECT_EQ(key("api_key: HUSH", {}), "HUSH");
  EXPECT_EQ(key("api_key_file: key", {{"DOCKTOR_LLM_API_KEY", "HUSH-env"}}), "HUSH-env");
  EXPECT_EQ(key("provider: openai", {{"OPENAI_API_KEY", "HUSH-openai"}}), "HUSH-openai");
  EXPECT_EQ(key("provider: dmr", {{"OPENAI_API_KEY", "HUSH-openai"}}), "");
  EXPECT_EQ(key("base_url: \"https://u:HUSH@h/v1\"", {}), "");
  const auto broken =
      load_in(folder, text("provider: openai"), {{"OPENAI_API_KEY", "HUSH\nX-Evil: 1"}}).mistakes;
  EXPECT_EQ(broken, Strings{"OPENAI_API_KEY: the API key has a control character; write it on one line"});
}

TEST(Secrets, AreNotRepeatedInMistakes) {
  const std::string many(5000, 'Q');
  for (const auto& text : {
           with_queue("      user: u\n      password: " + many + "\n"),
           with_queue("      token: " + many + "\n"),
           with_queue("      nkey: QQQQ\n"),
           with_queue("      password: \"QQQQ${\"\n"),
           with_queue("      password: QQQQ\n"),
           with_queue("      user: u\n      password: [QQQQ]\n"),
           with_queue("      user: u\n      password: !x QQQQ\n"),
           with_service("    queue: {url: \"http://u:QQQQ@h\", stream: S, consumer: C}\n"),
           with_service("    queue: {url: \"nats://u:QQQQ@h:port\", stream: S, consumer: C}\n"),
       }) {
    const auto result = load_text(text);
    ASSERT_FALSE(result.mistakes.empty()) << text.substr(0, 400);
    for (const auto& m : result.mistakes) EXPECT_EQ(m.find("QQQQ"), std::string::npos) << m;
  }
}

// A password in the wrong variable, or a variable in the wrong place: what it holds is not repeated.
TEST(Secrets, InAWrongPlaceAreShownAsWritten) {
  const TestFolder folder;
  const auto service = [](const std::string& rules, const std::string& target) {
    return "services:\n  - name: w\n    max_replicas: 2\n    rules: {scale_up_when: [" + rules +
           "]}\n    target: {kind: process, " + target + "}\n";
  };
  const std::string rule = "{metric: cpu.avg, op: \">\", value: 1}";
  for (const std::string& text : {
           with_service("    scale_up_by: ${S}\n"),
           with_service("    check_interval: ${S}\n"),
           with_service("    cooldown_up: x${S}\n"),
           "version: ${S}\n" + with_service(""),
           service("{metric: \"${S}\", op: \">\", value: 1}", "command: [a]"),
           service("{metric: cpu.avg, op: \"${S}\", value: 1}", "command: [a]"),
           service("{metric: cpu.avg, op: \">\", value: \"${S}\"}", "command: [a]"),
           service(rule, "command: [a], environment: [\"${S}\"]"),
           service(rule, "command: [a], environment: [\" ${S}=1\"]"),
           service(rule, "command: [a], environment: [\"${S}=1\", \"${S}=2\"]"),
           service(rule, "command: [a], stop_grace_period: \"${S}\""),
           std::string("services:\n  - {name: \"${S}/\", max_replicas: 2, compose_file: x}\n"),
           with_queue("      jetstream: ${S}\n"),
           with_queue("      kind: ${S}\n"),
           with_queue("      subject: ${S}..\n"),
           with_queue("      metrics: [\"${S}\"]\n"),
           with_queue("      creds_file: ${S}\n"),
           with_queue("      token_file: ${S}\n"),
           with_queue("      tls: {ca_file: \"${S}\"}\n"),
           with_service("    queue: {url: \"http://${S}\", stream: S, consumer: C}\n"),
           with_service("    queue: {url: \"${S}:port,b\", stream: S, consumer: C}\n"),
           with_service("    queue: {url: n, stream: \"${S} \", consumer: C}\n"),
           with_service("    queue: {url: n, stream: S, consumer: \"${S:-x}.\"}\n"),
           std::string("service: \"${S}/\"\nscaling: {cpu_high: \"${S}\", max_replicas: 3}\n"),
           "compose_file: ${S}\nservices:\n  - {name: w, max_replicas: 2, rules: {scale_up_when: [" + rule +
               "]}}\n",
           "llm: {model: m, provider: \"${S}\"}\n" + with_service(""),
           "llm: {model: m, base_url: \"${S}\"}\n" + with_service(""),
       }) {
    const auto result = load_in(folder, text, {{"S", "QQQQ"}});
    ASSERT_FALSE(result.mistakes.empty()) << text;
    for (const auto& m : result.mistakes) EXPECT_EQ(m.find("QQQQ"), std::string::npos) << m;
  }
  const auto shown = load_in(folder, with_service("    scale_up_by: ${S}\n"), {{"S", "QQQQ"}}).mistakes;
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_NE(shown[0].find("scale_up_by is \"${S}\" (its value is not shown); allowed: a whole number from 1"),
            std::string::npos)
      << shown[0];
}

}  // namespace
}  // namespace docktor
