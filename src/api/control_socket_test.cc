// The control socket: who may ask, and what becomes of lines that are no request.
#include "api/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr uid_t kNobody = 65534;

class ControlSocket : public testing::Test {
 protected:
  std::string path() const { return (dir_.path() / "control.sock").string(); }

  void serve() {
    auto server = ControlServer::listen(path(), [](const nlohmann::json& request, const Peer& peer) {
      return nlohmann::ordered_json{{"ok", true}, {"said", request.value("say", "")}, {"uid", peer.uid}};
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  // What another user is answered, or why he is not; he asks from a process of his own.
  std::string asked_by_nobody(std::optional<gid_t> second_group) const {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
      const gid_t group = second_group.value_or(0);
      if (::setgroups(second_group ? 1 : 0, &group) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)
        ::_exit(2);
      ::prctl(PR_SET_DUMPABLE, 1);  // or /proc/self is still root's
      const auto answer = ask(path(), {{"say", "hello"}}, kPatience);
      const std::string text = answer                           ? answer->dump()
                               : answer.error().message.empty() ? "refused"
                                                                : answer.error().message;
      (void)!::write(ends[1], text.data(), text.size());
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    char block[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], block, sizeof block)) > 0;)
      text.append(block, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the other user could not be played";
    return text;
  }

  test::TempDir dir_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlSocket, ItsOwnUserIsAnsweredAndKnown) {
  serve();
  const auto answer = ask(path(), {{"say", "hello"}}, kPatience);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["said"], "hello");
  EXPECT_EQ((*answer)["uid"], ::geteuid());
  struct stat s{};
  ASSERT_EQ(::stat(path().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0660u);
}

TEST_F(ControlSocket, AnotherUserMayNotAskUnlessHeIsOfItsGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can play another user";
  serve();
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0711), 0);
  const auto kept_out = asked_by_nobody(std::nullopt);
  EXPECT_EQ(kept_out.find("hello"), std::string::npos) << kept_out;
  // Even where somebody has opened the socket to all, the daemon looks who it is.
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  const auto refused = asked_by_nobody(std::nullopt);
  EXPECT_NE(refused.find("only root, the daemon's user and its group may ask"), std::string::npos) << refused;
  const auto let_in = asked_by_nobody(::getegid());
  EXPECT_NE(let_in.find("hello"), std::string::npos) << let_in;
  EXPECT_NE(let_in.find(fmt::format("{}", kNobody)), std::string::npos) << let_in;
}

TEST_F(ControlSocket, ALineThatIsNoRequestIsToldWhatOneIs) {
  serve();
  const auto answer = ask(path(), nlohmann::ordered_json::array({"say", "hello"}), kPatience);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("one JSON object on one line"), std::string::npos)
      << answer.error().message;
}

// 1 MiB of brackets is within what a request may have; walking through it must not end the daemon.
TEST_F(ControlSocket, NestingWithoutEndIsRefusedWhereverItStands) {
  serve();
  const auto asked = [&](const std::string& line) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int folder = ::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    fmt::format("/proc/self/fd/{}/control.sock", folder).copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    for (std::size_t done = 0; done < line.size();) {
      const auto n = ::write(fd, line.data() + done, line.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    std::string text;
    char block[4096];
    for (ssize_t n = 0; (n = ::read(fd, block, sizeof block)) > 0;)
      text.append(block, static_cast<std::size_t>(n));
    ::close(folder);
    ::close(fd);
    return text;
  };
  const auto nested = [](int levels, const std::string& open, const std::string& close) {
    std::string text;
    for (int i = 0; i < levels; ++i) text += open;
    for (int i = 0; i < levels; ++i) text += close;
    return text;
  };
  for (const auto& line :
       {R"({"command":"health","arguments":)" + nested(200'000, "[", "]") + "}\n",
        R"({"command":"status","arguments":{"service":)" + nested(100'000, "[", "]") + "}}\n",
        nested(100'000, R"({"a":)", "}") + "\n", R"({"say":)" + nested(90'000, R"([{"a":)", "}]") + "}\n"}) {
    EXPECT_NE(asked(line).find("nested at most 64"), std::string::npos) << line.substr(0, 60);
  }
  EXPECT_TRUE(ask(path(), {{"say", "hello"}}, kPatience)) << "it lives";
}

// The process may run out of threads, which its workers share with it: the one who asks is told, and later
// ones are answered.
TEST_F(ControlSocket, WithoutAThreadToAnswerTheAskerIsToldAndTheServerLives) {
  if (::geteuid() != 0) GTEST_SKIP() << "the limit is of a user, who must have no other process";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 0777), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kLonely = 64'123;
    if (::setgroups(0, nullptr) != 0 || ::setgid(kLonely) != 0 || ::setuid(kLonely) != 0) ::_exit(2);
    ::prctl(PR_SET_DUMPABLE, 1);
    serve();
    if (!server_) ::_exit(3);
    const rlimit none{2, 2};  // this thread, and the one that listens
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) ::_exit(4);
    const auto refused = ask(path(), {{"say", "hello"}}, kPatience);
    const bool told = !refused && refused.error().message.find("too many requests") != std::string::npos &&
                      refused.error().retry;
    ::_exit(told ? 0 : 5);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "it ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A daemon may refuse and be gone before the request is written, and its answer must still be read.
TEST_F(ControlSocket, ARefusalThatComesBeforeTheRequestIsRead) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int folder = ::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  fmt::format("/proc/self/fd/{}/control.sock", folder)  // the folder's own name may be too long
      .copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  std::jthread refuser([listener] {
    const int fd = ::accept(listener, nullptr, nullptr);
    constexpr std::string_view kAnswer = "{\"ok\":false,\"error\":\"not you\"}\n";
    (void)!::write(fd, kAnswer.data(), kAnswer.size());
    ::close(fd);
  });
  // Far more than a socket holds: the sending always fails, whoever is faster.
  const auto answer = ask(path(), {{"say", std::string(8u << 20, 'x')}}, kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "not you");
  refuser.join();
  ::close(listener);
  ::close(folder);
}

TEST_F(ControlSocket, WhereNobodyListensThatIsTheAnswer) {
  const auto answer = ask(path(), {{"say", "hello"}}, kPatience);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace docktor
