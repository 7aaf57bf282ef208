// Instances that are threads of this program: each pulls messages from the consumer and calls a function for
// each.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "docktor/message.h"
#include "docktor/provisioner.h"

namespace docktor {

struct ThreadProvisionerOptions {
  /// Messages per pull. More saves requests; but those wait behind one another in one thread though another
  /// may be idle: 1 for long work.
  int fetch_size = 5;
  /// Of the rate law: after so long without a message one thread less each second.
  std::chrono::milliseconds idle_after{2000};
  /// Of the rate law: messages a second that one thread is meant for.
  int max_rate_per_handler = 500;
  /// Before a message whose handler failed is tried again; doubled with each try, up to 30 s.
  std::chrono::milliseconds retry_delay{100};
  /// Called from the thread as it ends, with the messages that it finished.
  std::function<void(const InstanceId&, std::uint64_t processed)> on_end;
};

/// Calls `work` for each message, from as many threads at once as there are instances.
///
///   - returns a value: the answer goes out where one is waited for, then the acknowledgement;
///   - returns an error or throws: counted; the message is given back and tried again after retry_delay;
///   - takes long: the server is told in time that work goes on, for it and for what waits behind it;
///   - stop_instance(): the message at work is finished, the others of the batch are given back at once; the last
///     thread, whose messages nobody would take, finishes its batch and what still comes within a second.
///
/// A message that was finished here and is delivered again all the same (a server that crashed or a
/// connection that broke forgets acknowledgements) is acknowledged and answered as before, without calling
/// `work`: this holds for the last 500,000 messages, and for answers up to 4 KB of the last 4,096.
///
/// Thread-safe. The destructor stops and joins every thread: it waits for the work under way, and up to a
/// second for pulls that are still open.
class DOCKTOR_EXPORT ThreadProvisioner final : public Provisioner {
 public:
  using Work = std::function<Result<void>(Message&)>;

  ThreadProvisioner(Connection connection, std::string stream, std::string consumer, Work work,
                    ThreadProvisionerOptions options = {});
  ~ThreadProvisioner() override;
  ThreadProvisioner(const ThreadProvisioner&) = delete;
  ThreadProvisioner& operator=(const ThreadProvisioner&) = delete;

  /// One less after idle_after, the first one at once, one more each time until each carries no more than
  /// max_rate_per_handler; fewer again when four fifths of that would do for what they carry. Nothing is
  /// added once the messages have stopped coming.
  int num_instances(std::chrono::steady_clock::time_point last_receive, int current,
                    double rate_per_second) override;
  Result<InstanceId> start_instance(std::stop_token stop) override;
  Result<void> stop_instance(std::stop_token stop, const InstanceId& id) override;

  struct Stats {
    std::uint64_t processed = 0;   ///< messages whose handler succeeded
    std::uint64_t failed = 0;      ///< ... returned an error or threw
    std::uint64_t exceptions = 0;  ///< of failed: threw
    std::uint64_t given_back = 0;  ///< by stopping threads, not begun
    std::uint64_t repeats = 0;     ///< came again though they were finished; not worked on again
    int threads = 0;               ///< that take messages now
  };
  Stats stats() const;

 private:
  class DOCKTOR_HIDDEN Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace docktor
