// The settings of a queue of kind nats, as its code reads them.
#pragma once

#include <string>

#include "core/settings.h"

namespace docktor {

struct NatsSpec {
  std::string url;  ///< may carry credentials: shown only through redacted_url()
  std::string stream;
  std::string consumer;
  std::string domain;           ///< of JetStream, where it is not the connected server's own
  std::string api_prefix;       ///< what stands for $JS.API where an account imports it; no domain then
  std::string advisory_prefix;  ///< what stands for $JS.EVENT.ADVISORY there; empty: that
  std::string subject;          ///< checked against the consumer's filter by validate; may be empty
  std::string user;
  Secret password;
  Secret token;
  std::string creds_file;
  Secret nkey_seed;  ///< seed of an nkey, from `nkey` or `nkey_file`
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;

  static NatsSpec from(const Settings& s) {
    return {.url = s.get<Url>("url").value,
            .stream = s.text("stream"),
            .consumer = s.text("consumer"),
            .domain = s.text("domain"),
            .api_prefix = s.text("api_prefix"),
            .advisory_prefix = s.text("advisory_prefix"),
            .subject = s.text("subject"),
            .user = s.text("user"),
            .password = s.get<Secret>("password"),
            .token = s.get<Secret>("token"),
            .creds_file = s.text("creds_file"),
            .nkey_seed = s.get<Secret>("nkey"),
            .tls_ca_file = s.text("tls_ca_file"),
            .tls_cert_file = s.text("tls_cert_file"),
            .tls_key_file = s.text("tls_key_file")};
  }
};

}  // namespace docktor
