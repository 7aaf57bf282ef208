// What replicas tell of themselves: the protocol of sd_notify, with real processes in Python.
#include "targets/process/process_notify.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "targets/process/process_test_bench.h"

namespace docktor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::eventually;
using ::testing::HasSubstr;

TEST(Notification, ReadsWhatItKnowsAndSkipsTheRest) {
  auto n = notification_from("READY=1\nSTATUS=importing 3 of 7\nX_DOCKTOR_BUSY=1\nMAINPID=4\nWATCHDOG=1\n");
  EXPECT_TRUE(n.ready);
  EXPECT_EQ(n.status, "importing 3 of 7");
  EXPECT_EQ(n.busy, true);
  n = notification_from("X_DOCKTOR_BUSY=0");
  EXPECT_FALSE(n.ready);
  EXPECT_EQ(n.status, std::nullopt);
  EXPECT_EQ(n.busy, false);
  n = notification_from("READY=0\nREADY=11\nX_DOCKTOR_BUSY=2\n=\n\n\nREADY");
  EXPECT_FALSE(n.ready);
  EXPECT_EQ(n.busy, std::nullopt);
  EXPECT_EQ(notification_from("").status, std::nullopt);
}

TEST(Notification, AStatusIsPrintableAndShort) {
  EXPECT_EQ(notification_from("STATUS=a\x1b[31mb\tc\x7f").status, "a [31mb c ");
  EXPECT_EQ(notification_from("STATUS=" + std::string(5000, 'x')).status->size(), 200u);
}

// Each replica sends the lines of the file <its id>.say whenever that has new ones.
struct NotifyTest : test::ProcessBench {
  NotifyTest() {
    options.spec.command = {"python3", "-c", R"(
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to = os.environ["NOTIFY_SOCKET"]
said = 0
while True:
    try:
        lines = open(os.environ["DOCKTOR_REPLICA"] + ".say").read().splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines[said:]:
        s.sendto(line.encode(), to)
    said = max(said, len(lines))
    time.sleep(0.01)
)"};
    options.inherited = std::map<std::string, std::string>{{"PATH", "/usr/bin:/bin"}};
  }
  void say(const std::string& id, const std::string& line) {
    std::ofstream(dir.path() / (id + ".say"), std::ios::app) << line << "\n";
  }
  bool says(const std::string& id, const std::string& status) {
    return eventually([&] {
      const auto r = find(id);
      return r && r->note.find("it says: " + status) != std::string::npos;
    });
  }
  ReplicaState state(const std::string& id) { return find(id)->state; }
};

TEST_F(NotifyTest, OnceOneSaysReadyTheOthersCountFromTheirWord) {
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(ready(1)) << "most workers say nothing";
  say("consumer-1", "READY=1");
  say("consumer-1", "STATUS=at work");
  ASSERT_TRUE(says("consumer-1", "at work"));
  ASSERT_TRUE(scale(2));
  say("consumer-2", "STATUS=importing");
  ASSERT_TRUE(says("consumer-2", "importing"));
  EXPECT_EQ(state("consumer-2"), ReplicaState::kStarting);
  say("consumer-2", "READY=1");
  EXPECT_TRUE(ready(2));
  EXPECT_EQ(state("consumer-1"), ReplicaState::kReady);
}

TEST_F(NotifyTest, WhoSaysThatItIsIdleStopsBeforeWhoIsBusy) {
  start_target();
  ASSERT_TRUE(scale(3));
  ASSERT_TRUE(ready(3));
  for (const auto& [id, busy] : {std::pair{"consumer-1", "1"}, {"consumer-2", "0"}, {"consumer-3", "1"}}) {
    say(id, std::string("X_DOCKTOR_BUSY=") + busy + "\n" + "STATUS=said");
    ASSERT_TRUE(says(id, "said"));
  }
  EXPECT_THAT(*scale(2, {{"consumer-1", 0}, {"consumer-2", 90}, {"consumer-3", 0}}), HasSubstr("consumer-2"));
}

TEST_F(NotifyTest, AReplicaOutlivesDocktorAndIsHeardByTheNext) {
  start_target();
  ASSERT_TRUE(scale(1));
  say("consumer-1", "READY=1");
  say("consumer-1", "STATUS=one");
  ASSERT_TRUE(says("consumer-1", "one"));
  target.reset();
  supervisor.reset();
  supervisor = std::make_unique<ProcessSupervisor>();
  start_target();
  EXPECT_TRUE(ready(1)) << "it will not say it again";
  say("consumer-1", "STATUS=two");
  EXPECT_TRUE(says("consumer-1", "two"));
  ASSERT_TRUE(scale(2));
  say("consumer-2", "STATUS=importing");
  ASSERT_TRUE(says("consumer-2", "importing"));
  EXPECT_EQ(state("consumer-2"), ReplicaState::kStarting) << "that replicas say so is remembered";
}

// The state folder is closed to it.
TEST_F(NotifyTest, AReplicaThatRunsAsSomebodyElseIsHeard) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start a process as another user";
  auto& command = options.spec.command;
  command.insert(command.begin(), {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
  ::chmod(dir.path().c_str(), 0755);
  start_target();
  ASSERT_TRUE(scale(1));
  say("consumer-1", "STATUS=nobody");
  EXPECT_TRUE(says("consumer-1", "nobody"));
}

TEST_F(NotifyTest, StrangersAreNotHeardAndDescriptorsAreClosed) {
  start_target();
  ASSERT_TRUE(scale(1));
  say("consumer-1", "STATUS=mine");
  ASSERT_TRUE(says("consumer-1", "mine"));
  const auto at = process_environment(static_cast<pid_t>(find("consumer-1")->pid), "NOTIFY_SOCKET");
  ASSERT_TRUE(at && at->starts_with("/")) << "an abstract one is not everybody's: Sidekiq 6 ends itself";
  Fd mine(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  at->copy(to.sun_path, at->size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + at->size() + 1);
  // As a barrier does it: who waits for the other end of a pipe goes on when it is closed.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::string text = "STATUS=a stranger's\nREADY=1";
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{.msg_name = &to,
                 .msg_namelen = length,
                 .msg_iov = &part,
                 .msg_iovlen = 1,
                 .msg_control = control,
                 .msg_controllen = sizeof control};
  auto* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(c), &ends[1], sizeof(int));
  ASSERT_GT(::sendmsg(mine.get(), &message, 0), 0);
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "all write ends are closed";
  ::close(ends[0]);
  say("consumer-1", "STATUS=still mine");
  EXPECT_TRUE(says("consumer-1", "still mine"));
  ASSERT_TRUE(scale(2));
  EXPECT_TRUE(ready(2)) << "nobody of ours said READY=1";
}

}  // namespace
}  // namespace docktor
