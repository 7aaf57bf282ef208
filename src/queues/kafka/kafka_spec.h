// The settings of a queue of kind kafka, as its code reads them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/settings.h"

namespace docktor {

struct KafkaSpec {
  std::string servers;  ///< HOST:PORT, several with commas between
  std::vector<std::string> topics;
  std::string group;
  bool earliest = false;          ///< where the group has no commit its workers begin at the oldest record
  bool read_uncommitted = false;  ///< the workers also read records of open and aborted transactions
  std::string user;
  Secret password;
  std::string mechanism;  ///< plain, scram-sha-256, scram-sha-512
  bool tls = false;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;

  /// "billing on orders", "billing on orders and refunds": the queue, for people.
  std::string what() const {
    std::string out = group + " on ";
    for (const auto& t : topics) out += (&t == &topics.front() ? "" : " and ") + t;
    return out;
  }

  static KafkaSpec from(const Settings& s) {
    KafkaSpec out{.servers = s.text("url"),
                  .topics = s.get<std::vector<std::string>>("topics"),
                  .group = s.text("group"),
                  .earliest = s.text("offset_reset") == "earliest",
                  .read_uncommitted = s.text("isolation") == "read_uncommitted",
                  .user = s.text("user"),
                  .password = s.get<Secret>("password"),
                  .mechanism = s.text("sasl_mechanism"),
                  .tls = s.get<bool>("tls_enabled"),
                  .tls_ca_file = s.text("tls_ca_file"),
                  .tls_cert_file = s.text("tls_cert_file"),
                  .tls_key_file = s.text("tls_key_file"),
                  .tls_verify = s.get<bool>("tls_verify", true)};
    std::ranges::sort(out.topics);
    return out;
  }
};

}  // namespace docktor
