// Every maximum of the HTTP server, from outside.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "http/server.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"
#include "tests/web/raw_client.h"

namespace docktor::test {
namespace {

using http::HttpListener;
using http::Request;
using http::Response;
using namespace std::chrono_literals;

class LimitsTest : public testing::Test {
 protected:
  void listen(const std::string& at = "127.0.0.1:0") {
    http::Handler handler;
    handler.at_once = [this](const Request& r) -> std::optional<Response> {
      if (r.path == "/slow") return std::nullopt;
      if (r.path == "/throws") throw std::runtime_error("quick");
      if (r.path == "/stream-throws")
        return Response{.stream = [](const std::shared_ptr<http::EventStream>&) {
          throw std::runtime_error("no thread");
        }};
      if (r.path == "/stream") {
        Response s{.content_type = "text/event-stream"};
        s.stream = [this](std::shared_ptr<http::EventStream> stream) {
          const std::lock_guard lock(mutex);
          streams.push_back(std::move(stream));
        };
        return s;
      }
      return Response{.body = r.method + " " + r.path + " " + std::to_string(r.body.size()) +
                              (r.peer ? " uid " + std::to_string(r.peer->uid) : "")};
    };
    handler.answer = [this](const Request&) {
      std::unique_lock lock(mutex);
      ++begun;
      changed.wait(lock, [&] { return let; });
      return Response{.body = "slow"};
    };
    handler.refuse = [](int status, const std::string& why) {
      return Response{.status = status, .body = why};
    };
    auto made = HttpListener::listen(at, std::move(handler));
    ASSERT_TRUE(made.has_value()) << made.error().message;
    server = std::move(*made);
  }
  ~LimitsTest() override {
    {
      const std::lock_guard lock(mutex);
      let = true;
    }
    changed.notify_all();
    server.reset();
  }
  RawClient client() const { return RawClient(server->port()); }
  int status_of(const std::string& request) const {
    auto c = client();
    c.send(request);
    const auto all = c.read_until("\r\n\r\n");
    return all.starts_with("HTTP/1.1 ") ? std::atoi(all.c_str() + 9) : 0;
  }
  void expect_alive() const { EXPECT_EQ(ask(client(), "GET", "/alive").body, "GET /alive 0"); }

  std::mutex mutex;
  std::condition_variable changed;
  bool let = false;
  int begun = 0;  // slow answers
  std::list<std::shared_ptr<http::EventStream>> streams;
  std::unique_ptr<HttpListener> server;
};

TEST_F(LimitsTest, AnswersAndKeepsTheConnection) {
  listen();
  auto c = client();
  ASSERT_TRUE(c.send("GET /one HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_NE(c.read_until("/one 0").find("200"), std::string::npos);
  ASSERT_TRUE(c.send("POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
  EXPECT_NE(c.read_until("/two 3").find("POST /two 3"), std::string::npos);
}

TEST_F(LimitsTest, RefusesWhatMayBeReadInTwoWays) {
  listen();
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400);
  EXPECT_EQ(
      status_of(
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  expect_alive();
}

TEST_F(LimitsTest, RefusesAHeadAnAddressAndABodyThatAreTooLarge) {
  listen();
  EXPECT_EQ(status_of("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(17 << 10, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"), 413);
  expect_alive();
}

TEST_F(LimitsTest, CutsAHeadAndABodyWithoutEnd) {
  listen();
  auto head = client();
  head.send("GET / HTTP/1.1\r\nHost: x\r\n");
  bool cut = false;
  for (int i = 0; i < 10'000 && !cut; ++i)
    cut = !head.send("A" + std::to_string(i) + ": " + std::string(100, 'a') + "\r\n");
  EXPECT_TRUE(cut || head.closed(20s));
  auto body = client();
  body.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  cut = false;
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'a') + "\r\n";
  for (int i = 0; i < 10'000 && !cut; ++i) cut = !body.send(chunk);
  EXPECT_TRUE(cut || body.closed(20s));
  expect_alive();
}

TEST_F(LimitsTest, RubbishIsAnsweredOrCutAndHarmsNobody) {
  listen();
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 131 + i / 7) & 0xff);
  for (const std::string& text :
       {bytes, std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string(100, '\0'), std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)}) {
    auto c = client();
    c.send(text);
    expect_alive();
  }
}

TEST_F(LimitsTest, WhoeverSendsHisHeadDropByDropIsCut) {
  listen();
  auto c = client();
  c.send("GET / HTTP/1.1\r\nHost: x\r\nA: ");
  const auto began = std::chrono::steady_clock::now();
  // He is never idle: a byte each 200 ms.
  EXPECT_TRUE(eventually([&] { return !c.send("a") || c.closed(200ms); }));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took, http::kHeadTime - 2s);
  EXPECT_LT(took, http::kIdleTime);
}

TEST_F(LimitsTest, OneAddressHasSoManyConnectionsAndOthersWaitForNothing) {
  listen();
  std::list<RawClient> open;
  for (unsigned i = 0; i < http::kMostOfAddress; ++i) open.emplace_back(server->port());
  EXPECT_TRUE(eventually([&] { return server->connections() == http::kMostOfAddress; }));
  RawClient more(server->port());
  EXPECT_TRUE(more.closed(20s));
  open.pop_back();
  EXPECT_TRUE(eventually([&] { return ask(client(), "GET", "/alive").status == 200; }));
}

// A unix socket's clients have no address that could be counted.
TEST_F(LimitsTest, SoManyConnectionsAndStreamsThereAreInAll) {
  const TempDir dir;
  const std::string path = (dir.path() / "http.sock").string();
  listen(path);
  std::list<RawClient> readers;
  for (std::size_t i = 0; i < http::kMostStreams; ++i) {
    readers.emplace_back(path);
    readers.back().send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_NE(readers.back().read_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  }
  EXPECT_EQ(ask(RawClient(path), "GET", "/stream").status, 503) << "one stream too many";
  EXPECT_EQ(ask(RawClient(path), "GET", "/alive").status, 200);
  std::list<RawClient> open;
  ASSERT_TRUE(eventually([&] { return server->connections() == http::kMostStreams; }));
  for (std::size_t i = http::kMostStreams; i < http::kMostConnections; ++i) open.emplace_back(path);
  ASSERT_TRUE(eventually([&] { return server->connections() == http::kMostConnections; }));
  // Whoever comes now waits or is closed, and is answered once there is room.
  RawClient more(path);
  more.send("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(more.read_until("\r\n\r\n", 1s).find("200"), std::string::npos);
  open.clear();
  EXPECT_TRUE(eventually([&] { return ask(RawClient(path), "GET", "/alive").status == 200; }));
}

TEST_F(LimitsTest, ASlowAnswerHoldsUpNobody) {
  listen();
  std::list<RawClient> waiting;
  for (int i = 0; i < 5; ++i) {  // more than there are workers
    waiting.emplace_back(server->port());
    waiting.back().send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  expect_alive();
  {
    const std::lock_guard lock(mutex);
    let = true;
  }
  changed.notify_all();
  for (auto& c : waiting) EXPECT_NE(c.read_until("slow").find("slow"), std::string::npos);
}

TEST_F(LimitsTest, StreamsReachTheirReadersAndEndWithThem) {
  listen();
  std::list<RawClient> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back(server->port());
    readers.back().send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(readers.back().read_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  }
  expect_alive();  // a fifth
  ASSERT_TRUE(eventually([&] { return server->streams() == 4; }));
  for (const auto& s : streams) EXPECT_TRUE(s->send("data: one\n\n"));
  for (auto& r : readers) EXPECT_NE(r.read_until("data: one").find("data: one"), std::string::npos);
  readers.clear();
  EXPECT_TRUE(eventually([&] {
    for (const auto& s : streams) s->send(": x\n\n");
    return server->streams() == 0;
  }));
  for (const auto& s : streams) EXPECT_FALSE(s->send("more"));
}

TEST_F(LimitsTest, WhoDoesNotReadItsStreamIsCut) {
  listen();
  RawClient c(server->port(), 4096);
  c.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->streams() == 1; }));
  const std::string block(64 << 10, 'x');
  EXPECT_TRUE(eventually([&] { return !streams.front()->send(block); }));
  EXPECT_TRUE(eventually([&] { return server->streams() == 0; }));
}

TEST_F(LimitsTest, AFirstTextMayBeLargerThanWhatMayWait) {
  listen();
  auto c = client();
  c.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->streams() == 1; }));
  EXPECT_TRUE(streams.front()->send(std::string(3 * http::kMostUnread, 'x') + "the end"));
  EXPECT_NE(c.read_until("the end").find("the end"), std::string::npos);
}

TEST_F(LimitsTest, AnExceptionIsAnAnswerAndEndsAStream) {
  listen();
  EXPECT_EQ(status_of("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n"), 500);
  auto c = client();
  c.send("GET /stream-throws HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(c.read_until("\r\n0\r\n").find("\r\n0\r\n"), std::string::npos) << "the stream's end";
  expect_alive();
}

TEST_F(LimitsTest, EndsWithRequestsAndStreamsOpen) {
  listen();
  auto c = client(), half = client();
  c.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->streams() == 1; }));
  half.send("POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of it");
  std::list<RawClient> slow;  // two are being answered, the others wait for a thread
  for (int i = 0; i < HttpListener::kWorkers + 2; ++i) {
    slow.emplace_back(server->port());
    slow.back().send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  const std::size_t all = slow.size() + 2;
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return begun == HttpListener::kWorkers && server->connections() == all;
  }));
  std::atomic<bool> ends{false};
  std::thread end([&] {
    ends = true;
    server.reset();
  });
  ASSERT_TRUE(eventually([&] { return ends.load(); }));
  {
    const std::lock_guard lock(mutex);
    let = true;
  }
  changed.notify_all();
  end.join();
  EXPECT_TRUE(c.closed(20s));
  EXPECT_TRUE(half.closed(20s));
  for (auto& s : slow) {
    const auto told = s.read_until("\r\n\r\n");
    EXPECT_TRUE(told.empty() || told.starts_with("HTTP/1.1 200") || told.starts_with("HTTP/1.1 503")) << told;
    EXPECT_TRUE(s.closed(20s));
  }
  for (const auto& s : streams) EXPECT_FALSE(s->send("more"));
}

TEST_F(LimitsTest, AUnixSocketVouchesForWhoAsks) {
  const TempDir dir;
  const auto folder = dir.path() / std::string(90, 'f');  // longer than a socket's address
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "http.sock").string();
  listen(path);
  struct stat s{};
  ASSERT_EQ(::stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0660U);
  std::filesystem::create_symlink(folder, dir.path() / "s");
  EXPECT_EQ(ask(RawClient((dir.path() / "s" / "http.sock").string()), "GET", "/a").body,
            "GET /a 0 uid " + std::to_string(::getuid()));
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(LimitsTest, APortThatIsTakenIsTold) {
  listen();
  const auto second = HttpListener::listen("127.0.0.1:" + std::to_string(server->port()), {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find("somebody listens there already"), std::string::npos);
}

}  // namespace
}  // namespace docktor::test
