#include "tests/sqs/elasticmq.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>
#include <stdexcept>
#include <thread>

#include "os/http_client.h"
#include "tests/support/patience.h"

namespace docktor::test {
namespace {

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  const bool ok = ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0 &&
                  ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0;
  ::close(fd);
  if (!ok) throw std::runtime_error("no free port");
  return ntohs(a.sin_port);
}

}  // namespace

ElasticMq::ElasticMq() { start(); }
ElasticMq::~ElasticMq() { kill(); }

void ElasticMq::start() {
  const bool known = port_ > 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (!known) port_ = free_port();
    const std::string dir = dir_.path().string();
    dir_.file("c.conf",
              fmt::format(
                  "include classpath(\"application.conf\")\n"
                  "node-address {{protocol = http, host = \"127.0.0.1\", port = {0}, context-path = \"\"}}\n"
                  "rest-sqs {{enabled = true, bind-port = {0}, bind-hostname = \"127.0.0.1\", sqs-limits = "
                  "strict}}\n"
                  "rest-stats {{enabled = false}}\n",
                  port_));
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind, however the test ends
      dup2(open("/dev/null", O_RDONLY), 0);
      dup2(open((dir + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
      dup2(1, 2);
      const std::string config = "-Dconfig.file=" + dir + "/c.conf";
      execlp("java", "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", config.c_str(), "-cp",
             DOCKTOR_ELASTICMQ "/lib/*", "org.elasticmq.server.Main", static_cast<char*>(nullptr));
      _exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      HttpClient client({.base_url = url()});
      if (client.send({.path = "/?Action=ListQueues", .timeout = std::chrono::seconds(5)})) return;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("ElasticMQ does not start: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    pid_ = -1;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("ElasticMQ ended at once (scripts/fetch-elasticmq.sh fetches it): " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

void ElasticMq::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ElasticMq::url() const { return fmt::format("http://127.0.0.1:{}", port_); }
std::string ElasticMq::queue(const std::string& name) const {
  return fmt::format("{}/000000000000/{}", url(), name);
}

ElasticMq::Json ElasticMq::call(const std::string& action, const Json& body) const {
  HttpClient client({.base_url = url()});
  const auto r = client.send({.method = "POST",
                              .path = "/",
                              .body = body.dump(),
                              .content_type = "application/x-amz-json-1.0",
                              .headers = {"X-Amz-Target: AmazonSQS." + action},
                              .timeout = std::chrono::seconds(30)});
  if (!r || r->status != 200) throw std::runtime_error(action + ": " + (r ? r->body : r.error().message));
  return r->body.empty() ? Json() : Json::parse(r->body);
}

void ElasticMq::create(const std::string& name, const Json& attributes) const {
  call("CreateQueue", {{"QueueName", name}, {"Attributes", attributes}});
}

void ElasticMq::send(const std::string& name, int count) const {
  for (int sent = 0; sent < count;) {
    auto entries = Json::array();
    for (int i = 0; i < 10 && sent < count; ++i, ++sent)
      entries.push_back({{"Id", std::to_string(i)}, {"MessageBody", std::to_string(sent)}});
    call("SendMessageBatch", {{"QueueUrl", queue(name)}, {"Entries", entries}});
  }
}

std::string ElasticMq::receive(const std::string& name) const {
  const auto r = call("ReceiveMessage", {{"QueueUrl", queue(name)}, {"MaxNumberOfMessages", 1}});
  const auto messages = r.value("Messages", Json::array());
  return messages.empty() ? "" : messages[0]["ReceiptHandle"].get<std::string>();
}

void ElasticMq::remove(const std::string& name, const std::string& receipt) const {
  call("DeleteMessage", {{"QueueUrl", queue(name)}, {"ReceiptHandle", receipt}});
}

std::string ElasticMq::log() const {
  std::ifstream in(dir_.path() / "log");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace docktor::test
