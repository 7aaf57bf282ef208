// List and watch against a server of the test's own, which says what an API server says on a bad day.
#include "kube/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "tests/support/patience.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* kEmpty = R"({"kind": "PodList", "metadata": {"resourceVersion": "10"}, "items": []})";

bool watches(const WebRequest& r) { return r.path.find("watch=1") != std::string::npos; }

// A watch on the stub, and what it has said.
class Heard {
 public:
  explicit Heard(WebStub& stub, KubeWatchCare care = {}) : client_(access(stub)) {
    care.first_pause = 20ms;
    care.longest_pause = 200ms;
    client_.loop().post([this, care] {
      watch_ = std::make_unique<KubeWatch>(
          client_,
          KubeWatch::Options{.path = "/things",
                             .on_page = [this](const std::vector<Json>& part,
                                               bool first) { listed = part.size() + (first ? 0 : listed); },
                             .on_list = [this] { add("list " + std::to_string(listed)); },
                             .on_event =
                                 [this](std::string_view type, const Json& o) {
                                   add(std::string(type) + " " + o["metadata"]["name"].get<std::string>());
                                 },
                             .on_state =
                                 [this] {
                                   add(watch_ && watch_->trouble() ? "trouble " + watch_->trouble()->message
                                                                   : "well");
                                 },
                             .care = care});
    });
  }
  ~Heard() {
    client_.loop().post([this] { watch_.reset(); });
    client_.stop();
  }

  bool said(const std::string& part) {
    return eventually([&] { return all().find(part) != std::string::npos; });
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::size_t listed = 0;
  static KubeAccess access(const WebStub& stub) {
    KubeAccess a;
    a.server.base_url = stub.url();
    a.shown = "the test's server";
    return a;
  }
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    all_ += line + "\n";
  }

  std::mutex mutex_;
  std::string all_;
  std::unique_ptr<KubeWatch> watch_;
  KubeClient client_;
};

TEST(KubeWatchTest, PagesAreOneListAndEventsFollow) {
  WebStub stub([](const WebRequest& r) -> WebReply {
    if (watches(r)) {
      if (r.path.find("resourceVersion=12") == std::string::npos) return {.delay = 60s};
      return {.body = R"({"type": "ADDED", "object": {"metadata": {"name": "c", "resourceVersion": "13"}}})"
                      "\n"
                      R"({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "15"}}})"
                      "\n"};
    }
    if (r.path.find("continue=more") == std::string::npos)
      return {
          .body =
              R"({"metadata": {"resourceVersion": "11", "continue": "more"}, "items": [{"metadata": {"name": "a"}}]})"};
    return {.body = R"({"metadata": {"resourceVersion": "12"}, "items": [{"metadata": {"name": "b"}}]})"};
  });
  Heard heard(stub);
  EXPECT_TRUE(heard.said("list 2\nwell\nADDED c\n")) << heard.all();
  // It goes on from the bookmark.
  EXPECT_TRUE(eventually([&] { return stub.last().path.find("resourceVersion=15") != std::string::npos; }))
      << stub.last().path;
}

TEST(KubeWatchTest, WhatIsTooOldIsListedAnew) {
  std::atomic<int> lists = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (!watches(r))
      return {.body =
                  ++lists == 1
                      ? kEmpty
                      : R"({"metadata": {"resourceVersion": "20"}, "items": [{"metadata": {"name": "a"}}]})"};
    if (r.path.find("resourceVersion=20") != std::string::npos) return {.delay = 60s};
    return {.body = R"({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}})"
                    "\n"};
  });
  Heard heard(stub);
  EXPECT_TRUE(heard.said("list 0\nwell\nlist 1\nwell\n")) << heard.all();
}

TEST(KubeWatchTest, AServerThatAsksForPatienceGetsIt) {
  std::atomic<int> lists = 0;
  std::atomic<std::int64_t> first = 0, second = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (watches(r)) return {.delay = 60s};
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    (++lists == 1 ? first : second) = now;
    if (lists == 1) return {.status = 429, .body = "{}", .headers = {"Retry-After: 1"}};
    return {.body = kEmpty};
  });
  Heard heard(stub);
  EXPECT_TRUE(heard.said("well")) << heard.all();
  EXPECT_THAT(heard.all(), testing::HasSubstr("asks for patience (429)"));
  EXPECT_GE(std::chrono::steady_clock::duration(second - first), 1s);
}

TEST(KubeWatchTest, ASilentWatchIsGivenUp) {
  std::atomic<int> watched = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (!watches(r)) return {.body = kEmpty};
    ++watched;
    return {.delay = 60s};
  });
  Heard heard(stub, {.silence = 100ms});
  EXPECT_TRUE(eventually([&] { return watched >= 3; }));
}

TEST(KubeWatchTest, WithoutTheRightToWatchItListsAgain) {
  std::atomic<int> lists = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (watches(r)) return {.status = 403, .body = R"({"kind": "Status", "message": "cannot watch"})"};
    ++lists;
    return {.body = kEmpty};
  });
  Heard heard(stub, {.list_again = 50ms});
  EXPECT_TRUE(eventually([&] { return lists >= 3; }));
  EXPECT_EQ(heard.all().find("trouble"), std::string::npos) << heard.all();
}

TEST(KubeWatchTest, RubbishIsATroubleAndItsEndIsSeen) {
  std::atomic<bool> well = false;
  std::atomic<int> asked = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (watches(r)) return well ? WebReply{.delay = 60s} : WebReply{.body = "rubbish\n"};
    if (well) return {.body = kEmpty};
    switch (asked++ % 5) {
      case 0:
        return {.body = "<html>"};
      case 1:
        return {.body = "{\"items\": []}"};
      case 2:
        return {.body = R"({"metadata": {"resourceVersion": "1"}, "items": {"a": 1}})"};
      case 3:
        return {.body = kEmpty, .cut_off = true};
      default:
        return {.status = 500, .body = std::string(200'000, '[')};
    }
  });
  Heard heard(stub);
  EXPECT_TRUE(heard.said("answers something else than JSON")) << heard.all();
  EXPECT_TRUE(heard.said("is no list that docktor can read")) << heard.all();
  EXPECT_TRUE(heard.said("does not answer")) << heard.all();
  EXPECT_TRUE(heard.said("answers 500")) << heard.all();
  well = true;
  EXPECT_TRUE(heard.said("list 0")) << heard.all();
}

TEST(KubeWatchTest, ALineWithoutEndIsCutAndListedAnew) {
  std::atomic<int> lists = 0;
  WebStub stub([&](const WebRequest& r) -> WebReply {
    if (watches(r)) return {.body = std::string(1 << 20, 'x'), .endless = true};
    ++lists;
    return {.body = kEmpty};
  });
  Heard heard(stub);
  EXPECT_TRUE(eventually([&] { return lists >= 2; }));
}

}  // namespace
}  // namespace docktor::test
