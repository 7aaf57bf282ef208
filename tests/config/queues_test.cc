// Several queues of one service: names, what rules may say of each and of all, and what is refused.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/effective.h"
#include "tests/config/test_files.h"

namespace docktor::queues_keys {
namespace {

using ::testing::HasSubstr;

const std::string kMail = "{kind: redis, url: 'redis://r', list: mail}";
const std::string kPush = "{kind: nats, url: 'nats://localhost:4222', stream: PUSH, consumer: PUSHERS}";
const std::string kBacklog = "rules: {scale_up_when: [{metric: queue.backlog, op: '>', value: 1}]}";

std::string rule(const std::string& metric) {
  return fmt::format("rules: {{scale_up_when: [{{metric: {}, op: '>', value: 1}}]}}", metric);
}

LoadResult load(const std::vector<std::string>& queues, const std::string& policy = kBacklog) {
  return load_text(
      fmt::format("services:\n  - name: a\n    max_replicas: 3\n    target: {{kind: process, command: "
                  "[w]}}\n    {}\n    queues:\n"
                  "      - {}\n",
                  policy, fmt::join(queues, "\n      - ")));
}

std::string mistake(const std::vector<std::string>& queues, const std::string& policy = kBacklog) {
  const auto r = load(queues, policy);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

TEST(Queues, EachHasItsKindAndItsOwnNameByDefault) {
  const auto r = load({kMail, kPush}, rule("queue.PUSHERS.rate_in"));
  ASSERT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  const auto& s = r.config->services.front();
  ASSERT_TRUE(s.queue && s.queue->parts.size() == 2);
  EXPECT_EQ(s.queue->parts[0].name, "mail");
  EXPECT_EQ(s.queue->parts[0].kind, "redis");
  EXPECT_EQ(s.queue->parts[1].name, "PUSHERS");
  EXPECT_EQ(s.queue->shown, "mail: redis://r (mail); PUSHERS: nats://localhost:4222 (PUSH/PUSHERS)");
  const Rule& rule = s.rules->scale_up_when.front();
  EXPECT_EQ(rule.queue, "PUSHERS");
  EXPECT_EQ(rule.metric, Metric::kQueueRateIn);
  EXPECT_TRUE(s.uses_one_queue());
  const auto shown = effective_config(*r.config)["services"][0];
  EXPECT_FALSE(shown.contains("queue"));
  EXPECT_EQ(shown["queues"][0]["name"], "mail");
  EXPECT_EQ(shown["queues"][1]["kind"], "nats");
}

TEST(Queues, TheOrderOfTheFileMeansNothingToWhatWasLearned) {
  const auto one = load({kMail, kPush}), other = load({kPush, kMail});
  ASSERT_TRUE(one.config && other.config);
  EXPECT_EQ(one.config->services[0].queue->identity, other.config->services[0].queue->identity);
}

TEST(Queues, OneAloneWithoutANameIsAsQueue) {
  const auto r = load({"{kind: http, url: 'http://h/', backlog: /n}"});
  ASSERT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  EXPECT_TRUE(r.config->services[0].queue->parts.empty());
  EXPECT_EQ(r.config->services[0].queue->kind, "http");
}

TEST(Queues, NamesAreNeededAndDiffer) {
  EXPECT_THAT(
      mistake({kPush, "{kind: http, url: 'http://h/', backlog: /n}"}),
      HasSubstr(":8:9: one of several queues needs a name, by which rules and status call it; write name:"));
  EXPECT_THAT(mistake({kMail, "{name: mail, kind: nats, stream: S, consumer: C}"}),
              HasSubstr(":8:16: two queues are called mail, the first at line 7; names must differ"));
  EXPECT_THAT(mistake({kMail, "{name: a.b, kind: nats, stream: S, consumer: C}"}),
              HasSubstr("\"a.b\" cannot name a queue; allowed: 1 to 63 letters, digits, _ and -"));
  EXPECT_THAT(
      mistake({kMail, "{name: again, kind: redis, url: 'redis://r', list: mail}"}),
      HasSubstr(
          "this is the same queue as mail at line 7, and its messages would count twice; leave one out"));
}

TEST(Queues, StandInPlaceOfQueue) {
  const auto r = load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    " +
      kBacklog + "\n    queue: " + kPush + "\n    queues: [" + kMail + "]\n");
  ASSERT_EQ(r.mistakes.size(), 1u);
  EXPECT_THAT(r.mistakes[0],
              HasSubstr(":7:5: both queue and queues are written; write all of them in queues"));
  EXPECT_THAT(mistake({"{name: q, kind: nats, stream: S, consumer: C, queue: x}"}),
              HasSubstr("queue is a key of kind"));
}

TEST(Queues, RulesNameWhatThereIs) {
  EXPECT_THAT(mistake({kMail, kPush}, rule("queue.mial.backlog")),
              HasSubstr("did you mean queue.mail.backlog?"));
  EXPECT_THAT(mistake({kMail, kPush}, rule("queue.post_office.backlog")),
              HasSubstr("and queue.NAME.backlog and so on of mail, PUSHERS"));
  const auto r = load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    " +
      rule("queue.mail.backlog") + "\n    queue: " + kPush + "\n");
  ASSERT_EQ(r.mistakes.size(), 1u);
  EXPECT_THAT(r.mistakes[0],
              HasSubstr("\"queue.mail.backlog\" is of one of several queues, which stand in queues:, each "
                        "with a name; of the only one write queue.backlog"));
}

// Redis tells no open pulls; NATS tells no consumers.
TEST(Queues, ARuleOnWhatOneDoesNotTellIsRefusedForAllAndTakenForTheOther) {
  EXPECT_THAT(
      mistake({kMail, kPush}, rule("queue.num_waiting")),
      HasSubstr("queue.num_waiting is the sum of all queues, and mail, of kind redis, does not tell it"));
  EXPECT_TRUE(load({kMail, kPush}, rule("queue.PUSHERS.num_waiting")).config);
  EXPECT_THAT(mistake({kMail, kPush}, rule("queue.mail.num_waiting")),
              HasSubstr("a queue of kind redis does not tell queue.mail.num_waiting"));
}

TEST(Queues, AnObjectiveNeedsTheFlowOfAllOrTheMessagesInHandOfAll) {
  const std::string sqs = "{name: bulk, kind: sqs, url: 'https://sqs.eu-west-1.amazonaws.com/1/bulk'}";
  const std::string list = "{name: notes, kind: redis, url: 'redis://h', list: notes}";
  const std::string objective = "objective: {max_wait: 5s}";
  EXPECT_TRUE(load({kPush, sqs}, objective).config);
  EXPECT_THAT(mistake({kPush, list}, objective),
              HasSubstr("an objective needs to know how many messages come and go, or how many the workers "
                        "have in hand, and a queue of kind redis (notes) tells neither of a list without "
                        "in_flight_list (where workers move a job to while they work on it); write rules (on "
                        "queue.backlog) in its place"));
  const std::string kafka = "{name: log, kind: kafka, servers: 'h:9092', topic: log, group: g}";
  EXPECT_THAT(
      mistake({kafka, sqs}, objective),
      HasSubstr("of all queues the same; a queue of kind sqs (bulk) does not tell the first, which "
                "counts neither what comes nor what is done, a queue of kind kafka (log) not the second"));
}

}  // namespace
}  // namespace docktor::queues_keys
