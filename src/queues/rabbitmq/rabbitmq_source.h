// The source of one service: a RabbitMQ queue, live by AMQP and with all else by the management API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "queues/rabbitmq/rabbitmq_servers.h"
#include "queues/rabbitmq/rabbitmq_spec.h"

namespace docktor {

/// Thread-safe. Callbacks come from threads of the server's clients, without a lock held; they may call the source
/// but must not destroy it or wait for it. When the destructor has returned no callback runs and none will: a read
/// still under way is answered from within the destructor with kUnavailable.
class RabbitSource final : public Source {
 public:
  struct Options {
    RabbitSpec spec;
    bool may_reach_zero =
        false;                ///< min_replicas is 0: check() refuses a queue that would lose messages then
    bool needs_flow = false;  ///< an objective rests on rates: check() refuses a server that tells none
  };

  RabbitSource(std::shared_ptr<RabbitServer> server, Options options);
  ~RabbitSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  void watch(std::function<void()> on_message) override;
  std::string watch_gap() const override;
  std::string unfit_for_zero() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;
  const std::shared_ptr<RabbitServer> server_;
  const Options options_;
  std::shared_ptr<Core> core_;
};

}  // namespace docktor
