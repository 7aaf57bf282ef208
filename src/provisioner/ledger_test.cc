#include "provisioner/ledger.h"

#include <gtest/gtest.h>

#include "provisioner/ack_subject.h"

namespace docktor {
namespace {

using State = Ledger::Seen::State;

TEST(LedgerTest, AMessageIsNewThenRunningThenDone) {
  Ledger l;
  EXPECT_EQ(l.begin(7, 100).state, State::kNew);
  EXPECT_EQ(l.begin(7, 100).state, State::kRunning);
  const std::string answer = "yes";
  l.finish(7, 100, &answer);
  const auto seen = l.begin(7, 100);
  EXPECT_EQ(seen.state, State::kDone);
  EXPECT_EQ(seen.answer, "yes");
}

TEST(LedgerTest, AFailedOneIsNewAgain) {
  Ledger l;
  (void)l.begin(7, 100);
  l.abandon(7);
  EXPECT_EQ(l.begin(7, 100).state, State::kNew);
}

TEST(LedgerTest, TheSameSequenceOfAnotherTimeIsAnotherMessage) {
  Ledger l;
  (void)l.begin(7, 100);
  l.finish(7, 100, nullptr);
  EXPECT_EQ(l.begin(7, 200).state, State::kNew);
}

TEST(LedgerTest, KeepsABoundedNumberOfAnswers) {
  Ledger l;
  const std::string answer = "a", huge(Ledger::kAnswerBytes + 1, 'x');
  for (std::uint64_t i = 1; i <= Ledger::kAnswers + 1; ++i) {
    (void)l.begin(i, i);
    l.finish(i, i, &answer);
  }
  EXPECT_FALSE(l.begin(1, 1).answer);
  EXPECT_TRUE(l.begin(2, 2).answer);
  EXPECT_EQ(l.begin(1, 1).state, State::kDone);  // known to be done all the same
  (void)l.begin(9'999, 1);
  l.finish(9'999, 1, &huge);
  EXPECT_FALSE(l.begin(9'999, 1).answer);
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
