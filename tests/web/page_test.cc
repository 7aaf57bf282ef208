// The page: its size, what keeps everything else out, and what Debian's Chromium makes of it.
#include "web/page.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "os/atomic_file.h"
#include "tests/support/missing.h"
#include "tests/web/served.h"
#include "web/gzip.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;

TEST(Page, IsSmallAndAsksNobodyElse) {
  std::size_t bytes = 0, zipped = 0;
  for (const auto& file : web::page_files()) {
    const std::string text(file.text);
    bytes += text.size();
    zipped += web::gzip(text)->size();
    const std::string without = std::regex_replace(text, std::regex("http://www.w3.org/2000/svg"), "");
    EXPECT_EQ(without.find("http:"), std::string::npos) << file.path;
    EXPECT_EQ(without.find("https:"), std::string::npos) << file.path;
    // What is not text would be code: nothing from outside may become markup, and the policy forbids the rest.
    for (const char* never :
         {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "style=", " onclick="})
      EXPECT_EQ(text.find(never), std::string::npos) << file.path << ": " << never;
  }
  EXPECT_LE(bytes, 60U << 10);
  EXPECT_LE(zipped, 18U << 10);
}

class PageTest : public Served {
 protected:
  // What browse.py tells of the page, in a real browser.
  Json browse(const std::string& path, const std::string& more) const {
    const auto ran = box.run(fmt::format("python3 {}/tests/web/browse.py {} 'http://127.0.0.1:{}/{}' {}",
                                         DOCKTOR_SOURCE_DIR, box.path("chromium"), port_, path, more));
    auto told = Json::parse(ran.out, nullptr, false);
    EXPECT_TRUE(told.is_object()) << ran.out;
    return told;
  }
  static constexpr double kStep = 30;  // seconds between the records of the past

  // As this daemon wrote it from three days ago on, so many records long; the file.
  std::string write_the_past(int records) const {
    std::string file = box.run("find . -name decisions.jsonl").out;
    file.erase(file.find('\n'));
    file = box.path(file + ".1");
    std::ofstream out(file);
    const double begins = static_cast<double>(std::time(nullptr)) - 3 * 86'400;
    for (int i = 0; i < records; ++i) {
      const double t = begins + kStep * i;
      const Json queue = {{"num_pending", i == 100 ? 777 : 3},
                          {"num_ack_pending", 2},
                          {"settled", 900 * i},
                          {"arrived", 900 * i}};
      const Json input = {
          {"t", t}, {"service", "consumer"}, {"replicas", {{"current", 3}, {"ready", 3}}}, {"queue", queue}};
      Json r = {{"ts", "2026-01-01T00:00:00Z"},
                {"id", fmt::format("old-{}", i)},
                {"service", "consumer"},
                {"decision", "hold"},
                {"current_replicas", 3},
                {"target_replicas", 3},
                {"reason", "x"},
                {"outcome", "none"},
                {"duration", 0.0},
                {"observations", Json::object()},
                {"t", t},
                {"replicas", {{"current", 3}, {"ready", 3}, {"failing", 0}}}};
      r["inputs"] = Json::array({input});
      out << r.dump() << "\n";
    }
    return file;
  }
  // The one service twelve times over.
  void make_twelve() {
    const std::string one = *read_file(box.path("docktor.yaml"), 1 << 20);
    std::string all = one;
    for (int i = 2; i <= 12; ++i)
      all += std::regex_replace(one.substr(one.find("  - name: consumer")), std::regex("name: consumer"),
                                fmt::format("name: consumer-{}", i));
    box.write("docktor.yaml", all);
    EXPECT_EQ(box.docktor("daemon reload").code, 0);
  }
  void expect_no_complaint(const Json& told) const {
    EXPECT_EQ(told["met"], true) << told.dump();
    EXPECT_TRUE(told["console"].empty()) << told["console"].dump();
    for (const auto& url : told["requests"])
      EXPECT_TRUE(url.get<std::string>().starts_with(fmt::format("http://127.0.0.1:{}/", port_))) << url;
  }
};

TEST_F(PageTest, ItsFilesHaveAStrictPolicyAndAreForEverybodyWhoMayLook) {
  start();
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(page.headers.at("content-security-policy").find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(get("/page.js").headers.at("content-type"), "text/javascript; charset=utf-8");
  const auto plain = get("/plain");
  EXPECT_NE(plain.body.find("<th scope=\"row\">consumer</th>"), std::string::npos) << plain.body;
}

TEST_F(PageTest, ABrowserShowsTheServiceAndHasNoComplaint) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  for (const char* scheme : {"", "--dark --size 360x800"}) {
    const auto told = browse("", fmt::format("--until \"document.querySelector('.top h2')\" {} "
                                             "--run \"document.querySelector('.top h2').textContent\" "
                                             "--run \"document.getElementById('sum').textContent\" "
                                             "--run \"document.documentElement.scrollWidth <= innerWidth\"",
                                             scheme));
    expect_no_complaint(told);
    EXPECT_EQ(told["values"][0], "consumer");
    EXPECT_NE(told["values"][1].get<std::string>().find("1 service · 1 replica"), std::string::npos)
        << told.dump();
    EXPECT_EQ(told["values"][2], true) << "it scrolls sideways";
  }
}

TEST_F(PageTest, AScaleUpAndItsReasonShowByThemselves) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  std::thread load([&] { box.produce(server.url(), "many", 3000); });
  const auto told =
      browse("",
             "--until \"document.querySelector('.changes b.up + .reason') && "
             "[...document.querySelectorAll('.changes b.up')].some(b => b.textContent.includes('1 → 3'))\" "
             "--run \"document.querySelector('.changes').textContent\"");
  load.join();
  expect_no_complaint(told);
  EXPECT_NE(told["values"][0].get<std::string>().find("queue.backlog"), std::string::npos) << told.dump();
}

// Whoever reads a figure does not lose it: what grows, comes and goes has its place. The browser's own measure, of any element that
// is moved without somebody's doing.
TEST_F(PageTest, NothingMovesWhileItUpdates) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  const auto look = [&](const std::string& wanted, const std::string& size,
                        const std::vector<std::string>& services) {
    constexpr int kMessages = 2500, kEach = 250, kAct = 4000;  // all; a second; ms
    std::thread load([&] { box.produce(server.url(), "many", kMessages, kEach); });
    // A pause puts a notice on the page, and its end takes it away; replicas come, and the backlog goes.
    std::thread people([&] {
      for (const char* what : {"pause", "resume"}) {
        for (const auto& service : services) {
          std::this_thread::sleep_for(std::chrono::milliseconds(kAct) / services.size());
          EXPECT_EQ(act("POST", fmt::format("/api/v1/services/{}/{}", service, what), "{}").status, 200);
        }
      }
    });
    const auto told = browse(
        "",
        fmt::format(
            "--size {} --until \"document.querySelector('{}') && "
            "document.body.textContent.includes('live')\" "
            "--run \"(window.moved = [], window.updates = 0, new PerformanceObserver(all => {{ for (const e "
            "of "
            "all.getEntries()) moved.push([e.value, ...e.sources.map(s => s.node && s.node.textContent || "
            "'?')]); }}).observe({{type: 'layout-shift'}}), new MutationObserver(() => "
            "++updates).observe(document.body, {{subtree: true, childList: true, characterData: true}}), "
            "0)\" "
            "--run \"new Promise(done => setTimeout(() => done(updates), 11000))\" "
            "--run \"moved\"",
            size, wanted));
    people.join();
    load.join();
    expect_no_complaint(told);
    EXPECT_GE(told["values"][1].get<int>(), 5) << "nothing changed, so nothing could move";
    EXPECT_EQ(told["values"][2], Json::array()) << wanted << " at " << size;
  };
  look(".top h2", "360x800", {"consumer"});
  make_twelve();
  look(".card:nth-child(12) h2", "1400x900", {"consumer", "consumer-2", "consumer-3", "consumer-4"});
}

TEST_F(PageTest, TextFromOutsideIsTextAndNeverMarkup) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  const std::string evil = R"(<img src=x onerror=alert(1)><b id=evil>)";
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/pause", Json{{"reason", evil}}.dump()).status, 200);
  const auto told = browse("",
                           "--until \"document.body.textContent.includes('onerror=alert')\" "
                           "--run \"document.querySelectorAll('#evil, main img').length\"");
  expect_no_complaint(told);
  EXPECT_EQ(told["values"][0], 0);
  EXPECT_EQ(get("/plain").body.find("<img"), std::string::npos);
}

// axe looks for what people who see, hear or move otherwise would trip over.
TEST_F(PageTest, AxeFindsNothingInLightAndDark) {
  if (!std::filesystem::exists(DOCKTOR_AXE)) {
    SKIP_FOR_WANT_OF("axe is not there: scripts/fetch-axe.sh");
  }
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  EXPECT_EQ(act("POST", "/api/v1/services/consumer/pause", "{}").status, 200);
  const auto look = [&](const char* wanted, const char* scheme) {
    const auto told = browse(
        "",
        fmt::format("--until \"document.querySelector('{}')\" {} --script {} "
                    "--run \"axe.run(document).then(r => r.violations.map(v => v.id + ': ' + v.help + ' ' + "
                    "v.nodes.map(n => n.html).join(' ')))\" "
                    "--run \"axe.run(document).then(r => r.passes.length)\"",
                    wanted, scheme, DOCKTOR_AXE));
    EXPECT_EQ(told["met"], true) << told;
    EXPECT_EQ(told["values"][0], Json::array()) << wanted << " " << scheme;
    EXPECT_GT(told["values"][1].get<int>(), 10) << "it did not look";
  };
  constexpr const char* kNarrow = "--dark --size 360x800";
  look(".saved, .top h2", "");
  look(".top h2", kNarrow);
  make_twelve();  // and all services on one page
  look(".card:nth-child(12) h2", "");
  look(".card:nth-child(12) h2", kNarrow);
}

// A daemon that was started anew, or a day ago, knows the week from its journal.
TEST_F(PageTest, AWeekBackComesFromTheJournalAndWhatItCostStandsBelow) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  constexpr int kSteps = 240;
  write_the_past(kSteps);
  const auto now = static_cast<double>(std::time(nullptr));
  constexpr double kBefore = 3 * 86'400;
  const auto history = Json::parse(
      get(fmt::format("/api/v1/services/consumer/history?from={:.0f}&points=360", now - 7 * 86'400)).body);
  double greatest = 0;
  int before = 0;
  for (const auto& p : history["points"]) {
    if (p[0] > now - 86'400) continue;
    ++before;
    greatest = std::max(greatest, p[1].get<double>());
    EXPECT_EQ(p[5], 3) << p;
    EXPECT_NEAR(p[0].get<double>(), now - kBefore + kStep * kSteps / 2, kStep * kSteps);
  }
  EXPECT_GE(before, 3);
  EXPECT_EQ(greatest, 777) << "what was bad for a moment is gone";
  EXPECT_LE(history["points"].size(), 361U);
  const auto told =
      browse("",
             "--until \"document.querySelector('.saved')?.textContent.includes('replica-hours')\" "
             "--run \"document.querySelector('.saved').textContent\" "
             "--run \"document.querySelectorAll('.spans button')[2].click()\" "
             "--run \"new Promise(r => setTimeout(r, 2000))\" "
             "--run \"document.querySelector('.head h2').textContent\" "
             "--run \"(() => {const d = document.querySelector('.split details'); d.open = true; return new "
             "Promise(r => "
             "setTimeout(() => r(d.querySelectorAll('tbody tr').length), 500));})()\"");
  expect_no_complaint(told);
  EXPECT_NE(told["values"][0].get<std::string>().find("less than 5 replicas all the time"), std::string::npos)
      << told;
  EXPECT_EQ(told["values"][3], "Last week");
  EXPECT_GE(told["values"][4].get<int>(), 2) << told;
}

// Reading a whole journal takes seconds: what was told is told again for a hundredth of the time that it is about.
TEST_F(PageTest, WhatItCostIsReadAnewWhenAHundredthOfItsTimeIsOver) {
  start();
  ASSERT_TRUE(eventually([&] { return get("/readyz").status == 200; }));
  const auto rows = [&](const std::string& last) {
    return Json::parse(get("/api/v1/services/consumer/savings?last=" + last).body)["rows"].size();
  };
  auto file = write_the_past(1000);  // of eight hours, so for five minutes
  EXPECT_EQ(rows("7d"), 2U);
  std::filesystem::remove(file);
  EXPECT_EQ(rows("7d"), 2U);
  EXPECT_EQ(rows("167h"), 0U) << "another question has an answer of its own";
  file = write_the_past(5);  // of two minutes, so for 1.2 s
  EXPECT_EQ(rows("166h"), 2U);
  std::filesystem::remove(file);
  EXPECT_TRUE(eventually([&] { return rows("166h") == 0; }));
}

TEST_F(PageTest, DocktorWebServesItWithoutAPortOfTheDaemons) {
  ServiceText t;
  t.url = server.url();
  box.write("docktor.yaml", config_text(t));
  box.start();
  const auto ran = box.run(fmt::format(
      "sh -c '{0} web --port {1} --config docktor.yaml > web.txt & "
      "until grep -qs token= web.txt; do sleep 0.1; done; token=$(sed -n \"s/.*#token=//p\" web.txt); "
      "curl -s -o none -w \"%{{http_code}} \" http://127.0.0.1:{1}/; "
      "curl -s -o none -w \"%{{http_code}} \" http://127.0.0.1:{1}/api/v1/services; "
      "curl -s -H \"Authorization: Bearer $token\" http://127.0.0.1:{1}/api/v1/services; "
      "curl -s -H \"Authorization: Bearer $token\" -H \"Content-Type: application/json\" -d \"{{}}\" "
      "http://127.0.0.1:{1}/api/v1/services/consumer/pause; "
      "curl -sN -m 2 -H \"Authorization: Bearer $token\" http://127.0.0.1:{1}/api/v1/events; kill %1 "
      "2>/dev/null || kill $!'",
      DOCKTOR_BINARY, port_));
  EXPECT_EQ(ran.out.find("200 401 {"), 0U) << ran.out;
  EXPECT_NE(ran.out.find("\"service\":\"consumer\""), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("event: service"), std::string::npos) << ran.out;
  EXPECT_NE(box.status().dump().find("paused by"), std::string::npos);
}

}  // namespace
}  // namespace docktor::test
