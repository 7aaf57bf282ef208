#include "provisioner/ledger.h"

#include <gtest/gtest.h>

#include "provisioner/ack_subject.h"

namespace docktor {
namespace {

using State = Ledger::Seen::State;

TEST(LedgerTest, AMessageIsNewThenRunningThenDone) {
  Ledger l;
  EXPECT_EQ(l.begin({7, 100}).state, State::kNew);
  EXPECT_EQ(l.begin({7, 100}).state, State::kRunning);
  const std::string answer = "yes";
  l.finish({7, 100}, &answer);
  const auto seen = l.begin({7, 100});
  EXPECT_EQ(seen.state, State::kDone);
  EXPECT_EQ(seen.answer, "yes");
}

TEST(LedgerTest, AFailedOneIsNewAgain) {
  Ledger l;
  (void)l.begin({7, 100});
  l.abandon({7, 100});
  EXPECT_EQ(l.begin({7, 100}).state, State::kNew);
}

TEST(LedgerTest, TheSameSequenceOfAnotherTimeIsAnotherMessage) {
  Ledger l;
  (void)l.begin({7, 100});
  l.finish({7, 100}, nullptr);
  EXPECT_EQ(l.begin({7, 200}).state, State::kNew);
}

TEST(LedgerTest, KeepsABoundedNumberOfAnswers) {
  Ledger l;
  const std::string answer = "a", huge(Ledger::kAnswerBytes + 1, 'x');
  for (std::uint64_t i = 1; i <= Ledger::kAnswers + 1; ++i) {
    (void)l.begin({i, i});
    l.finish({i, i}, &answer);
  }
  EXPECT_FALSE(l.begin({1, 1}).answer);
  EXPECT_TRUE(l.begin({2, 2}).answer);
  EXPECT_EQ(l.begin({1, 1}).state, State::kDone);  // known to be done all the same
  (void)l.begin({9'999, 1});
  l.finish({9'999, 1}, &huge);
  EXPECT_FALSE(l.begin({9'999, 1}).answer);
}

constexpr std::uint64_t kWindow = 1000;

TEST(LedgerTest, ASecondMessageWithARequestsIdIsThatRequestWithinTheWindow) {
  Ledger l;
  EXPECT_EQ(l.begin({1, 100, "a"}, kWindow).state, State::kNew);
  EXPECT_EQ(l.begin({2, 200, "a"}, kWindow).state, State::kTwin);
  const std::string answer = "yes";
  l.finish({1, 100, "a"}, &answer);
  EXPECT_EQ(l.begin({2, 200, "a"}, kWindow).answer, "yes");
  EXPECT_EQ(l.begin({2, 200, "a"}, kWindow).state, State::kDone);  // by its own sequence from now on
  EXPECT_EQ(l.begin({3, 1099, "a"}, kWindow).state, State::kDone);
  EXPECT_EQ(l.begin({4, 1100, "a"}, kWindow).state, State::kNew);  // as the stream sees it
  EXPECT_EQ(l.begin({5, 1200, "a"}, kWindow).state, State::kTwin);
  EXPECT_EQ(l.begin({6, 1200, "b"}, kWindow).state, State::kNew);
  EXPECT_EQ(l.begin({7, 1200, ""}, kWindow).state, State::kNew);
}

TEST(LedgerTest, AnIdMeansNothingWhereTheWindowIsUnknownOrTheRequestFailed) {
  Ledger l;
  const std::string answer = "yes";
  (void)l.begin({1, 100, "a"});
  EXPECT_EQ(l.begin({2, 200, "a"}).state, State::kNew);
  (void)l.begin({3, 100, "b"}, kWindow);
  l.abandon({3, 100, "b"});
  EXPECT_EQ(l.begin({4, 200, "b"}, kWindow).state, State::kNew);
  const std::string huge(Ledger::kAnswerBytes + 1, 'x');  // no answer to give: it is worked on again
  l.finish({4, 200, "b"}, &huge);
  EXPECT_EQ(l.begin({5, 300, "b"}, kWindow).state, State::kNew);
  const std::string id(Ledger::kIdBytes + 1, 'x');
  (void)l.begin({6, 100, id}, kWindow);
  EXPECT_EQ(l.begin({7, 100, id}, kWindow).state, State::kNew);
}

TEST(LedgerTest, IdsGoWithTheAnswers) {
  Ledger l;
  const std::string answer = "a";
  for (std::uint64_t i = 1; i <= Ledger::kAnswers + 1; ++i) {
    const std::string id = std::to_string(i);
    (void)l.begin({i, 1, id}, kWindow);
    l.finish({i, 1, id}, &answer);
  }
  EXPECT_EQ(l.begin({10'000, 2, "1"}, kWindow).state, State::kNew);
  EXPECT_EQ(l.begin({10'001, 2, "2"}, kWindow).state, State::kDone);
  // A stream that was made anew counts from 1 again.
  (void)l.begin({3, 5, "other"}, kWindow);
  l.finish({3, 5, "other"}, &answer);
  EXPECT_EQ(l.begin({10'002, 6, "3"}, kWindow).state, State::kNew);
  EXPECT_EQ(l.begin({10'003, 6, "other"}, kWindow).state, State::kDone);
}

TEST(AckSubjectTest, ReadsBothForms) {
  const auto d = parse_ack_subject("$JS.ACK.TEST.WORKERS.2.17.21.1700000000000000000.4");
  ASSERT_TRUE(d);
  EXPECT_EQ(d->deliveries, 2);
  EXPECT_EQ(d->stream_sequence, 17);
  EXPECT_EQ(d->consumer_sequence, 21);
  EXPECT_EQ(d->stored_at_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(d->pending, 4);
  const auto e = parse_ack_subject("$JS.ACK.hub.ABC.TEST.WORKERS.1.5.6.7.8.random");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->stream_sequence, 5);
  EXPECT_EQ(e->pending, 8);
  EXPECT_FALSE(parse_ack_subject("$JS.ACK.TEST.WORKERS.2.17"));
  EXPECT_FALSE(parse_ack_subject("$JS.ACK.TEST.WORKERS.x.17.21.1.4"));
  EXPECT_FALSE(parse_ack_subject("_INBOX.abc.1"));
  EXPECT_FALSE(parse_ack_subject(""));
}

}  // namespace
}  // namespace docktor
