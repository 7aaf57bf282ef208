#include "provisioner/actor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <stdexcept>

#include "tests/support/patience.h"

namespace docktor {
namespace {

using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;

// The caller's code, as a script.
class Script final : public Provisioner {
 public:
  std::function<Result<InstanceId>(std::stop_token, int n)> on_start = [](auto, int n) {
    return InstanceId("i" + std::to_string(n));
  };
  std::function<Result<void>(const InstanceId&)> on_stop = [](auto&) { return Result<void>(); };

  Result<InstanceId> start_instance(std::stop_token stop) override {
    return on_start(std::move(stop), ++starts);
  }
  Result<void> stop_instance(std::stop_token, const InstanceId& id) override { return on_stop(id); }
  std::atomic<int> starts{0};
};

class ActorTest : public testing::Test {
 protected:
  using Kind = Actor::Report::Kind;
  Actor& actor() {
    if (!actor_) {
      actor_.emplace(script, [this](Actor::Report r) {
        const std::lock_guard lock(mutex_);
        reports_.push_back(std::move(r));
      });
    }
    return *actor_;
  }
  std::vector<std::string> told(Kind kind) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& r : reports_) {
      if (r.kind == kind) out.push_back(r.instance.empty() ? r.text : r.instance);
    }
    return out;
  }
  bool running(int n) {
    return eventually([&] { return actor().running() == n; });
  }

  Script script;

 private:
  std::mutex mutex_;
  std::vector<Actor::Report> reports_;
  std::optional<Actor> actor_;  // last: it ends first
};

TEST_F(ActorTest, StopsTheNewestFirst) {
  actor().want(3);
  ASSERT_TRUE(running(3));
  actor().want(1);
  ASSERT_TRUE(running(1));
  EXPECT_THAT(told(Kind::kStarted), ElementsAre("i1", "i2", "i3"));
  EXPECT_THAT(told(Kind::kStopped), ElementsAre("i3", "i2"));
}

TEST_F(ActorTest, AStartThatThrowsIsToldAndTriedAgain) {
  script.on_start = [](auto, int n) -> Result<InstanceId> {
    if (n == 1) throw std::runtime_error("no room");
    if (n == 2) throw 7;
    return InstanceId("third");
  };
  actor().want(1);
  ASSERT_TRUE(running(1));
  EXPECT_THAT(told(Kind::kFailed), ElementsAre(HasSubstr("no room"), HasSubstr("no std::exception")));
}

TEST_F(ActorTest, ReplicasThatFailToStartAreShownAsFailing) {
  std::atomic<bool> broken{true};
  script.on_start = [&](auto, int n) -> Result<InstanceId> {
    if (broken) return Error{ErrorCode::kExhausted, "full", true};
    return InstanceId("i" + std::to_string(n));
  };
  actor().want(2);
  ASSERT_TRUE(eventually([&] { return actor().counts().failing == 2; }));
  EXPECT_EQ(actor().counts().current, 2);
  broken = false;
  ASSERT_TRUE(eventually([&] { return actor().counts().failing == 0; }));
}

TEST_F(ActorTest, AStartThatHangsIsToldOnceAndAskedToStop) {
  script.on_start = [](std::stop_token stop, int n) -> Result<InstanceId> {
    if (n > 1) return InstanceId("second");
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Error{ErrorCode::kTimeout, "gave up", true};
  };
  actor().want(1);
  ASSERT_TRUE(eventually([&] { return script.starts == 1; }));
  ASSERT_TRUE(eventually([&] {
    const auto text = actor().hanging(std::chrono::steady_clock::now());
    return text && text->find("start_instance() has not returned") != std::string::npos;
  }));
  ASSERT_TRUE(running(1));
  EXPECT_THAT(told(Kind::kFailed), ElementsAre(HasSubstr("gave up")));
}

TEST_F(ActorTest, TheEndInterruptsAStartThatHangs) {
  script.on_start = [](std::stop_token stop, int) -> Result<InstanceId> {
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Error{ErrorCode::kUnavailable, "ended"};
  };
  actor().want(1);
  ASSERT_TRUE(eventually([&] { return script.starts == 1; }));
  actor().finish();
  ASSERT_TRUE(eventually([&] { return told(Kind::kFinished).size() == 1; }));
  EXPECT_TRUE(told(Kind::kFailed).empty());
}

TEST_F(ActorTest, AStopThatFailsIsToldAndTriedAgain) {
  std::atomic<int> tries{0};
  script.on_stop = [&](auto&) -> Result<void> {
    if (++tries < 3) return Error{ErrorCode::kUnavailable, "busy", true};
    return {};
  };
  actor().want(1);
  ASSERT_TRUE(running(1));
  actor().want(0);
  ASSERT_TRUE(running(0));
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(told(Kind::kFailed).size(), 2);
}

TEST_F(ActorTest, AnInstanceThatIsGoneAlreadyIsAsGoodAsStopped) {
  script.on_stop = [](auto&) -> Result<void> { return Error{ErrorCode::kNotFound, "never heard of it"}; };
  actor().want(1);
  ASSERT_TRUE(running(1));
  actor().want(0);
  ASSERT_TRUE(running(0));
  EXPECT_TRUE(told(Kind::kFailed).empty());
}

TEST_F(ActorTest, AtTheEndEachStopIsTriedOnce) {
  std::atomic<int> tries{0};
  script.on_stop = [&](auto&) -> Result<void> {
    ++tries;
    return Error{ErrorCode::kInternal, "cannot"};
  };
  actor().want(3);
  ASSERT_TRUE(running(3));
  actor().finish();
  ASSERT_TRUE(eventually([&] { return told(Kind::kFinished).size() == 1; }));
  EXPECT_EQ(tries, 3);
}

}  // namespace
}  // namespace docktor
