#include "tests/kafka/kafka_client.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace docktor::test {
namespace {

constexpr int kMost = 30'000;  // ms

void no_log(const rd_kafka_t*, int, const char*, const char*) {}

rd_kafka_t* open(rd_kafka_type_t type, const std::map<std::string, std::string>& settings) {
  std::array<char, 512> text{};
  auto* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, no_log);
  for (const auto& [key, value] : settings) {
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(text.data());
  }
  auto* handle = rd_kafka_new(type, conf, text.data(), text.size());
  if (!handle) throw std::runtime_error(text.data());
  return handle;
}

void check(rd_kafka_resp_err_t code, const std::string& what) {
  if (code) throw std::runtime_error(what + ": " + rd_kafka_err2str(code));
}

void check(rd_kafka_error_t* error, const std::string& what) {
  if (!error) return;
  const auto text = what + ": " + rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw std::runtime_error(text);
}

void produce_one(rd_kafka_t* producer, const std::string& topic, const std::string& body, int partition,
                 const std::string& key) {
  check(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(body.data()), body.size()), RD_KAFKA_V_END),
        "produce");
}

void produce_to(rd_kafka_t* producer, const std::string& topic, int count, int partition,
                const std::string& key = "") {
  for (int i = 0; i < count; ++i) produce_one(producer, topic, std::to_string(i), partition, key);
  check(rd_kafka_flush(producer, kMost), "flush");
}

}  // namespace

KafkaAdmin::KafkaAdmin(const std::string& servers)
    : servers_(servers),
      producer_(open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", servers}, {"linger.ms", "0"}})) {}

KafkaAdmin::~KafkaAdmin() {
  for (const auto& [group, consumer] : committers_) rd_kafka_destroy(consumer);
  rd_kafka_destroy(producer_);
}

// The event's own error, and that of each topic or resource in it.
void KafkaAdmin::wait(rd_kafka_queue_t* queue, const std::string& what) const {
  auto* event = rd_kafka_queue_poll(queue, kMost);
  if (!event) throw std::runtime_error(what + ": no answer");
  std::string text = rd_kafka_event_error(event) ? rd_kafka_event_error_string(event) : "";
  const auto topics = [&](const rd_kafka_topic_result_t** results, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      if (rd_kafka_topic_result_error(results[i]))
        text = rd_kafka_err2str(rd_kafka_topic_result_error(results[i]));
    }
  };
  std::size_t n = 0;
  if (const auto* r = rd_kafka_event_CreateTopics_result(event))
    topics(rd_kafka_CreateTopics_result_topics(r, &n), n);
  if (const auto* r = rd_kafka_event_DeleteTopics_result(event))
    topics(rd_kafka_DeleteTopics_result_topics(r, &n), n);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  if (!text.empty()) throw std::runtime_error(what + ": " + text);
}

void KafkaAdmin::create(const std::string& topic, int partitions,
                        const std::map<std::string, std::string>& settings) {
  auto* queue = rd_kafka_queue_new(producer_);
  auto* t = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0);
  for (const auto& [key, value] : settings) rd_kafka_NewTopic_set_config(t, key.c_str(), value.c_str());
  rd_kafka_CreateTopics(producer_, &t, 1, nullptr, queue);
  rd_kafka_NewTopic_destroy(t);
  wait(queue, "create " + topic);
}

void KafkaAdmin::create_on(const std::string& topic, int broker) {
  auto* queue = rd_kafka_queue_new(producer_);
  auto* t = rd_kafka_NewTopic_new(topic.c_str(), 1, -1, nullptr, 0);
  std::int32_t brokers[] = {broker};
  rd_kafka_NewTopic_set_replica_assignment(t, 0, brokers, 1, nullptr, 0);
  rd_kafka_CreateTopics(producer_, &t, 1, nullptr, queue);
  rd_kafka_NewTopic_destroy(t);
  wait(queue, "create " + topic);
}

void KafkaAdmin::remove(const std::string& topic) {
  auto* queue = rd_kafka_queue_new(producer_);
  auto* t = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(producer_, &t, 1, nullptr, queue);
  rd_kafka_DeleteTopic_destroy(t);
  wait(queue, "remove " + topic);
}

void KafkaAdmin::truncate(const std::string& topic, int partition, std::int64_t before) {
  auto* queue = rd_kafka_queue_new(producer_);
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = before;
  auto* d = rd_kafka_DeleteRecords_new(list);
  rd_kafka_DeleteRecords(producer_, &d, 1, nullptr, queue);
  rd_kafka_DeleteRecords_destroy(d);
  rd_kafka_topic_partition_list_destroy(list);
  wait(queue, "truncate " + topic);
}

void KafkaAdmin::acl(rd_kafka_AclBinding_t* acl) {
  auto* queue = rd_kafka_queue_new(producer_);
  rd_kafka_CreateAcls(producer_, &acl, 1, nullptr, queue);
  rd_kafka_AclBinding_destroy(acl);
  wait(queue, "an ACL");
}

void KafkaAdmin::deny(const std::string& user, const std::string& topic) {
  acl(rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                              ("User:" + user).c_str(), "*", RD_KAFKA_ACL_OPERATION_ALL,
                              RD_KAFKA_ACL_PERMISSION_TYPE_DENY, nullptr, 0));
}

void KafkaAdmin::allow_describe(const std::string& user, rd_kafka_ResourceType_t type,
                                const std::string& name) {
  acl(rd_kafka_AclBinding_new(type, name.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL, ("User:" + user).c_str(),
                              "*", RD_KAFKA_ACL_OPERATION_DESCRIBE, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
                              nullptr, 0));
}

void KafkaAdmin::produce(const std::string& topic, int count, int partition) {
  produce_to(producer_, topic, count, partition);
}

void KafkaAdmin::produce_keyed(const std::string& topic, const std::string& key, int count) {
  produce_to(producer_, topic, count, 0, key);
}

int KafkaAdmin::stored(const std::string& topic) {
  auto* consumer = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers_},
                                            {"group.id", "counts-what-is-stored"},
                                            {"enable.auto.commit", "false"},
                                            {"enable.partition.eof", "true"}});
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
  check(rd_kafka_assign(consumer, list), "assign");
  rd_kafka_topic_partition_list_destroy(list);
  int count = 0;
  for (bool end = false; !end;) {
    auto* message = rd_kafka_consumer_poll(consumer, kMost);
    end = !message || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    count += message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (message) rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  return count;
}

void KafkaAdmin::commit(const std::string& group, const std::string& topic, std::int64_t offset,
                        int partition) {
  auto& consumer = committers_[group];
  if (!consumer) consumer = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers_}, {"group.id", group}});
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; i < 100; ++i) {  // a group's coordinator may have to be found first
    code = rd_kafka_commit(consumer, list, 0);
    if (code != RD_KAFKA_RESP_ERR__WAIT_COORD && code != RD_KAFKA_RESP_ERR_NOT_COORDINATOR &&
        code != RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE)
      break;
  }
  rd_kafka_topic_partition_list_destroy(list);
  check(code, "commit");
}

KafkaTransactions::KafkaTransactions(const std::string& servers, const std::string& id)
    : producer_(open(RD_KAFKA_PRODUCER,
                     {{"bootstrap.servers", servers}, {"transactional.id", id}, {"linger.ms", "0"}})) {
  check(rd_kafka_init_transactions(producer_, kMost), "init transactions");
}
KafkaTransactions::~KafkaTransactions() { rd_kafka_destroy(producer_); }
void KafkaTransactions::begin() { check(rd_kafka_begin_transaction(producer_), "begin"); }
void KafkaTransactions::produce(const std::string& topic, int count) {
  produce_to(producer_, topic, count, 0);
}
void KafkaTransactions::send(const std::string& topic, const std::string& run, int count, int partitions) {
  for (int i = 1; i <= count; ++i)
    produce_one(producer_, topic, fmt::format("{} {}", run, i), i % partitions, "");
  check(rd_kafka_flush(producer_, kMost), "flush");
}
void KafkaTransactions::commit() { check(rd_kafka_commit_transaction(producer_, kMost), "commit"); }
void KafkaTransactions::abort() { check(rd_kafka_abort_transaction(producer_, kMost), "abort"); }

KafkaMember::KafkaMember(const std::string& servers, const std::string& group, const std::string& topic,
                         const std::string& assignor)
    : consumer_(open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers},
                                         {"group.id", group},
                                         {"enable.auto.commit", "false"},
                                         {"partition.assignment.strategy", assignor},
                                         {"session.timeout.ms", "3000"},
                                         {"heartbeat.interval.ms", "200"},
                                         {"auto.offset.reset", "earliest"}})) {
  rd_kafka_poll_set_consumer(consumer_);
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), RD_KAFKA_PARTITION_UA);
  check(rd_kafka_subscribe(consumer_, list), "subscribe");
  rd_kafka_topic_partition_list_destroy(list);
}
KafkaMember::~KafkaMember() {
  if (!consumer_) return;
  rd_kafka_consumer_close(consumer_);
  rd_kafka_destroy(consumer_);
}
void KafkaMember::vanish() {
  rd_kafka_destroy_flags(std::exchange(consumer_, nullptr), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
void KafkaMember::poll() {
  if (auto* message = rd_kafka_consumer_poll(consumer_, 20)) rd_kafka_message_destroy(message);
}

}  // namespace docktor::test
