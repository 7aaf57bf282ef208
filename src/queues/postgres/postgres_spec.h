// The settings of a queue of kind postgres, as its code reads them.
#pragma once

#include <string>
#include <vector>

#include "core/settings.h"
#include "core/time.h"

namespace docktor {

struct PostgresSpec {
  std::string url;  ///< may carry credentials: shown only through redacted_url()
  std::string user;
  Secret password;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;
  bool tls = false;  ///< one of the keys for TLS is written

  // What is read: a framework's queues, or a query of the user's.
  std::string framework;
  std::string schema;               ///< empty: the framework's own
  std::vector<std::string> queues;  ///< empty: all of them
  std::string query;
  std::string listen;      ///< a channel that tells of new jobs; empty: the framework's own
  Duration claim_after{};  ///< work in dead hands comes again then

  /// "default and mail", "all queues", "the query": the queue, for people.
  std::string what() const {
    if (framework.empty()) return "the query";
    if (queues.empty()) return "all queues";
    std::string out;
    for (const auto& q : queues) out += (out.empty() ? "" : " and ") + q;
    return out;
  }

  static PostgresSpec from(const Settings& s) {
    return {.url = s.get<Url>("url").value,
            .user = s.text("user"),
            .password = s.get<Secret>("password"),
            .tls_ca_file = s.text("tls_ca_file"),
            .tls_cert_file = s.text("tls_cert_file"),
            .tls_key_file = s.text("tls_key_file"),
            .tls_verify = s.get<bool>("tls_verify", true),
            .tls = s.get<bool>("tls"),
            .framework = s.text("framework"),
            .schema = s.text("schema"),
            .queues = s.get<std::vector<std::string>>("queues"),
            .query = s.text("query"),
            .listen = s.text("listen"),
            .claim_after = s.get<Duration>("claim_after")};
  }
};

}  // namespace docktor
