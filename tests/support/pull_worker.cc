#include "tests/support/pull_worker.h"

#include <exception>
#include <utility>

#include "tests/support/nats_client.h"

namespace docktor::test {

PullWorker::PullWorker(Options options) : options_(std::move(options)), thread_([this] { run(); }) {}

void PullWorker::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::vector<std::string> PullWorker::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void PullWorker::run() {
  {
    NatsClient client(options_.url);
    while (!stopping_) {
      try {
        for (const auto& m : client.pull(options_.stream, options_.consumer, options_.batch,
                                         std::chrono::milliseconds(100))) {
          std::this_thread::sleep_for(options_.work);
          client.ack(m);
          ++processed_;
          const std::lock_guard lock(mutex_);
          seen_.push_back(m.data);
        }
      } catch (const std::exception&) {
        std::this_thread::sleep_for(
            std::chrono::milliseconds(20));  // the server is away; the client reconnects
      }
    }
  }
  nats_ReleaseThreadMemory();
}

}  // namespace docktor::test
