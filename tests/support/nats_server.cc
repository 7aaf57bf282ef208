#include "tests/support/nats_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/patience.h"

namespace docktor::test {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string environment(const char* name) {
  const char* v = getenv(name);
  return v ? v : "";
}

// "nats-server: v2.10.27" → at least 2.10
bool is_new_enough(const std::string& binary) {
  FILE* pipe = popen(fmt::format("'{}' --version 2>/dev/null", binary).c_str(), "r");
  if (!pipe) return false;
  int major = 0, minor = 0;
  const int read = fscanf(pipe, "nats-server: v%d.%d", &major, &minor);
  pclose(pipe);
  return read == 2 && (major > 2 || (major == 2 && minor >= 10));
}

}  // namespace

std::string nats_server_binary() {
  const std::string set = environment("NATS_SERVER");
  return set.empty() ? "nats-server" : set;
}

std::string newer_nats_server_binary() {
  for (const auto& candidate :
       {environment("NATS_SERVER_210"), environment("NATS_SERVER"), std::string(DOCKTOR_NATS_210)}) {
    if (!candidate.empty() && is_new_enough(candidate)) return candidate;
  }
  return {};
}

NatsServer::NatsServer(Options options) : options_(std::move(options)) { start(); }

NatsServer::~NatsServer() {
  if (pid_ > 0) end(SIGKILL);
}

void NatsServer::configure(Options options) { options_ = std::move(options); }

void NatsServer::start() {
  std::string text = fmt::format("listen: \"127.0.0.1:{}\"\nserver_name: test\n", port_);
  if (options_.jetstream)
    text += fmt::format("jetstream: {{ store_dir: \"{}\"\n{} }}\n", (dir_.path() / "store").string(),
                        options_.jetstream_options);
  const std::string config = dir_.file("server.conf", text + options_.config + "\n");
  const std::string dir = dir_.path().string(), log = (dir_.path() / "server.log").string();
  const char* argv[] = {options_.binary.c_str(),
                        "-c",
                        config.c_str(),
                        "--ports_file_dir",
                        dir.c_str(),
                        "-l",
                        log.c_str(),
                        nullptr};

  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind, however the test ends
      dup2(open("/dev/null", O_RDONLY), 0);
      const int out =
          open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);  // what it says before it has a log
      dup2(out, 1);
      dup2(out, 2);
      execvp(argv[0], const_cast<char**>(argv));
      _exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    // nats-server names the file after its program and pid.
    const auto ports =
        dir_.path() /
        fmt::format("{}_{}.ports", std::filesystem::path(options_.binary).filename().string(), pid_);
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      std::error_code ignored;
      if (std::filesystem::exists(ports, ignored)) {
        const auto j = nlohmann::json::parse(read_file(ports), nullptr, false);
        if (j.is_object() && j.contains("nats")) {
          const auto address = j["nats"][0].get<std::string>();
          port_ = std::stoi(address.substr(address.rfind(':') + 1));
          return;
        }
      }
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("nats-server does not start: " + this->log());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    pid_ = -1;
    // It ended at once. On a known port another program may hold it for a moment; everything else stays as it
    // is.
    if (port_ < 0 || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(fmt::format("{} ended at once: {}", options_.binary, this->log()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void NatsServer::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  if (signal != SIGKILL) ::kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void NatsServer::stop() { end(SIGTERM); }
void NatsServer::kill() { end(SIGKILL); }
void NatsServer::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // it has stopped when this returns
}
void NatsServer::resume() { ::kill(pid_, SIGCONT); }

std::string NatsServer::url() const { return fmt::format("nats://127.0.0.1:{}", port_); }
int NatsServer::leaf_port() const {
  // The file with the ports does not have it.
  const std::string text = log();
  const auto at = text.find("Listening for leafnode connections on ");
  const auto colon = at == std::string::npos ? at : text.find(':', at);
  if (colon == std::string::npos) throw std::runtime_error("no port for leaf nodes: " + text);
  return std::stoi(text.substr(colon + 1));
}
std::string NatsServer::log() const { return read_file(dir_.path() / "server.log"); }

}  // namespace docktor::test
