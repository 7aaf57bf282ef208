// A private Kafka broker (KRaft, one node with its controller; a second node may join): own ports, own folder.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/support/test_pki.h"

namespace docktor::test {

/// Empty: the broker is here (scripts/fetch-kafka.sh); else why a test is skipped.
std::string why_no_kafka();

/// Listens on ports of 127.0.0.1 that were free, and keeps them and its records across stop and start: plain, with SASL
/// (user `plain` by PLAIN, user `scram` by SCRAM-SHA-256 and -512, both with the password "secret-of-NAME"), and with TLS. It ends
/// with the test.
class KafkaServerProcess {
 public:
  KafkaServerProcess() : KafkaServerProcess(nullptr) {}
  /// A second broker of another one's cluster, which has that one's controller.
  explicit KafkaServerProcess(const KafkaServerProcess* first);
  ~KafkaServerProcess();
  KafkaServerProcess(const KafkaServerProcess&) = delete;
  KafkaServerProcess& operator=(const KafkaServerProcess&) = delete;

  void start();  ///< and waits until it takes connections
  void stop();   ///< SIGTERM, and waits
  void kill();   ///< SIGKILL, and waits
  void pause();  ///< SIGSTOP: it neither answers nor closes
  void resume();

  std::string url() const;         ///< 127.0.0.1:PORT
  std::string sasl_url() const;    ///< PLAIN and SCRAM-SHA-512
  std::string sha256_url() const;  ///< SCRAM-SHA-256 alone
  std::string tls_url() const;     ///< localhost:PORT
  const TestCertificates& certificates() const { return *pki_; }
  std::string log() const;

 private:
  void end(int signal);
  pid_t java(const std::vector<std::string>& arguments) const;

  TempDir dir_;
  std::unique_ptr<TestCertificates> pki_;
  const int node_;
  int port_, sasl_port_, short_port_, tls_port_, controller_port_;
  pid_t pid_ = -1;
};

}  // namespace docktor::test
