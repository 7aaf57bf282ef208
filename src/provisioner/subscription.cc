#include <fmt/format.h>

#include <stop_token>
#include <thread>
#include <utility>

#include "docktor/provisioner.h"
#include "provisioner/loop.h"
#include "provisioner/objective_law.h"
#include "provisioner/rate_law.h"
#include "queues/nats/subjects.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstLook{5000};

tl::unexpected<Error> invalid(std::string text) { return fail(ErrorCode::kInvalid, std::move(text)); }

Result<void> check(const ObjectiveLaw& law) {
  if (law.min_instances < 0 || law.max_instances < 1 || law.min_instances > law.max_instances) {
    return invalid(
        fmt::format("min_instances {}, max_instances {}: must be 0 <= min <= max, and max at least 1",
                    law.min_instances, law.max_instances));
  }
  if (law.max_wait < milliseconds(1)) return invalid("max_wait must be at least 1 ms");
  if (!(law.quantile > 0 && law.quantile < 1))
    return invalid(fmt::format("quantile {} must be between 0 and 1, as 0.99", law.quantile));
  if (law.sample_interval < milliseconds(10) || law.check_interval < law.sample_interval) {
    return invalid(
        fmt::format("sample_interval {} ms, check_interval {} ms: must be 10 ms <= sample <= check",
                    law.sample_interval.count(), law.check_interval.count()));
  }
  if (law.idle_after < milliseconds(0)) return invalid("idle_after must not be negative");
  return {};
}

Result<void> check(const RateLaw& law) {
  if (!is_api_token(law.watcher))
    return invalid(fmt::format("watcher {:?} cannot be the name of a consumer", law.watcher));
  if (law.max_instances < 1) return invalid("max_instances must be at least 1");
  if (law.batch < 1) return invalid("batch must be at least 1");
  if (law.step < milliseconds(10) || law.window < law.step)
    return invalid(fmt::format("step {} ms, window {} ms: must be 10 ms <= step <= window", law.step.count(),
                               law.window.count()));
  return {};
}

// The consumer must be there, and one can pull from it.
Result<void> look_at(Connection::Impl& wire, const std::string& stream, const std::string& consumer) {
  const auto text = wire.call(fmt::format("$JS.API.CONSUMER.INFO.{}.{}", stream, consumer), "", kFirstLook);
  if (!text) return text.error();
  const auto info = parse_consumer_info(*text, stream, consumer);
  if (!info) return info.error();
  if (info->error) return wire.api()->explain(*info->error, stream, consumer);
  if (!info->value->deliver_subject.empty()) {
    return invalid(
        fmt::format("consumer {} of stream {} is a push consumer: instances that pull need a pull "
                    "consumer (without deliver_subject)",
                    consumer, stream));
  }
  return {};
}

// What the law asks the caller's num_instances(), whose clock is the steady one.
RateLawRunner::Ask asking(Provisioner& provisioner) {
  return [&provisioner](std::optional<Duration> quiet_for, int current, double rate) -> std::optional<int> {
    const auto last = quiet_for ? steady_clock::now() - *quiet_for : steady_clock::time_point{};
    try {
      return provisioner.num_instances(last, current, rate);
    } catch (...) {
      return std::nullopt;
    }
  };
}

}  // namespace

int Provisioner::num_instances(steady_clock::time_point, int current, double) { return current; }

class Subscription::Impl : public std::enable_shared_from_this<Subscription::Impl> {
 public:
  Impl(Loop::Parts parts, const std::stop_token& stop)
      : stop_{parts.inbox, parts.stop}, loop_(std::move(parts)), on_stop_(stop, StopCallback{stop_}) {}

  void start() {
    thread_ = std::thread([self = shared_from_this()] { self->loop_.run(); });
  }

  ~Impl() {
    if (thread_.joinable()) thread_.detach();  // the last holder was the thread itself, which ends now
  }

  void stop() {
    stop_("the subscription was closed");
    const std::lock_guard lock(joining_);
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  }

  const Loop& loop() const { return loop_; }

 private:
  struct Stop {
    std::shared_ptr<Inbox> inbox;
    std::shared_ptr<StopRequest> request;
    void operator()(const char* why) const {
      request->make(why);
      inbox->push([] {});
    }
  };
  struct StopCallback {
    Stop stop;
    void operator()() const { stop("stop was requested"); }
  };

  const Stop stop_;
  Loop loop_;
  std::stop_callback<StopCallback> on_stop_;
  std::mutex joining_;
  std::thread thread_;
};

Subscription::Subscription(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    stop();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Subscription::~Subscription() { stop(); }
void Subscription::stop() {
  if (impl_) impl_->stop();
}
int Subscription::instances() const { return impl_->loop().instances(); }
int Subscription::target() const { return impl_->loop().target(); }
std::string Subscription::last_reason() const { return impl_->loop().last_reason(); }

Result<Subscription> start_provisioner(std::stop_token stop, const Connection& connection,
                                       Provisioner& provisioner, const std::string& stream,
                                       const std::string& consumer, ProvisionerOptions options) {
  for (const auto& name : {stream, consumer}) {
    if (!is_api_token(name))
      return invalid(fmt::format("{:?} cannot be the name of a stream or consumer", name));
  }
  if (auto r = std::visit([](const auto& law) { return check(law); }, options.law); !r) return r.error();
  if (options.call_timeout < milliseconds(1)) return invalid("call_timeout must be at least 1 ms");
  if (auto r = look_at(*connection.impl(), stream, consumer); !r) return r.error();

  const auto inbox = std::make_shared<Inbox>();
  Loop::Parts parts{connection,
                    provisioner,
                    stream,
                    consumer,
                    std::move(options),
                    {},
                    {},
                    inbox,
                    std::make_shared<StopRequest>(),
                    {},
                    {}};
  if (const auto* objective = std::get_if<ObjectiveLaw>(&parts.options.law)) {
    parts.law = std::make_unique<ObjectiveLawRunner>(spec_of(*objective, stream, consumer));
    parts.sample_interval = objective->sample_interval;
    parts.check_interval = objective->check_interval;
  } else {
    const auto& rate = std::get<RateLaw>(parts.options.law);
    parts.law = std::make_unique<RateLawRunner>(rate, asking(provisioner));
    parts.sample_interval = parts.check_interval = rate.step;
    parts.watcher = std::make_unique<Watcher>(connection, stream, rate, [inbox] { inbox->push([] {}); });
    if (auto r = parts.watcher->open(kFirstLook); !r) return r.error();
  }
  auto impl = std::make_shared<Subscription::Impl>(std::move(parts), stop);
  impl->start();
  return Subscription(std::move(impl));
}

}  // namespace docktor
