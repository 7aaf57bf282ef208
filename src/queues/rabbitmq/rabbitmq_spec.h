// The settings of a queue of kind rabbitmq, as its code reads them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/settings.h"
#include "queues/rabbitmq/amqp_address.h"

namespace docktor {

/// Whether the management API is asked: where it answers, or it must, or never.
enum class Management { kAuto, kRequired, kOff };

struct RabbitSpec {
  std::string url;      ///< may carry credentials: shown only through redacted_url()
  AmqpAddress address;  ///< the same; credentials and vhost in effect
  std::string queue;
  std::string management_url;  ///< without credentials; no slash at the end
  Management management = Management::kAuto;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;

  /// Of settings that have passed the check.
  static RabbitSpec from(const Settings& s) {
    RabbitSpec r;
    r.url = s.get<Url>("url").value;
    r.address = parse_amqp_address(r.url).value_or(AmqpAddress{});
    auto& a = r.address;
    if (const auto user = s.text("user"); !user.empty()) a.user = user;
    if (const auto password = s.get<Secret>("password"); !password.empty()) a.password = password.value;
    if (a.user.empty()) a.user = a.password = "guest";  // as every client of RabbitMQ
    if (const auto vhost = s.text("vhost"); !vhost.empty()) a.vhost = vhost;
    if (a.vhost.empty()) a.vhost = "/";
    r.queue = s.text("queue");
    r.management_url = s.get<Url>("management_url").value;
    while (r.management_url.ends_with('/')) r.management_url.pop_back();
    if (r.management_url.empty()) {
      const bool v6 = a.host.find(':') != std::string::npos;
      r.management_url = fmt::format("{}://{}{}{}:{}", a.tls ? "https" : "http", v6 ? "[" : "", a.host,
                                     v6 ? "]" : "", management_port(a.tls));
    }
    const auto management = s.text("management");
    r.management = management == "required" ? Management::kRequired
                   : management == "off"    ? Management::kOff
                                            : Management::kAuto;
    r.tls_ca_file = s.text("tls_ca_file");
    r.tls_cert_file = s.text("tls_cert_file");
    r.tls_key_file = s.text("tls_key_file");
    r.tls_verify = s.get<bool>("tls_verify", true);
    return r;
  }

  static constexpr int management_port(bool tls) { return tls ? 15671 : 15672; }
};

/// "amqp://host:5672 (vhost jobs, queue mail)"; `url` is shown as it is, so without credentials.
inline std::string shown_queue(std::string url, const RabbitSpec& spec) {
  if (const auto path = url.find('/', std::min(url.find("://"), url.size()) + 3); path != std::string::npos)
    url.erase(path, url.find(' ', path) - path);
  return spec.address.vhost == "/"
             ? fmt::format("{} (queue {})", url, spec.queue)
             : fmt::format("{} (vhost {}, queue {})", url, spec.address.vhost, spec.queue);
}

}  // namespace docktor
