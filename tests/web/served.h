// A daemon with a port of its own, and requests to it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/daemon/sandbox.h"
#include "tests/support/free_port.h"
#include "tests/web/raw_client.h"

namespace docktor::test {

inline constexpr const char* kLookToken = "look-look-look-look-look-look-look-look";
inline constexpr const char* kActToken = "act-act-act-act-act-act-act-act-act-act";

class Served : public testing::Test {
 protected:
  Served() {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS");
  }

  std::string http_block() const {
    return fmt::format(
        "http:\n  listen: 127.0.0.1:{}\n  hosts: [docktor.lan]\n  tokens:\n"
        "    - {{name: looker, file: look.token}}\n    - {{name: ann, file: act.token, acts: true}}\n",
        port_);
  }

  void start(const std::string& more = "") {
    box.write("look.token", std::string(kLookToken) + "\n");
    box.write("act.token", std::string(kActToken) + "\n");
    ServiceText t;
    t.url = server.url();
    t.record_file = box.record_file();
    if (!more.empty()) t.more = "    " + more;
    box.write("docktor.yaml", http_block() + config_text(t));
    box.start();
  }

  Answer get(const std::string& path, const std::map<std::string, std::string>& headers = {}) const {
    return ask(RawClient(port_), "GET", path, headers);
  }
  Answer act(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& token = kActToken) const {
    return ask(RawClient(port_), method, path,
               {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}}, body);
  }
  /// Of one series, as it stands in the text; -1 where it is not there.
  double metric(const std::string& series) const {
    const auto text = get("/metrics").body;
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + series.size() + 2, nullptr);
  }

  NatsServer server;
  Sandbox box;
  int port_ = free_port();
};

}  // namespace docktor::test
