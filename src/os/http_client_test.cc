#include "os/http_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "os/fd.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

// A server that answers each connection's first request with fixed bytes. An answer that ends with "..." is
// left open.
class Answering {
 public:
  explicit Answering(std::string answer) : answer_(std::move(answer)) {
    char folder[] = "/tmp/docktor-http-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/s";
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    EXPECT_EQ(0, ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
    EXPECT_EQ(0, ::listen(listener_.get(), 64));
    thread_ = std::thread([this] { serve(); });
  }
  ~Answering() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  HttpServer server() const { return {.base_url = "http://localhost", .unix_socket = path_}; }
  std::string request() const { return request_; }

 private:
  void serve() {
    std::vector<Fd> open;
    while (true) {
      Fd c(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!c) return;
      std::string request;
      char block[4096];
      std::size_t wanted = std::string::npos;
      while (request.size() < wanted) {
        const auto n = ::read(c.get(), block, sizeof block);
        if (n <= 0) break;
        request.append(block, static_cast<std::size_t>(n));
        const auto end = request.find("\r\n\r\n");
        if (end == std::string::npos) continue;
        const auto length = request.find("Content-Length: ");
        wanted = end + 4 + (length == std::string::npos ? 0 : std::stoul(request.substr(length + 16)));
      }
      request_ = request;
      const bool leave_open = answer_.ends_with("...");
      const auto text = leave_open ? answer_.substr(0, answer_.size() - 3) : answer_;
      (void)!::send(c.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (leave_open) open.push_back(std::move(c));
    }
  }

  std::string answer_, folder_, path_, request_;
  Fd listener_;
  std::thread thread_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nX-Thing: yes\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST(HttpClient, TakesStatusHeadersAndBodyFromAUnixSocket) {
  Answering server(ok("hello"));
  HttpClient client(server.server());
  const auto r = client.send({.method = "POST", .path = "/x?y=1", .body = "{}"});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(200, r->status);
  EXPECT_EQ("hello", r->body);
  EXPECT_EQ("yes", r->headers.at("x-thing"));
  EXPECT_TRUE(server.request().starts_with("POST /x?y=1 HTTP/1.1\r\n")) << server.request();
  EXPECT_NE(std::string::npos, server.request().find("application/json"));
}

TEST(HttpClient, AnErrorStatusIsAnAnswer) {
  Answering server("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
  HttpClient client(server.server());
  const auto r = client.send({.path = "/"});
  ASSERT_TRUE(r);
  EXPECT_EQ(404, r->status);
  EXPECT_EQ("nope", r->body);
}

TEST(HttpClient, ASilentServerEndsAtTheDeadline) {
  Answering server("...");
  HttpClient client(server.server());
  const auto r = client.send({.path = "/", .timeout = 50ms});
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kTimeout, r.error().code);
  EXPECT_TRUE(r.error().retry);
}

TEST(HttpClient, NobodyListeningIsUnavailable) {
  HttpClient client({.base_url = "http://localhost", .unix_socket = "/nonexistent/socket"});
  const auto r = client.send({.path = "/"});
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kUnavailable, r.error().code);
}

// A variable for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(HttpClient, AProxyIsNotAskedForThisMachine) {
  const Variable http("http_proxy", "http://127.0.0.1:9"), all("ALL_PROXY", "http://127.0.0.1:9");
  for (const char* base :
       {"http://127.0.0.1:1", "http://127.8.9.1:1", "http://localhost:1", "http://[::1]:1"}) {
    HttpClient client({.base_url = base});
    const auto r = client.send({.path = "/"});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().message.find(" 9 "), std::string::npos) << base << ": " << r.error().message;
    EXPECT_EQ(r.error().message.find("proxy"), std::string::npos) << r.error().message;
  }
}

TEST(HttpClient, AProxyThatCannotBeReachedIsNamed) {
  const Variable http("http_proxy", "http://user:hush@127.0.0.1:9");
  HttpClient client({.base_url = "http://docker.example:2375"});
  const auto r = client.send({.path = "/"});
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("the proxy that http_proxy names; no_proxy=docker.example"),
            std::string::npos)
      << r.error().message;
  EXPECT_EQ(r.error().message.find("hush"), std::string::npos);
}

TEST(HttpClient, ABodyOverTheLimitIsRefused) {
  Answering server(ok(std::string(2000, 'x')));
  HttpClient client(server.server());
  const auto r = client.send({.path = "/", .max_body = 1000});
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kExhausted, r.error().code);
}

TEST(HttpClient, AnAnswerCutShortIsAnError) {
  Answering server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  HttpClient client(server.server());
  const auto r = client.send({.path = "/"});
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kUnavailable, r.error().code);
}

TEST(HttpClient, AStreamArrivesPieceByPieceUntilCancelled) {
  Answering server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n...");
  HttpClient client(server.server());
  std::promise<std::string> data;
  std::promise<Result<HttpResponse>> done;
  const auto id = client.submit(
      {.path = "/events", .timeout = Duration::zero()},
      [&](Result<HttpResponse> r) { done.set_value(std::move(r)); },
      [&](std::string_view piece) {
        data.set_value(std::string(piece));
        return true;
      });
  auto first = data.get_future();
  ASSERT_EQ(std::future_status::ready, first.wait_for(30s));
  EXPECT_EQ("first", first.get());
  client.cancel(id);
  auto end = done.get_future();
  ASSERT_EQ(std::future_status::ready, end.wait_for(30s));
  EXPECT_FALSE(end.get());
}

TEST(HttpClient, TheStopTokenEndsAWait) {
  Answering server("...");
  HttpClient client(server.server());
  std::stop_source stop;
  auto answer = std::async(std::launch::async,
                           [&] { return client.send({.path = "/", .timeout = 600s}, stop.get_token()); });
  stop.request_stop();
  ASSERT_EQ(std::future_status::ready, answer.wait_for(30s));
  EXPECT_FALSE(answer.get());
}

TEST(HttpClient, TheDestructorAnswersWhatIsUnderWay) {
  Answering server("...");
  std::atomic<int> answered = 0;
  {
    HttpClient client(server.server());
    for (int i = 0; i < 3; ++i)
      client.submit({.path = "/"}, [&](const Result<HttpResponse>& r) { answered += !r; });
  }
  EXPECT_EQ(3, answered);
}

TEST(UrlEncoded, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ("a-b_1%7B%22%20%2F", url_encoded("a-b_1{\" /"));
}

}  // namespace
}  // namespace docktor
