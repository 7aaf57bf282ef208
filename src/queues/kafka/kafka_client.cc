#include "queues/kafka/kafka_client.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/text.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kWarning = 4;  // of syslog: what is less is not worth a line

// librdkafka takes 0 for "now" and -1 for "for ever".
int left(SteadyTime until) {
  const auto ms = std::chrono::duration_cast<milliseconds>(until - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 1, 60'000));
}

struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* l) const { rd_kafka_topic_partition_list_destroy(l); }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

List list_of(const std::vector<Partition>& partitions, std::int64_t offset) {
  List list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& p : partitions)
    rd_kafka_topic_partition_list_add(list.get(), p.topic.c_str(), p.number)->offset = offset;
  return list;
}

rd_kafka_AdminOptions_t* options_for(rd_kafka_t* handle, rd_kafka_admin_op_t op, std::uint64_t tag,
                                     SteadyTime until) {
  auto* options = rd_kafka_AdminOptions_new(handle, op);
  std::array<char, 200> text{};
  rd_kafka_AdminOptions_set_request_timeout(options, left(until), text.data(), text.size());
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number is all that comes back with the answer
  rd_kafka_AdminOptions_set_opaque(options, reinterpret_cast<void*>(static_cast<std::uintptr_t>(tag)));
  return options;
}

using KafkaSettings = std::vector<std::pair<const char*, std::string>>;

KafkaSettings settings_of(const KafkaSpec& spec) {
  const bool sasl = !spec.user.empty();
  KafkaSettings settings{
      {"bootstrap.servers", spec.servers},
      {"client.id", "docktor"},
      // Joined by nobody. Without a group of its own a handle crashes where a broker that is asked for commits is no longer the
      // coordinator (librdkafka#5040).
      {"group.id", "docktor"},
      {"security.protocol", fmt::format("{}{}", sasl ? "sasl_" : "", spec.tls ? "ssl" : "plaintext")},
      {"isolation.level", spec.read_uncommitted ? "read_uncommitted" : "read_committed"},
      {"enable.auto.commit", "false"},
      {"allow.auto.create.topics", "false"},
      {"auto.offset.reset", "error"},  // has_record() wants what is there, and not what is elsewhere
      {"enable.partition.eof", "true"},
      {"reconnect.backoff.max.ms", "3000"},
      {"socket.keepalive.enable", "true"},
      {"log.connection.close", "false"},
      {"receive.message.max.bytes", "16777216"},  // no answer that docktor asks for is longer
      {"fetch.max.bytes", "1048576"},
      {"message.max.bytes", "1048576"},
      {"fetch.message.max.bytes", "1024"},
      {"fetch.wait.max.ms", "100"},
      {"queued.min.messages", "1"},
  };
  if (sasl) {
    auto mechanism = spec.mechanism;
    std::ranges::transform(mechanism, mechanism.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    settings.insert(settings.end(), {{"sasl.mechanisms", mechanism},
                                     {"sasl.username", spec.user},
                                     {"sasl.password", spec.password.value}});
  }
  if (spec.tls) {
    if (!spec.tls_ca_file.empty()) settings.emplace_back("ssl.ca.location", spec.tls_ca_file);
    if (!spec.tls_cert_file.empty()) settings.emplace_back("ssl.certificate.location", spec.tls_cert_file);
    if (!spec.tls_key_file.empty()) settings.emplace_back("ssl.key.location", spec.tls_key_file);
    if (!spec.tls_verify) settings.emplace_back("enable.ssl.certificate.verification", "false");
    settings.emplace_back("ssl.endpoint.identification.algorithm", spec.tls_verify ? "https" : "none");
  }
  return settings;
}

// A group of the new protocol (KIP-848), and one that is not there, is "dead" to this request.
Result<std::optional<GroupMembers>> members_of(rd_kafka_event_t* event, const KafkaErrors& errors) {
  if (const auto code = rd_kafka_event_error(event))
    return tl::unexpected(errors.explained(code, "the group's members"));
  const auto* result = rd_kafka_event_DescribeConsumerGroups_result(event);
  std::size_t count = 0;
  const auto* const* groups =
      result ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : nullptr;
  if (count != 1) return fail(ErrorCode::kInternal, "an answer without the group", true);
  const auto what = fmt::format("group {}", rd_kafka_ConsumerGroupDescription_group_id(groups[0]));
  if (const auto* error = rd_kafka_ConsumerGroupDescription_error(groups[0]))
    return tl::unexpected(errors.explained(rd_kafka_error_code(error), what));
  const auto state = rd_kafka_ConsumerGroupDescription_state(groups[0]);
  if (state == RD_KAFKA_CONSUMER_GROUP_STATE_DEAD || state == RD_KAFKA_CONSUMER_GROUP_STATE_UNKNOWN)
    return std::optional<GroupMembers>{};
  const char* assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(groups[0]);
  return GroupMembers{.count = static_cast<int>(rd_kafka_ConsumerGroupDescription_member_count(groups[0])),
                      .rebalancing = state == RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE ||
                                     state == RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE,
                      .at = steady_clock::now(),
                      .assignor = assignor ? assignor : ""};
}

}  // namespace

KafkaClient::KafkaClient(const KafkaSpec& spec, Options options)
    : spec_(spec),
      options_(std::move(options)),
      servers_(redacted_url(spec.servers)),
      errors_(spec_, servers_) {}

KafkaClient::~KafkaClient() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  if (answers_) rd_kafka_queue_destroy(answers_);
  if (handle_) rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

Result<std::unique_ptr<KafkaClient>> KafkaClient::open(const KafkaSpec& spec, Options options) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(spec, std::move(options)));
  if (auto started = client->start(); !started) return tl::unexpected(started.error());
  return client;
}

Result<void> KafkaClient::start() {
  auto* conf = rd_kafka_conf_new();
  for (const auto& [key, value] : settings_of(spec_)) {
    std::array<char, 512> text{};
    if (rd_kafka_conf_set(conf, key, value.c_str(), text.data(), text.size()) == RD_KAFKA_CONF_OK) continue;
    rd_kafka_conf_destroy(conf);
    // The text may repeat the value, which may be the password.
    return fail(ErrorCode::kInvalid, fmt::format("librdkafka does not take {}", key));
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_log_cb(conf, on_log);
  if (options_.resolve) rd_kafka_conf_set_resolve_cb(conf, on_resolve);
  std::array<char, 512> text{};
  handle_ = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text.data(), text.size());
  if (!handle_) {
    rd_kafka_conf_destroy(conf);
    return fail(ErrorCode::kInvalid,
                fmt::format("Kafka at {}: {}", servers_, short_kafka_reason(text.data())), true);
  }
  answers_ = rd_kafka_queue_new(handle_);
  return {};
}

void KafkaClient::on_error(rd_kafka_t*, int code, const char* reason, void* self) {
  static_cast<KafkaClient*>(self)->errors_.note(static_cast<rd_kafka_resp_err_t>(code), reason);
}

void KafkaClient::on_log(const rd_kafka_t* handle, int level, const char*, const char* text) {
  const auto* client = static_cast<const KafkaClient*>(rd_kafka_opaque(handle));
  if (level > kWarning || !client || !client->options_.log) return;
  client->options_.log(fmt::format("kafka {}: {}", client->servers_, short_kafka_reason(text)));
}

// As getaddrinfo, for an address that only a target's network knows. With nothing asked for, *out is given back.
int KafkaClient::on_resolve(const char* node, const char* service, const addrinfo* hints, addrinfo** out,
                            void* self) {
  if (!node) {
    freeaddrinfo(*out);
    return 0;
  }
  const auto& client = *static_cast<const KafkaClient*>(self);
  if (client.given_up_) return EAI_AGAIN;
  const std::string host_name = std::strchr(node, ':') ? fmt::format("[{}]", node) : node;
  const auto address = client.options_.resolve(fmt::format("{}:{}", host_name, service));
  const auto colon = address.rfind(':');
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = colon == std::string::npos ? std::string(service) : address.substr(colon + 1);
  return getaddrinfo(host.c_str(), port.c_str(), hints, out);
}

// Errors of connections come this way.
void KafkaClient::serve() { rd_kafka_poll(handle_, 0); }

bool KafkaClient::troubled() {
  serve();
  return errors_.troubled();
}

void KafkaClient::follow(const std::string& topic) {
  auto& slot = topics_[topic];
  if (!slot) slot = rd_kafka_topic_new(handle_, topic.c_str(), nullptr);
}

void KafkaClient::unfollow(const std::string& topic) {
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return;
  rd_kafka_topic_destroy(it->second);
  topics_.erase(it);
}

// In slices: a refused password or connection is known long before the deadline.
Result<std::map<std::string, TopicInfo>> KafkaClient::metadata(SteadyTime until) {
  const struct rd_kafka_metadata* found = nullptr;
  int slice = 300;
  while (true) {
    const int most = left(until);
    const auto code = rd_kafka_metadata(handle_, 0, nullptr, &found, std::min(slice, most));
    serve();
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (!is_kafka_silence(code) || errors_.troubled() || most <= slice || given_up_)
      return tl::unexpected(errors_.explained(code, "the cluster"));
    slice *= 2;
  }
  errors_.clear();
  std::map<std::string, TopicInfo> out;
  for (int i = 0; i < found->topic_cnt; ++i) {
    const auto& t = found->topics[i];
    TopicInfo& info = out[t.topic];
    if (t.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      info.error = errors_.explained(t.err, fmt::format("topic {}", t.topic));
      continue;
    }
    info.leaders.assign(static_cast<std::size_t>(std::max(t.partition_cnt, 0)), -1);
    for (int n = 0; n < t.partition_cnt; ++n) {
      const auto& p = t.partitions[n];
      if (p.id < 0 || p.id >= t.partition_cnt) {
        info.error = Error{
            ErrorCode::kInternal,
            fmt::format("Kafka at {}: the partitions of topic {} make no sense", servers_, t.topic), true};
        break;
      }
      info.leaders[static_cast<std::size_t>(p.id)] = p.leader;
    }
  }
  rd_kafka_metadata_destroy(found);
  return out;
}

Result<std::vector<std::int64_t>> KafkaClient::offsets(Edge edge, const std::vector<Partition>& partitions,
                                                       SteadyTime until) {
  const auto list = list_of(partitions, edge == Edge::kEnd ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING);
  const auto code = rd_kafka_offsets_for_times(handle_, list.get(), left(until));
  serve();
  const auto what = fmt::format("topic {}", partitions.empty() ? "" : partitions.front().topic);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(errors_.explained(code, what));
  std::vector<std::int64_t> out(partitions.size(), -1);
  // In the same order as it was made.
  for (std::size_t i = 0; i < out.size() && i < static_cast<std::size_t>(list->cnt); ++i) {
    const auto& p = list->elems[i];
    if (p.err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return tl::unexpected(errors_.explained(p.err, fmt::format("topic {}", p.topic)));
    if (p.offset < 0)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("Kafka at {} did not tell where partition {} of topic {} {}", servers_,
                              p.partition, p.topic, edge == Edge::kEnd ? "ends" : "begins"),
                  true);
    out[i] = p.offset;
  }
  return out;
}

Result<bool> KafkaClient::has_record(const Partition& partition, std::int64_t from, SteadyTime until) {
  auto* topic = rd_kafka_topic_new(handle_, partition.topic.c_str(), nullptr);
  auto* queue = rd_kafka_queue_new(handle_);
  Result<bool> out = fail(ErrorCode::kTimeout, "no answer", true);
  if (rd_kafka_consume_start_queue(topic, partition.number, from, queue) == 0) {
    while (steady_clock::now() < until) {
      auto* message = rd_kafka_consume_queue(queue, left(until));
      if (!message) break;
      const auto code = message->err;
      rd_kafka_message_destroy(message);
      if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        out = false;
      else if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        out = true;
      else
        out = tl::unexpected(errors_.explained(code, fmt::format("topic {}", partition.topic)));
      break;
    }
    rd_kafka_consume_stop(topic, partition.number);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
  serve();
  return out;
}

std::vector<std::string> KafkaClient::compacted(const std::vector<std::string>& topics, SteadyTime until) {
  std::vector<rd_kafka_ConfigResource_t*> asked;
  for (const auto& t : topics)
    asked.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t.c_str()));
  auto* queue = rd_kafka_queue_new(handle_);
  auto* options = options_for(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, 0, until);
  rd_kafka_DescribeConfigs(handle_, asked.data(), asked.size(), options, queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy_array(asked.data(), asked.size());
  auto* event = rd_kafka_queue_poll(queue, left(until));
  std::vector<std::string> out;
  std::size_t count = 0;
  const auto* result = event ? rd_kafka_event_DescribeConfigs_result(event) : nullptr;
  const auto* const* found = result ? rd_kafka_DescribeConfigs_result_resources(result, &count) : nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t entries = 0;
    const auto* const* settings = rd_kafka_ConfigResource_configs(found[i], &entries);
    for (std::size_t n = 0; n < entries; ++n) {
      const char* value = rd_kafka_ConfigEntry_value(settings[n]);
      if (value && std::string_view(rd_kafka_ConfigEntry_name(settings[n])) == "cleanup.policy" &&
          std::string_view(value).find("compact") != std::string_view::npos)
        out.emplace_back(rd_kafka_ConfigResource_name(found[i]));
    }
  }
  if (event) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  serve();
  return out;
}

void KafkaClient::ask_commits(std::uint64_t tag, const std::string& group,
                              const std::vector<Partition>& partitions, SteadyTime until) {
  const auto list = list_of(partitions, RD_KAFKA_OFFSET_INVALID);
  auto* request = rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get());
  auto* options = options_for(handle_, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, tag, until);
  asked_[tag] = {group, partitions};
  rd_kafka_ListConsumerGroupOffsets(handle_, &request, 1, options, answers_);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ListConsumerGroupOffsets_destroy(request);
}

void KafkaClient::ask_members(std::uint64_t tag, const std::string& group, SteadyTime until) {
  const char* names[] = {group.c_str()};
  auto* options = options_for(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, tag, until);
  rd_kafka_DescribeConsumerGroups(handle_, names, 1, options, answers_);
  rd_kafka_AdminOptions_destroy(options);
}

Result<Commits> KafkaClient::commits_of(rd_kafka_event_t* event) const {
  const auto tag = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)));
  const auto asked = asked_.find(tag);
  if (asked == asked_.end()) return fail(ErrorCode::kInternal, "an answer that nobody asked for");
  const auto what = fmt::format("group {}", asked->second.group);
  if (const auto code = rd_kafka_event_error(event)) return tl::unexpected(errors_.explained(code, what));
  const auto* result = rd_kafka_event_ListConsumerGroupOffsets_result(event);
  std::size_t count = 0;
  const auto* const* groups =
      result ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count) : nullptr;
  if (count != 1) return fail(ErrorCode::kInternal, "an answer without the group", true);
  if (const auto* error = rd_kafka_group_result_error(groups[0]))
    return tl::unexpected(errors_.explained(rd_kafka_error_code(error), what));
  const auto* list = rd_kafka_group_result_partitions(groups[0]);
  const auto& partitions = asked->second.partitions;
  Commits out(partitions.size());
  std::size_t told = 0;
  for (int i = 0; list && i < list->cnt; ++i) {
    const auto& p = list->elems[i];
    const auto it = std::ranges::find(partitions, Partition{p.topic, p.partition});
    if (it == partitions.end()) continue;
    if (p.err != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(errors_.explained(p.err, what));
    ++told;
    if (p.offset >= 0) out[static_cast<std::size_t>(it - partitions.begin())] = p.offset;
  }
  if (told != out.size())
    return fail(ErrorCode::kUnavailable,
                fmt::format("Kafka at {} told the commits of {} for {} of {} partitions", servers_, what,
                            told, out.size()),
                true);
  return out;
}

std::optional<GroupAnswer> KafkaClient::next(SteadyTime until) {
  auto* event = rd_kafka_queue_poll(answers_, left(until));
  serve();
  if (!event) return std::nullopt;
  std::optional<GroupAnswer> out;
  const auto tag = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(rd_kafka_event_opaque(event)));
  if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT) {
    out = GroupAnswer{tag, commits_of(event)};
    asked_.erase(tag);
  } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT) {
    out = GroupAnswer{tag, members_of(event, errors_)};
  }
  rd_kafka_event_destroy(event);
  return out;
}

void KafkaClient::wake() { rd_kafka_queue_yield(answers_); }

void KafkaClient::give_up() {
  given_up_ = true;
  wake();
}

}  // namespace docktor
