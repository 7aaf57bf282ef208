#include "queues/rabbitmq/amqp_attempt.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

namespace docktor {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(3);
constexpr auto kLookUp = std::chrono::seconds(3);

Result<AmqpState> attempt_to_connect(const RabbitSpec& spec,
                                     const std::function<std::string(const std::string&)>& resolve,
                                     const std::string& shown) {
  std::string host = spec.address.host;
  int port = spec.address.port;
  if (resolve) {
    if (const auto found = parse_amqp_address(resolve(spec.url))) {
      host = found->host;
      port = found->port;
    }
  }
  return connect_amqp(spec, host, port, shown, kConnectTimeout);
}

}  // namespace

// The thread may outlive the attempt: it touches nothing but this and its copies.
struct AmqpAttempt::Outcome {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::optional<Result<AmqpState>> result;

  void put(Result<AmqpState> r) {
    {
      const std::lock_guard lock(mutex);
      result = std::move(r);
      done = true;
    }
    ended.notify_all();
  }
};

AmqpAttempt::AmqpAttempt(const RabbitSpec& spec,
                         const std::function<std::string(const std::string&)>& resolve,
                         const std::string& shown, const std::shared_ptr<const Bell>& bell)
    : outcome_(std::make_shared<Outcome>()) {
  try {
    thread_ = std::thread([outcome = outcome_, spec, resolve, shown, bell] {
      outcome->put(attempt_to_connect(spec, resolve, shown));
      bell->ring();
    });
  } catch (const std::system_error& e) {
    outcome_->put(
        fail(ErrorCode::kExhausted, fmt::format("{}: no thread to connect with: {}", shown, e.what()), true));
  }
}

AmqpAttempt::~AmqpAttempt() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(outcome_->mutex);
  const bool ended = outcome_->ended.wait_for(lock, kLookUp, [&] { return outcome_->done; });
  lock.unlock();
  if (ended)
    thread_.join();
  else
    thread_.detach();
}

std::optional<Result<AmqpState>> AmqpAttempt::take() {
  const std::lock_guard lock(outcome_->mutex);
  return std::exchange(outcome_->result, std::nullopt);
}

}  // namespace docktor
