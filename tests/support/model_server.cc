#include "tests/support/model_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/listener.h"
#include "tests/support/stream_io.h"

namespace docktor::test {
namespace {

using Json = nlohmann::json;

ModelReply reply_of(const Json& message, const char* finish) {
  ModelReply r;
  r.body = Json{{"id", "x"},
                {"object", "chat.completion"},
                {"choices", Json::array({{{"index", 0}, {"message", message}, {"finish_reason", finish}}})}}
               .dump();
  return r;
}

}  // namespace

ModelReply says(const std::string& content) {
  return reply_of({{"role", "assistant"}, {"content", content}}, "stop");
}

ModelReply calls(const std::string& name, const Json& arguments) {
  const Json call = {{"id", "call_1"},
                     {"type", "function"},
                     {"function", {{"name", name}, {"arguments", arguments.dump()}}}};
  return reply_of({{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}},
                  "tool_calls");
}

ModelReply streams(const std::string& content, bool cut_off) {
  ModelReply r;
  r.content_type = "text/event-stream";
  const std::string sent = cut_off ? content.substr(0, content.size() / 2) : content;
  for (std::size_t i = 0; i < sent.size(); i += 5) {
    const Json event = {{"choices", Json::array({{{"delta", {{"content", sent.substr(i, 5)}}},
                                                  {"finish_reason", nullptr}}})}};
    r.body += "data: " + event.dump() + "\n\n";
  }
  if (!cut_off)
    r.body += "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
  return r;
}

ModelServer::ModelServer(Script script) : script_(std::move(script)) {
  listener_ = listen_on_loopback();
  port_ = port_of(listener_);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

ModelServer::~ModelServer() {
  thread_.request_stop();
  thread_.join();
  connections_.clear();
  ::close(listener_);
}

std::string ModelServer::url() const { return fmt::format("http://127.0.0.1:{}/v1", port_); }

void ModelServer::script(Script script) {
  const std::scoped_lock lock(mutex_);
  script_ = std::move(script);
}

std::vector<Json> ModelServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::string ModelServer::header(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto at = headers_.find("\r\n" + name);
  if (at == std::string::npos) return {};
  return headers_.substr(at + 2, headers_.find("\r\n", at + 2) - at - 2);
}

void ModelServer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd p{listener_, POLLIN, 0};
    if (::poll(&p, 1, 50) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    connections_.emplace_back([this, fd](const std::stop_token& token) {
      talk(fd, token);
      ::close(fd);
    });
  }
}

void ModelServer::talk(int fd, const std::stop_token& stop) {
  std::string in;
  while (true) {
    std::size_t end;
    while ((end = in.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(fd, in, stop)) return;
    }
    const std::string head = in.substr(0, end + 2);
    in.erase(0, end + 4);
    std::size_t length = 0;
    if (const auto at = head.find("\r\nContent-Length:"); at != std::string::npos)
      length = std::strtoul(head.c_str() + at + 17, nullptr, 10);
    while (in.size() < length) {
      if (!receive(fd, in, stop)) return;
    }
    const std::string body = in.substr(0, length);
    in.erase(0, length);
    ModelReply reply;
    if (head.starts_with("GET")) {
      auto list = Json::array();
      for (const auto& m : models) list.push_back({{"id", m}, {"object", "model"}});
      reply.body = Json{{"object", "list"}, {"data", list}}.dump();
      const std::scoped_lock lock(mutex_);
      headers_ = head;
    } else {
      Script script;
      int number;
      const Json request = Json::parse(body, nullptr, false);
      {
        const std::scoped_lock lock(mutex_);
        headers_ = head;
        requests_.push_back(request);
        number = static_cast<int>(requests_.size());
        script = script_;
      }
      reply = script(request, number);
    }
    const auto until = std::chrono::steady_clock::now() + reply.delay;
    while (std::chrono::steady_clock::now() < until && !stop.stop_requested())
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::string answer = fmt::format("HTTP/1.1 {} x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
                                           reply.status, reply.content_type, reply.body.size()) +
                               (reply.cut_off ? reply.body.substr(0, reply.body.size() / 2) : reply.body);
    if (!send_all(fd, answer, stop) || reply.cut_off) return;
  }
}

}  // namespace docktor::test
