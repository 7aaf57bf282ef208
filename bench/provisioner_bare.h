// The yardstick of provisioner_bench: the same load on the same server by nats.c alone, without the library.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace docktor::bench {

/// Threads that pull in batches of five, answer, and acknowledge, as simply as a C program would. Of the
/// stream TEST's consumer PROCESSOR, which the caller sets up. A failure ends the program.
class Bare {
 public:
  Bare(const std::string& url, int handlers);
  ~Bare();
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  /// Seconds for so many requests to be answered, `in_flight` at most under way at once.
  double run(int requests, int in_flight);

 private:
  void handle(int number);

  natsConnection* handlers_ = nullptr;
  natsConnection* load_ = nullptr;
  natsSubscription* answers_ = nullptr;
  int sent_ = 0;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace docktor::bench
