#include "tests/prometheus/prometheus_server.h"

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
#include <vector>

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

Exporter::Exporter()
    : server_([this](const WebRequest&) {
        const std::scoped_lock lock(mutex_);
        std::string body;
        for (const auto& [name, value] : series_) body += name + " " + value + "\n";
        return WebReply{.body = body, .headers = {"Content-Type: text/plain; version=0.0.4"}};
      }) {}

void Exporter::set(const std::string& series, const std::string& value) {
  const std::scoped_lock lock(mutex_);
  series_[series] = value;
}

void Exporter::remove(const std::string& series) {
  const std::scoped_lock lock(mutex_);
  series_.erase(series);
}

PrometheusServer::PrometheusServer(Options options) : options_(std::move(options)) {
  dir_.file(
      "prometheus.yml",
      fmt::format("global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n"
                  "scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}]\n",
                  options_.exporter));
  if (!options_.web_config.empty()) dir_.file("web.yml", options_.web_config);
  start();
}

PrometheusServer::~PrometheusServer() { kill(); }

void PrometheusServer::start() {
  const bool known = port_ > 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (!known) port_ = free_port();
    const std::string dir = dir_.path().string();
    std::vector<std::string> args = {
        "prometheus", "--config.file=" + dir + "/prometheus.yml", "--storage.tsdb.path=" + dir + "/data",
        fmt::format("--web.listen-address=127.0.0.1:{}", port_), "--log.level=warn"};
    if (!options_.web_config.empty()) args.push_back("--web.config.file=" + dir + "/web.yml");
    std::vector<char*> argv;
    for (auto& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind, however the test ends
      dup2(open("/dev/null", O_RDONLY), 0);
      dup2(open((dir + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
      dup2(1, 2);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    HttpClient client({.base_url = url(), .verify = false});
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      const auto r = client.send({.path = "/-/ready", .timeout = std::chrono::seconds(2)});
      if (r && (r->status == 200 || r->status == 401)) return;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("prometheus does not start: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    pid_ = -1;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("prometheus ended at once: " + log());
  }
}

void PrometheusServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PrometheusServer::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // it has stopped when this returns
}
void PrometheusServer::resume() { ::kill(pid_, SIGCONT); }

std::string PrometheusServer::url() const {
  return fmt::format("{}://127.0.0.1:{}", options_.tls ? "https" : "http", port_);
}

std::string PrometheusServer::log() const {
  std::ifstream in(dir_.path() / "log");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace docktor::test
