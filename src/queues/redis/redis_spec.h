// The settings of a queue of kind redis, as its code reads them.
#pragma once

#include <string>
#include <vector>

#include "core/settings.h"
#include "core/time.h"

namespace docktor {

struct RedisSpec {
  std::string url;  ///< may carry credentials: shown only through redacted_url()
  std::string user;
  Secret password;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;
  std::string sentinel;  ///< name of the master that the sentinels of `url` know; empty: no sentinels

  // What is read: a stream with its group, a list, or a framework's queues.
  std::string stream;
  std::string group;
  std::string list;
  std::string in_flight_list;
  std::string framework;
  std::vector<std::string> queues;
  std::string key_prefix;
  Duration claim_after{};          ///< work in dead hands comes again then
  bool acks_late = false;          ///< of celery: tasks in hand stay in the database until they are done
  std::string priority_separator;  ///< of celery: between a queue's name and a priority; empty: kombu's own

  /// "events/mailers", "my:jobs", "default and mail": the queue, for people.
  std::string what() const {
    if (!list.empty()) return list;
    if (framework.empty()) return stream + "/" + group;
    std::string out;
    for (const auto& q : queues) out += (out.empty() ? "" : " and ") + q;
    return out;
  }

  static RedisSpec from(const Settings& s) {
    RedisSpec out{.url = s.get<Url>("url").value,
                  .user = s.text("user"),
                  .password = s.get<Secret>("password"),
                  .tls_ca_file = s.text("tls_ca_file"),
                  .tls_cert_file = s.text("tls_cert_file"),
                  .tls_key_file = s.text("tls_key_file"),
                  .tls_verify = s.get<bool>("tls_verify", true),
                  .sentinel = s.text("sentinel"),
                  .stream = s.text("stream"),
                  .group = s.text("group"),
                  .list = s.text("list"),
                  .in_flight_list = s.text("in_flight_list"),
                  .framework = s.text("framework"),
                  .queues = s.get<std::vector<std::string>>("queues"),
                  .key_prefix = s.text("key_prefix"),
                  .claim_after = s.get<Duration>("claim_after"),
                  .acks_late = s.get<bool>("acks_late"),
                  .priority_separator = s.text("priority_separator")};
    return out;
  }
};

}  // namespace docktor
