// A private RabbitMQ server, Debian's: own ports, own node name, own folder; and a client that publishes and
// consumes, as producers and workers do.
#pragma once

#include <amqp.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/free_port.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

/// Empty: Debian's RabbitMQ is here; else why a test is skipped.
std::string why_no_rabbitmq();

/// Listens on ports of 127.0.0.1 that were free, and keeps them and its messages across stop and start. It and
/// its port mapper (epmd) end with it.
class RabbitServerProcess {
 public:
  struct Options {
    bool management = true;
    std::string config;  ///< further lines of rabbitmq.conf
    int tls_port = 0;    ///< of a TLS listener that `config` describes; 0: none
  };

  RabbitServerProcess() : RabbitServerProcess(Options{}) {}
  explicit RabbitServerProcess(Options options);
  ~RabbitServerProcess();
  RabbitServerProcess(const RabbitServerProcess&) = delete;
  RabbitServerProcess& operator=(const RabbitServerProcess&) = delete;

  void start();  ///< and waits until it takes connections, and its API answers
  void stop();   ///< as rabbitmqctl would, and waits
  void kill();
  void pause();   ///< SIGSTOP: it neither answers nor closes
  void resume();  ///< SIGCONT

  /// rabbitmqctl with these arguments; its output. Slow: seconds.
  std::string ctl(const std::vector<std::string>& arguments) const;

  int port() const { return port_; }
  std::string url() const;             ///< amqp://127.0.0.1:PORT
  std::string management_url() const;  ///< http://127.0.0.1:PORT
  pid_t beam_pid() const;              ///< of the Erlang machine, which does the work
  std::string log() const;

 private:
  std::vector<std::string> environment() const;
  bool is_up() const;
  void end(int signal);

  TempDir dir_;
  Options options_;
  int port_, management_port_, dist_port_, epmd_port_;
  pid_t pid_ = -1;
};

/// A client on its own connection: declares, publishes, gets. Blocks; throws std::runtime_error where the server
/// refuses. Not thread-safe.
class RabbitClient {
 public:
  struct Queue {
    bool durable = true, exclusive = false, auto_delete = false;
    std::map<std::string, std::string> texts;     ///< arguments: x-queue-type
    std::map<std::string, std::int64_t> numbers;  ///< x-expires
    std::vector<std::string> flags;               ///< set to true: x-single-active-consumer
  };

  explicit RabbitClient(const RabbitServerProcess& server, const std::string& vhost = "/");
  ~RabbitClient();
  RabbitClient(const RabbitClient&) = delete;
  RabbitClient& operator=(const RabbitClient&) = delete;

  void declare(const std::string& queue, const Queue& how);
  void declare(const std::string& queue) { declare(queue, Queue{}); }
  void remove(const std::string& queue);
  void purge(const std::string& queue);
  void publish(const std::string& queue,
               int count = 1);  ///< persistent, through the default exchange; confirmed

  /// Takes a message and holds it; its delivery tag, nothing where the queue is empty.
  std::optional<std::uint64_t> get(const std::string& queue);
  void ack(std::uint64_t tag);
  void reject(std::uint64_t tag, bool requeue);
  void consume(const std::string& queue);  ///< a consumer with prefetch 1, whose messages nobody acknowledges
  void cut();                              ///< the connection ends as that of a killed worker does

 private:
  amqp_connection_state_t state_ = nullptr;
  std::uint64_t published_ = 0, confirmed_ = 0;
};

}  // namespace docktor::test
