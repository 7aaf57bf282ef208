#include "queues/nats/permission_probe.h"

#include <algorithm>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace docktor {
namespace {

class Probe final : public JetStreamConnection::Listener {
 public:
  explicit Probe(std::vector<std::string> subjects) : subjects_(std::move(subjects)) {}

  void begin(JetStreamConnection& connection) {
    for (const auto& s : subjects_) {
      if (auto sub = connection.link().subscribe(s, 1, [](const NatsMessage&) {}))
        subscriptions_.push_back(std::move(*sub));
    }
  }
  std::vector<std::string> end() {
    subscriptions_.clear();
    return std::move(denied_);
  }

  void link_up() override {}
  void link_down() override {}
  void subscription_denied(const std::string& subject) override {
    const auto in = [&](const std::vector<std::string>& list) {
      return std::ranges::find(list, subject) != list.end();
    };
    if (in(subjects_) && !in(denied_)) denied_.push_back(subject);
  }

 private:
  std::vector<std::string> subjects_;
  std::vector<std::string> denied_;
  std::vector<NatsSubscription> subscriptions_;
};

// The server's word on a subscription comes before its answer to a later request, but nats.c hands errors on
// by another thread, which may be a moment later.
constexpr Duration kErrorsLate = std::chrono::milliseconds(100);

}  // namespace

std::vector<std::string> denied_subscriptions(JetStreamConnection& connection,
                                              const std::vector<std::string>& subjects, Duration timeout) {
  const auto probe = std::make_shared<Probe>(subjects);
  connection.loop().post([&connection, probe] {
    connection.add_listener(probe);
    probe->begin(connection);
  });
  (void)connection.call(connection.api("INFO"), "", timeout);  // whatever the answer
  std::this_thread::sleep_for(std::min(timeout, kErrorsLate));
  auto promise = std::make_shared<std::promise<std::vector<std::string>>>();
  auto denied = promise->get_future();
  connection.loop().post([probe, promise] { promise->set_value(probe->end()); });
  return denied.wait_for(timeout + kErrorsLate) == std::future_status::ready ? denied.get()
                                                                             : std::vector<std::string>{};
}

}  // namespace docktor
