// The API: each route by its own description, tokens, hosts, errors, the stream of events.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "api/operations.h"
#include "api/schema.h"
#include "tests/web/served.h"
#include "web/openapi.h"
#include "web/routes.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;

class ApiTest : public Served {
 protected:
  Json json(const Answer& a) const { return Json::parse(a.body, nullptr, false); }
  void start_with_public_url(const std::string& url) {
    ServiceText t;
    t.url = server.url();
    box.write(
        "docktor.yaml",
        fmt::format("http: {{listen: '127.0.0.1:{}', public_url: '{}'}}\n", port_, url) + config_text(t));
    box.start();
  }
};

TEST(Routes, EveryOperationHasOneAndItsSchemaIsTheTables) {
  std::set<std::string> missing;
  for (const auto& o : operations()) missing.insert(o.name);
  for (const auto& r : web::routes()) missing.erase(std::string(r.operation));
  EXPECT_TRUE(missing.empty()) << *missing.begin();
  const auto all = operations();
  for (const auto& r : web::routes()) {
    if (r.operation.empty()) continue;
    const auto o = std::ranges::find(all, r.operation, &Operation::name);
    ASSERT_NE(o, all.end()) << r.operation;
    EXPECT_EQ(r.need == web::Need::kAct, o->kind != OperationKind::kRead) << r.pattern;
  }
}

// Each route is called as the document says, with the least that it wants; none may be unknown, none may fail by a
// bug, and an answer has the type that the document names.
TEST_F(ApiTest, EachRouteIsAsItsDescriptionSays) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  ASSERT_TRUE(eventually([&] { return !box.decisions().empty(); }));
  const auto document = json(get("/api/v1/openapi.json"));
  ASSERT_EQ(document["openapi"], "3.1.0");
  EXPECT_EQ(document["paths"].dump(), Json(web::openapi("x")["paths"]).dump());
  const std::string id = box.decisions().back()["id"];
  int called = 0;
  for (const auto& [pattern, methods] : document["paths"].items()) {
    for (const auto& [method, what] : methods.items()) {
      std::string path = pattern;
      if (const auto at = path.find("{service}"); at != std::string::npos) path.replace(at, 9, "consumer");
      if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, id);
      Json body = Json::object();
      if (what.contains("requestBody")) {
        const auto& schema = what["requestBody"]["content"]["application/json"]["schema"];
        for (const auto& name : schema.value("required", Json::array())) {
          const auto& type = schema["properties"][name.get<std::string>()]["type"];
          const std::string key = name;
          const int n = key == "min_replicas"           ? 1
                        : key == "max_replicas"         ? 5
                        : pattern.ends_with("/propose") ? 4
                                                        : 2;
          body[key] = type == "integer" ? Json(n) : Json("x");
        }
        if (schema.contains("additionalProperties")) {
          EXPECT_TRUE(check_schema(schema, body, "body").has_value()) << path;
        }
      }
      if (pattern == "/api/v1/events") continue;  // it does not end; it has a test of its own
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(),
                             [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      const auto a = act(upper, path, method == "post" ? body.dump() : "");
      ++called;
      const bool proposal = pattern.find("/proposals/") != std::string::npos;  // none is open
      const bool recorded =
          pattern.find("simulate") != std::string::npos;  // the journal is too short for one
      if (!proposal && !recorded) {
        EXPECT_EQ(a.status, 200) << upper << " " << path << ": " << a.body;
      }
      if (proposal) {
        EXPECT_EQ(a.status, 404) << a.body;
      }
      EXPECT_NE(a.status, 500) << a.body;
      if (a.status == 200) {
        const auto type = what["responses"]["200"]["content"].begin().key();
        EXPECT_TRUE(a.headers.at("content-type").starts_with(type))
            << path << " " << a.headers.at("content-type");
        if (type == "application/json") {
          EXPECT_TRUE(json(a).is_object()) << a.body;
        }
      } else {
        EXPECT_EQ(a.headers.at("content-type"), "application/problem+json");
        EXPECT_EQ(json(a)["status"], a.status);
        EXPECT_FALSE(json(a)["detail"].get<std::string>().empty());
      }
    }
  }
  const auto described = std::ranges::count_if(
      web::routes(), [](const auto& r) { return r.own != "page" && r.own != "plain" && r.own != "events"; });
  EXPECT_EQ(called, static_cast<int>(described));
}

// For an HPA or KEDA: a number at a path, and an error rather than a number that nothing fresh stands behind.
TEST_F(ApiTest, TheNumberForAnotherAutoscalerIsFreshOrAnError) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  box.produce(server.url(), "many", 3000);
  ASSERT_TRUE(eventually([&] {
    const auto a = get("/api/v1/services/consumer/desired");
    return a.status == 200 && json(a)["desired"] >= 3 && json(a)["service"] == "consumer";
  })) << get("/api/v1/services/consumer/desired").body;
  ASSERT_TRUE(eventually([&] { return metric("docktor_desired_replicas{service=\"consumer\"}") >= 1; }));
  EXPECT_EQ(get("/api/v1/services/none/desired").status, 404);
  server.stop();
  ASSERT_TRUE(eventually([&] { return get("/api/v1/services/consumer/desired").status == 503; }));
  EXPECT_NE(json(get("/api/v1/services/consumer/desired"))["detail"].get<std::string>().find(
                "no fresh decision on consumer"),
            std::string::npos);
  EXPECT_TRUE(eventually([&] { return metric("docktor_desired_replicas{service=\"consumer\"}") < 0; }));
}

TEST_F(ApiTest, WhatIsWrongIsSaid) {
  start();
  const auto unknown = get("/api/v1/services/none");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(json(unknown)["code"], "not_found");
  const auto typo = get("/api/v1/services/consumer/decisions?lst=3");
  EXPECT_EQ(typo.status, 400);
  EXPECT_NE(typo.body.find("last"), std::string::npos) << typo.body;
  EXPECT_EQ(get("/api/v1/services/consumer/decisions?last=many").status, 400);
  EXPECT_EQ(get("/api/v1/services/consumer/decisions?last=3").status, 200);
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/scale", R"({"replicas":"3"})").status, 400);
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/scale", R"({"replicas":99})").status, 400);
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/scale", "[[[[").status, 400);
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/pause", R"({"service":"other"})").status, 400);
  const auto method = act("DELETE", "/api/v1/services");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "GET");
  EXPECT_EQ(get("/no/such").status, 404);
}

TEST_F(ApiTest, WhatIsKnownIsNotSentAgain) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  for (const char* path : {"/api/v1/openapi.json", "/api/v1/config"}) {
    const auto first = get(path);
    ASSERT_EQ(first.status, 200) << path;
    const auto again = get(path, {{"If-None-Match", first.headers.at("etag")}});
    EXPECT_EQ(again.status, 304) << path;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.headers.at("etag"), first.headers.at("etag"));
    EXPECT_EQ(get(path, {{"If-None-Match", "W/\"0000000000000000\""}}).body, first.body);
  }
  const auto before = get("/api/v1/services/consumer");
  ASSERT_EQ(act("POST", "/api/v1/services/consumer/scale", R"({"replicas":2})").status, 200);
  EXPECT_EQ(get("/api/v1/services/consumer", {{"If-None-Match", before.headers.at("etag")}}).status, 200);
}

// A path that is the beginning of ours takes nothing away from them.
TEST_F(ApiTest, APublicUrlThatEndsInApiLeavesTheApiWhereItIs) {
  start_with_public_url("https://tools.example.org/api");
  EXPECT_EQ(get("/api/v1/services").status, 200);
  EXPECT_EQ(get("/api/api/v1/services").status, 200);
  EXPECT_EQ(get("/api/page.js").status, 200);
}

// One proxy passes the path on as it was asked for, the other cuts its part off.
TEST_F(ApiTest, ThePathOfThePublicUrlMayComeFirst) {
  start_with_public_url("https://tools.example.org/docktor/");
  const std::map<std::string, std::string> proxy{{"Host", "tools.example.org"}};
  for (const char* path : {"/", "/page.js", "/healthz", "/metrics", "/api/v1/services"}) {
    EXPECT_EQ(get(path, proxy).status, 200) << path;
    EXPECT_EQ(get(std::string("/docktor") + path, proxy).status, 200) << path;
  }
  EXPECT_EQ(get("/docktor/page.js", proxy).body, get("/page.js").body);
  const auto moved = get("/docktor", proxy);
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.headers.at("location"), "/docktor/");
  for (const char* none :
       {"/docktorpage.js", "/docktor/docktor/page.js", "/other/page.js", "/docktor/docktor"})
    EXPECT_EQ(get(none, proxy).status, 404) << none;
  EXPECT_EQ(get("/docktor", {{"Host", "evil.example"}}).status, 421);
  EXPECT_EQ(get("/docktor/api/v1/services", {{"Host", "evil.example"}}).status, 421);
}

TEST_F(ApiTest, TokensHostsAndOtherSites) {
  start();
  const std::string scale = "/api/v1/services/consumer/scale", body = R"({"replicas":2})";
  EXPECT_EQ(ask(RawClient(port_), "POST", scale, {{"Content-Type", "application/json"}}, body).status, 401);
  EXPECT_EQ(act("POST", scale, body, kLookToken).status, 403);
  EXPECT_EQ(act("POST", scale, body, "wrong").status, 401);
  EXPECT_EQ(get("/api/v1/services", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(get("/api/v1/services", {{"Authorization", std::string("Bearer ") + kLookToken}}).status, 200);
  EXPECT_EQ(get("/api/v1/services", {{"Host", "evil.example"}}).status, 421);
  EXPECT_EQ(get("/metrics", {{"Host", "evil.example:80"}}).status, 421);
  EXPECT_EQ(get("/healthz", {{"Host", "evil.example"}}).status, 421);
  EXPECT_EQ(get("/api/v1/services", {{"Host", "Docktor.LAN:80"}}).status, 200);
  EXPECT_EQ(get("/api/v1/services", {{"Host", "[::1]:80"}}).status, 200);
  const std::map<std::string, std::string> other{{"Authorization", std::string("Bearer ") + kActToken},
                                                 {"Content-Type", "application/json"},
                                                 {"Sec-Fetch-Site", "cross-site"}};
  EXPECT_EQ(ask(RawClient(port_), "POST", scale, other, body).status, 403);
  EXPECT_EQ(
      ask(RawClient(port_), "POST", scale, {{"Authorization", std::string("Bearer ") + kActToken}}, body)
          .status,
      415);
  EXPECT_EQ(act("POST", scale, body).status, 200);
  // Who it was stands in status, and the token nowhere.
  ASSERT_TRUE(eventually([&] { return box.replicas() == 2; }));
  EXPECT_NE(box.status().dump().find("http:ann"), std::string::npos) << box.status().dump();
  EXPECT_EQ((box.log() + get("/api/v1/config").body).find(kActToken), std::string::npos);
  EXPECT_EQ(get("/api/v1/about").body.find("\"may_act\":true"), std::string::npos);
  EXPECT_NE(act("GET", "/api/v1/about").body.find("\"may_act\":true"), std::string::npos);
}

TEST_F(ApiTest, AReloadChangesWhoMayAsk) {
  start();
  box.write("act.token", "another-another-another-another-another");
  EXPECT_EQ(box.docktor("daemon reload --config docktor.yaml").code, 0);
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/pause", "{}").status, 401);
  EXPECT_EQ(
      act("POST", "/api/v1/services/consumer/pause", "{}", "another-another-another-another-another").status,
      200);
  box.write("docktor.yaml", "nonsense: 1\n");
  EXPECT_NE(box.docktor("daemon reload --config docktor.yaml").code, 0);
  EXPECT_EQ(metric("docktor_config_last_reload_successful"), 0);
}

TEST_F(ApiTest, AReloadOverHttpMayMoveThePortThatItCameBy) {
  start();
  const int before = port_;
  port_ = free_port();
  ServiceText t;
  t.url = server.url();
  t.record_file = box.record_file();
  box.write("docktor.yaml", http_block() + config_text(t));
  ask(RawClient(before), "POST", "/api/v1/reload",
      {{"Authorization", std::string("Bearer ") + kActToken}, {"Content-Type", "application/json"}}, "{}");
  ASSERT_TRUE(eventually([&] { return get("/healthz").status == 200; }));
  EXPECT_TRUE(eventually([&] { return !RawClient(before).connected(); }));
}

TEST_F(ApiTest, AReloadEndsTheStreamsOfWhoeverMayLookNoMore) {
  start();
  RawClient stream(port_);
  stream.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stream.read_until("event: services\n");
  box.write("look.token", "another-another-another-another-another");
  EXPECT_EQ(box.docktor("daemon reload --config docktor.yaml").code, 0);
  EXPECT_NE(stream.read_until("\r\n0\r\n").find("\r\n0\r\n"), std::string::npos) << "the stream's end";
}

// A port that is not to be had, and by whom.
TEST_F(ApiTest, AReloadThatIsRefusedSaysWhyAndKeepsTheLocks) {
  start();
  const auto reload = [&](const std::string& text) {
    box.write("docktor.yaml", text);
    return box.docktor("daemon reload --config docktor.yaml");
  };
  const auto with = [&](const std::string& listen, const std::string& services) {
    return std::regex_replace(http_block(), std::regex("127\\.0\\.0\\.1:[0-9]+"), listen) + services;
  };
  ServiceText t;
  t.url = server.url();
  t.record_file = box.record_file();
  const auto services = config_text(t);
  const auto ours = reload(with(fmt::format("0.0.0.0:{}", port_), services));
  EXPECT_NE(ours.code, 0);
  EXPECT_NE(ours.out.find("docktor itself listens at port"), std::string::npos) << ours.out;
  // The service gets another name in the file that is refused, and so another lock; the old one is still ours.
  const Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  ASSERT_EQ(0, ::bind(taken.get(), reinterpret_cast<sockaddr*>(&a), size));
  ASSERT_EQ(0, ::listen(taken.get(), 1));
  ASSERT_EQ(0, ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&a), &size));
  const auto renamed = std::regex_replace(services, std::regex("name: consumer"), "name: renamed");
  const auto theirs = reload(with(fmt::format("127.0.0.1:{}", ntohs(a.sin_port)), renamed));
  EXPECT_NE(theirs.code, 0);
  EXPECT_NE(theirs.out.find("choose another port in http.listen"), std::string::npos) << theirs.out;
  box.write("other.yaml", services);
  const auto second = box.docktor("daemon start --config other.yaml");
  EXPECT_NE(second.code, 0);
  EXPECT_NE(second.out.find("already scaled by another docktor"), std::string::npos) << second.out;
  box.docktor("daemon stop --config other.yaml");
}

TEST_F(ApiTest, HundredsOfServicesFitIntoTheFirstTextOfAStream) {
  constexpr int kServices = 400;
  std::string text = fmt::format("http: {{listen: \"127.0.0.1:{}\"}}\nservices:\n", port_);
  for (int i = 0; i < kServices; ++i)
    text += fmt::format(R"(  - name: service-{}-whose-name-is-not-short
    min_replicas: 1
    max_replicas: 4
    rules: {{scale_up_when: [{{metric: cpu.avg, op: ">", value: 80}}], scale_down_when: [{{metric: cpu.avg, op: "<", value: 10}}]}}
    target: {{kind: process, command: [sleep, "1000"]}}
)",
                        i);
  box.write("docktor.yaml", text);
  const auto started = box.docktor("daemon start --dry-run");
  ASSERT_EQ(started.code, 0) << started.out;
  ASSERT_TRUE(eventually([&] { return metric("docktor_services") == kServices; }));
  // One that has not looked at anything yet is in no text; one that changes meanwhile may be told twice.
  std::size_t size = 0;
  const auto missing = [&] {
    RawClient stream(port_);
    stream.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto all = stream.read_until("event: services\n");
    size = all.size();
    int out = 0;
    for (int i = 0; i < kServices; ++i)
      out += all.find(fmt::format("\"service-{}-whose-name-is-not-short\"", i)) == std::string::npos;
    return out;
  };
  EXPECT_TRUE(eventually([&] { return missing() == 0; })) << size << " bytes of the stream's first text";
}

TEST_F(ApiTest, AnAddressBeyondThisHostNeedsTokens) {
  ServiceText t;
  t.url = server.url();
  box.write("docktor.yaml", "http: {listen: \"0.0.0.0:3625\"}\n" + config_text(t));
  const auto ran = box.docktor("daemon start");
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.out.find("add tokens:"), std::string::npos) << ran.out;
}

TEST_F(ApiTest, EventsTellWhatChangesAsItChanges) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  RawClient stream(port_);
  stream.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(stream.read_until("event: service\n").find("text/event-stream"), std::string::npos);
  box.produce(server.url(), "many", 3000);
  const auto text = stream.read_until("event: decision\nid: ", kPatience);
  EXPECT_NE(text.find("event: decision\nid: "), std::string::npos) << text;
  const auto history = json(get("/api/v1/services/consumer/history"));
  ASSERT_TRUE(history["points"].is_array());
  EXPECT_GE(history["points"].size(), 1U);
  EXPECT_EQ(history["columns"].size(), history["points"][0].size());
}

}  // namespace
}  // namespace docktor::test
