#include "queues/kafka/kafka_errors.h"

#include <fmt/format.h>

#include <string_view>

#include "core/json_text.h"

namespace docktor {
namespace {

constexpr int kScramWithKafka4 = 0x02060100;
constexpr std::size_t kMaxReason = 300;

bool is_denied(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
         code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
}

}  // namespace

bool is_kafka_silence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__RESOLVE ||
         code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
}

// "ssl://kafka:9093/bootstrap: Connect to ... failed: Connection refused (after 0ms in state CONNECT)"
std::string short_kafka_reason(const char* text) {
  std::string out = plain_text(std::string_view(text).substr(0, kMaxReason));
  if (const auto after = out.find(" (after "); after != std::string::npos) out.resize(after);
  return out;
}

void KafkaErrors::note(rd_kafka_resp_err_t error, const char* reason) {
  // "1/1 brokers are down" says less than what came before it.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !trouble_text_.empty()) return;
  trouble_ = error;
  trouble_text_ = short_kafka_reason(reason);
  // "127.0.0.1:9092/bootstrap: Connect to ...": the address is told anyway.
  const auto colon = trouble_text_.find(": ");
  if (colon != std::string::npos && trouble_text_.substr(0, colon).ends_with(servers_ + "/bootstrap"))
    trouble_text_.erase(0, colon + 2);
}

void KafkaErrors::clear() {
  trouble_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  trouble_text_.clear();
}

// Why the broker does not let the user in. It tells a mechanism that it does not have, and nothing else.
std::string KafkaErrors::refusal() const {
  const auto refused = fmt::format("Kafka at {} refuses user {} ({})", servers_, spec_.user, spec_.mechanism);
  constexpr std::string_view kOthers = "supported mechanisms: ";
  if (const auto at = trouble_text_.find(kOthers); at != std::string::npos)
    return fmt::format("{}: it does not take this sasl_mechanism, it takes {}", refused,
                       trouble_text_.substr(at + kOthers.size()));
  // The library's nonce is one that Kafka 4 does not take any more (librdkafka#4895).
  if (spec_.mechanism.starts_with("scram") && rd_kafka_version() < kScramWithKafka4)
    return fmt::format(
        "{}: from Kafka 4.0 on it takes no user by SCRAM from librdkafka {}, which is installed here, "
        "whatever the password "
        "(2.6.1 and later can); write sasl_mechanism: plain, with TLS, or sign in by a client certificate. "
        "With an "
        "older Kafka: check user and password",
        refused, rd_kafka_version_str());
  return refused + ": check user, password and sasl_mechanism";
}

Error KafkaErrors::explained(rd_kafka_resp_err_t code, const std::string& what) const {
  if (is_kafka_silence(code)) {
    const auto at = trouble_text_.empty() ? fmt::format("Kafka at {} does not answer", servers_)
                                          : fmt::format("Kafka at {}: {}", servers_, trouble_text_);
    if (trouble_ == RD_KAFKA_RESP_ERR__AUTHENTICATION && !spec_.user.empty())
      return {ErrorCode::kDenied, refusal(), true};
    // Something else listens there, or TLS is wanted: the broker hangs up, which the library tells as that all are down; of an
    // answer that is none it says that longer ones should be taken.
    if (trouble_text_.find("Invalid response size") != std::string::npos ||
        trouble_ == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
      return {
          ErrorCode::kUnavailable,
          fmt::format(
              "Kafka at {} takes connections, and then does not speak Kafka's protocol or hangs up; check "
              "the port{}",
              servers_, spec_.tls ? "" : ", and whether it is one for TLS (tls: {enabled: true})"),
          true};
    if (trouble_ == RD_KAFKA_RESP_ERR__SSL) return {ErrorCode::kDenied, at + " (see tls.ca_file)", true};
    if (trouble_text_.empty() && code == RD_KAFKA_RESP_ERR__TIMED_OUT) return {ErrorCode::kTimeout, at, true};
    return {ErrorCode::kUnavailable, at, true};
  }
  const std::string text = rd_kafka_err2str(code);
  if (is_denied(code)) {
    const auto who = spec_.user.empty() ? std::string("anonymous") : spec_.user;
    return {ErrorCode::kDenied,
            fmt::format("Kafka at {}: user {} may not see {}; allow it Describe", servers_, who, what), true};
  }
  if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
      code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    return {ErrorCode::kNotFound, fmt::format("{} is not there yet (Kafka at {})", what, servers_), true};
  return {ErrorCode::kUnavailable, fmt::format("Kafka at {}, {}: {}", servers_, what, text), true};
}

}  // namespace docktor
