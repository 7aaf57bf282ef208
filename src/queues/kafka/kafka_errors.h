// What librdkafka's errors mean for whoever reads them: what is wrong, and what to do.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>

#include "core/result.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

/// Nobody answered.
bool is_kafka_silence(rd_kafka_resp_err_t code);

/// Of the library's words what is worth a line.
std::string short_kafka_reason(const char* text);

/// An error of a question says less than what the connections told before it: that is noted here. Of one thread.
class KafkaErrors {
 public:
  /// Both outlive it; `servers` without credentials.
  KafkaErrors(const KafkaSpec& spec, const std::string& servers) : spec_(spec), servers_(servers) {}

  /// Trouble of a connection.
  void note(rd_kafka_resp_err_t error, const char* reason);
  /// The cluster answers.
  void clear();
  bool troubled() const { return trouble_ != RD_KAFKA_RESP_ERR_NO_ERROR; }

  /// `what` was asked about: "topic mail".
  Error explained(rd_kafka_resp_err_t code, const std::string& what) const;

 private:
  std::string refusal() const;

  const KafkaSpec& spec_;
  const std::string& servers_;
  rd_kafka_resp_err_t trouble_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string trouble_text_;
};

}  // namespace docktor
