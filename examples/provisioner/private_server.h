// A nats-server of the program's own: on a free port, with a folder that goes when it does.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

class PrivateServer {
 public:
  PrivateServer() {
    std::string name = (std::filesystem::temp_directory_path() / "docktor-provisioner-XXXXXX").string();
    if (!mkdtemp(name.data())) return;
    dir_ = name;
    const std::string store = (dir_ / "store").string();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the example
      const int null = open("/dev/null", O_RDWR);
      for (const int fd : {0, 1, 2}) dup2(null, fd);
      execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", store.c_str(),
             "--ports_file_dir", name.c_str(), nullptr);
      _exit(127);
    }
    // It tells its port in a file once it is ready.
    const auto ports = dir_ / ("nats-server_" + std::to_string(pid_) + ".ports");
    for (int i = 0; i < 500 && url_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      std::ifstream in(ports);
      std::ostringstream text;
      text << in.rdbuf();
      const auto at = text.str().find("nats://");
      if (at != std::string::npos) url_ = text.str().substr(at, text.str().find('"', at) - at);
    }
  }
  ~PrivateServer() {
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    if (!dir_.empty()) std::filesystem::remove_all(dir_, ignored);
  }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  const std::string& url() const { return url_; }  ///< empty: it did not start

 private:
  std::filesystem::path dir_;
  pid_t pid_ = -1;
  std::string url_;
};
