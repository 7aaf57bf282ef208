// A private Prometheus that scrapes an exporter of the test's each 200 ms.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "tests/support/child_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_stub.h"

namespace docktor::test {

/// What an application would export: lines "name{labels} value".
class Exporter {
 public:
  Exporter();
  void set(const std::string& series, const std::string& value);
  void remove(const std::string& series);
  int port() const { return server_.port(); }
  void stop() { server_.stop(); }
  void start() { server_.start(); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> series_;
  WebStub server_;
};

class PrometheusServer {
 public:
  struct Options {
    int exporter = 0;          ///< its port
    std::string web_config{};  ///< users and TLS, as --web.config.file takes them
    bool tls = false;          ///< web_config has it
  };

  explicit PrometheusServer(Options options);  ///< started, and ready for queries

  void start();
  void kill() { child_.kill(); }
  void pause() { child_.pause(); }
  void resume() { child_.resume(); }
  std::string url() const;

 private:
  TempDir dir_;
  Options options_;
  ChildServer child_{(dir_.path() / "log").string()};
};

}  // namespace docktor::test
