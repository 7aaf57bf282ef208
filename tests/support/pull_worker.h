// A worker as users write them: pulls, works, acknowledges. In this process, on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace docktor::test {

/// Stops gracefully: what it fetched is worked on and acknowledged.
class PullWorker {
 public:
  struct Options {
    std::string url;
    std::string stream;
    std::string consumer;
    int batch = 10;
    std::chrono::microseconds work{0};  ///< per message
  };
  explicit PullWorker(Options options);
  ~PullWorker() { stop(); }
  void stop();

  std::uint64_t processed() const { return processed_; }
  std::vector<std::string> seen() const;  ///< data of what was acknowledged

 private:
  void run();
  Options options_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> processed_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::thread thread_;
};

}  // namespace docktor::test
