#include "queues/rabbitmq/rabbitmq_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "core/json_text.h"
#include "queues/rabbitmq/queue_figures.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kBlind =
    "how many messages are in hand, how many come and go, and whether a quorum queue has a leader stay "
    "unknown";

Result<Declared> declare(AmqpConnection& amqp, const std::string& queue, Duration timeout) {
  auto promise = std::make_shared<std::promise<Result<Declared>>>();
  auto future = promise->get_future();
  amqp.declare(queue, timeout, [promise](Result<Declared> d) { promise->set_value(std::move(d)); });
  return future.get();
}

struct Overview {
  std::string version;
  bool no_statistics = false;  // switched off in its configuration
};

Overview overview_of(ManagementApi& api, Duration timeout) {
  const auto text = api.get("/api/overview?columns=rabbitmq_version,disable_stats", timeout);
  const auto j = text ? parse_json(*text) : nlohmann::json();
  Overview out;
  if (!j.is_object()) return out;
  if (const auto it = j.find("rabbitmq_version"); it != j.end() && it->is_string())
    out.version = plain_text(it->get<std::string>().substr(0, 40));
  const auto it = j.find("disable_stats");
  out.no_statistics = it != j.end() && it->is_boolean() && it->get<bool>();
  return out;
}

void check_figures(std::vector<Finding>& out, const QueueFigures& f, const RabbitSpec& spec,
                   const Declared& declared, bool may_reach_zero) {
  const auto& queue = spec.queue;
  if (f.type == "stream") {
    out.push_back(
        {Severity::kError,
         fmt::format("queue {} is a stream: RabbitMQ does not tell how much of it is still to be read",
                     queue),
         "use a classic or quorum queue"});
    return;
  }
  if (f.leaderless) {
    out.push_back({Severity::kError, fmt::format("quorum queue {} has no leader now", queue),
                   "start the nodes that hold it; until then docktor holds"});
  } else {
    out.push_back({Severity::kOk,
                   fmt::format("queue {} is there: {}{} messages ready, {} consumers", queue,
                               f.type.empty() ? "" : f.type + ", ", declared.messages, declared.consumers),
                   {}});
  }
  if (const auto why = why_unfit_for_zero(f, queue); !why.empty() && may_reach_zero)
    out.push_back({Severity::kError, why, "until then docktor keeps one replica"});
  if (f.single_active_consumer)
    out.push_back(
        {Severity::kWarning,
         fmt::format("queue {} has a single active consumer: more than one replica is of no use", queue),
         "nothing needs to be done: docktor does not go beyond one for its sake; for more, declare it "
         "without "
         "x-single-active-consumer"});
}

}  // namespace

std::vector<Finding> check_rabbit_queue(RabbitServer& server, const RabbitSpec& spec, bool may_reach_zero,
                                        bool needs_flow, Duration timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const auto left = [&] { return std::max<Duration>(deadline - steady_clock::now(), milliseconds(50)); };
  std::vector<Finding> out;
  const auto declared = declare(server.amqp, spec.queue, left());
  const bool missing = !declared && declared.error().code == ErrorCode::kNotFound;
  if (!declared && !missing) {
    out.push_back({Severity::kError, declared.error().message, {}});  // the message has the cure in it
    return out;
  }
  out.push_back({Severity::kOk,
                 fmt::format("{} answers, user {} is signed in to virtual host {}", server.amqp.shown(),
                             spec.address.user, spec.address.vhost),
                 {}});
  if (missing) {
    out.push_back({Severity::kWarning, declared.error().message,
                   may_reach_zero
                       ? "at min_replicas 0 docktor waits for it, and no worker is there to make it: let the "
                         "producer make it"
                       : "nothing needs to be done where the workers make it"});
  }
  if (spec.management == Management::kOff) {
    out.push_back(
        {Severity::kWarning, fmt::format("management is off: {}", kBlind), "write management: auto"});
    if (declared)
      out.push_back({Severity::kOk,
                     fmt::format("queue {} is there: {} messages ready, {} consumers", spec.queue,
                                 declared->messages, declared->consumers),
                     {}});
    return out;
  }
  auto promise = std::make_shared<std::promise<Result<KnownFigures>>>();
  auto future = promise->get_future();
  server.management.figures(spec.queue, steady_clock::now(), deadline,
                            [promise](Result<KnownFigures> f) { promise->set_value(std::move(f)); });
  const auto figures = future.get();
  if (figures || figures.error().code == ErrorCode::kNotFound) {
    const auto [version, no_statistics] = overview_of(server.management, left());
    out.push_back({Severity::kOk,
                   fmt::format("the management API at {} answers{}", server.management.shown(),
                               version.empty() ? "" : fmt::format(" (RabbitMQ {})", version)),
                   {}});
    if (no_statistics) {
      const bool needed = needs_flow || spec.management == Management::kRequired;
      out.push_back({needed ? Severity::kError : Severity::kWarning,
                     fmt::format("its statistics are switched off: {}{}", kBlind,
                                 needs_flow ? ", and the objective rests on them" : ""),
                     "take management_agent.disable_metrics_collector and management.disable_stats out of "
                     "rabbitmq.conf"});
    }
    if (figures && declared) check_figures(out, figures->figures, spec, *declared, may_reach_zero);
    return out;
  }
  const bool needed = needs_flow || spec.management == Management::kRequired;
  out.push_back({needed ? Severity::kError : Severity::kWarning,
                 fmt::format("{}: {}{}", figures.error().message, kBlind,
                             needs_flow ? ", and the objective rests on them" : ""),
                 "switch the plug-in on (rabbitmq-plugins enable rabbitmq_management), or set management_url "
                 "to where it "
                 "is"});
  if (declared)
    out.push_back({Severity::kOk,
                   fmt::format("queue {} is there: {} messages ready, {} consumers", spec.queue,
                               declared->messages, declared->consumers),
                   {}});
  return out;
}

}  // namespace docktor
