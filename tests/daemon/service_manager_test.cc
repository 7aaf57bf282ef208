// What systemd is told, at a socket as its own.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <sstream>

#include "os/fd.h"
#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

class Listener {
 public:
  // `address` as in NOTIFY_SOCKET: a path, or '@' and a name.
  explicit Listener(const std::string& address) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@') at.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + address.size() + (address[0] == '@' ? 0 : 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), static_cast<socklen_t>(length)), 0);
  }
  // What was told up to now, a line each.
  std::string told() {
    char block[4096];
    for (ssize_t n; (n = ::recv(fd_.get(), block, sizeof block, MSG_DONTWAIT)) > 0;)
      told_.append(block, static_cast<std::size_t>(n)) += '\n';
    return told_;
  }
  bool hears(const std::string& what) {
    return eventually([&] { return told().find(what) != std::string::npos; });
  }
  void forget() { told_.clear(); }

 private:
  Fd fd_;
  std::string told_;
};

std::string config_of(const Sandbox& box) {
  return fmt::format(
      "version: \"1\"\nservices:\n  - {{name: a, min_replicas: 1, max_replicas: 3, rules: {{scale_up_when: "
      "[{{metric: "
      "cpu.avg, op: \">\", value: 101}}]}}, target: {{kind: process, command: \"env > {}; exec sleep "
      "1000\"}}}}\n",
      box.path("worker.env"));
}

int start(const Sandbox& box, const std::string& address) {
  return box
      .run(std::string(DOCKTOR_BINARY) + " daemon start --config docktor.yaml",
           {{"NOTIFY_SOCKET", address}, {"WATCHDOG_USEC", "30000000"}})
      .code;
}

TEST(ServiceManager, HearsThatTheDaemonIsReadyLivesReloadsAndStops) {
  Sandbox box;
  box.write("docktor.yaml", config_of(box));
  for (const auto& address : {box.path("notify"), fmt::format("@docktor-test-{}", ::getpid())}) {
    Listener listener(address);
    ASSERT_EQ(start(box, address), 0) << box.log();
    EXPECT_TRUE(listener.hears("READY=1\n"));
    EXPECT_TRUE(listener.hears("STATUS=services: 1\n"));
    EXPECT_TRUE(listener.hears("WATCHDOG=1\n"));
    EXPECT_EQ(listener.told().find("STOPPING=1"), std::string::npos);
    // A worker does not speak for the daemon: it has an address of its own.
    ASSERT_TRUE(eventually([&] { return box.replicas("a") == 1; }));
    std::ifstream file(box.path("worker.env"));
    std::stringstream environment;
    environment << file.rdbuf();
    EXPECT_NE(environment.str().find("DOCKTOR_REPLICA="), std::string::npos);
    EXPECT_EQ(environment.str().find(address), std::string::npos);
    EXPECT_EQ(environment.str().find("WATCHDOG_USEC="), std::string::npos);
    listener.forget();
    EXPECT_EQ(box.docktor("daemon reload --config docktor.yaml").code, 0);
    EXPECT_TRUE(listener.hears("RELOADING=1\nMONOTONIC_USEC="));
    EXPECT_TRUE(listener.hears("READY=1\n"));
    // A file that is wrong: the old configuration is in effect, and the daemon ready again.
    box.write("docktor.yaml", "version: [\n");
    listener.forget();
    EXPECT_NE(box.docktor("daemon reload --config docktor.yaml").code, 0);
    EXPECT_TRUE(listener.hears("READY=1\n"));
    box.write("docktor.yaml", config_of(box));
    EXPECT_EQ(box.docktor("daemon stop --replicas --config docktor.yaml").code, 0);
    EXPECT_TRUE(listener.hears("STOPPING=1\n"));
  }
}

// Its socket is gone, or its name is none: nobody waits for that.
TEST(ServiceManager, ThatIsNotThereIsNoTrouble) {
  Sandbox box;
  box.write("docktor.yaml", config_of(box));
  for (const auto& address : {box.path("nobody"), std::string(200, 'x'), std::string("@")}) {
    EXPECT_EQ(start(box, address), 0) << box.log();
    EXPECT_EQ(box.docktor("daemon stop --replicas --config docktor.yaml").code, 0);
  }
}

}  // namespace
}  // namespace docktor::test
