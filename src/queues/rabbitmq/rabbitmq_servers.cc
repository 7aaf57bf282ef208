#include "queues/rabbitmq/rabbitmq_servers.h"

#include <fmt/format.h>

namespace docktor {

namespace {

constexpr int kAmqpPort = 5672;
constexpr int kAmqpsPort = 5671;

std::function<std::string(const std::string&)> resolve_with(const Reach& reach, int port) {
  if (!reach.resolve) return {};
  return [resolve = reach.resolve, port](const std::string& url) { return resolve(url, port); };
}

}  // namespace

RabbitServer::RabbitServer(const RabbitSpec& spec, const Reach& reach)
    : amqp(spec, resolve_with(reach, spec.address.tls ? kAmqpsPort : kAmqpPort)),
      management(spec, resolve_with(reach, RabbitSpec::management_port(spec.address.tls))) {}

std::shared_ptr<RabbitServer> RabbitServers::get(const RabbitSpec& spec, const Reach& reach) {
  const auto& a = spec.address;
  std::string key = fmt::format("{} {} {}", a.tls, a.port, spec.tls_verify);
  for (const auto* part : {&reach.scope, &a.host, &a.user, &a.password, &a.vhost, &spec.management_url,
                           &spec.tls_ca_file, &spec.tls_cert_file, &spec.tls_key_file}) {
    key += '\0';
    key += *part;
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(servers_, [](const auto& s) { return s.second.expired(); });
  auto& slot = servers_[key];
  auto server = slot.lock();
  if (!server) slot = server = std::make_shared<RabbitServer>(spec, reach);
  return server;
}

}  // namespace docktor
