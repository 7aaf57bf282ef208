#include "tests/kafka/kafka_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/patience.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;

constexpr auto kCluster = "ZG9ja3Rvci1pbi10ZXN0cw";  // 16 bytes in base64

bool accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool yes = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  close(fd);
  return yes;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The broker takes one PEM file with the key and the certificate.
std::string listeners(int port, int sasl_port, int short_port, int tls_port, const std::string& keystore,
                      const std::string& ca) {
  return fmt::format(
      R"(listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="secret-of-plain";
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.short.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.short.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={}
listener.name.tls.ssl.truststore.type=PEM
listener.name.tls.ssl.truststore.location={}
listener.name.tls.ssl.client.auth=requested
advertised.listeners=PLAIN://127.0.0.1:{},SASL://127.0.0.1:{},SHORT://127.0.0.1:{},TLS://localhost:{}
)",
      keystore, ca, port, sasl_port, short_port, tls_port);
}

}  // namespace

std::string why_no_kafka() {
  std::error_code ignored;
  return fs::exists(DOCKTOR_KAFKA "/fetched", ignored) ? "" : "no Kafka: scripts/fetch-kafka.sh";
}

KafkaServerProcess::KafkaServerProcess(const KafkaServerProcess* first)
    : pki_(std::make_unique<TestCertificates>(dir_)),
      node_(first ? 2 : 1),
      port_(free_port()),
      sasl_port_(free_port()),
      short_port_(free_port()),
      tls_port_(free_port()),
      controller_port_(first ? first->controller_port_ : free_port()) {
  const auto keystore = dir_.file("keystore.pem", read_file(pki_->server_key) + read_file(pki_->server_cert));
  const auto at = [](const char* name, int port) { return fmt::format("{}://127.0.0.1:{}", name, port); };
  std::string all = at("PLAIN", port_) + "," + at("SASL", sasl_port_) + "," + at("SHORT", short_port_) + "," +
                    at("TLS", tls_port_);
  if (!first) all += "," + at("CONTROLLER", controller_port_);
  dir_.file(
      "server.properties",
      fmt::format(R"(process.roles={}
node.id={}
controller.quorum.voters=1@127.0.0.1:{}
listeners={}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,SHORT:SASL_PLAINTEXT,TLS:SSL
log.dirs={}/data
num.partitions=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.heartbeat.interval.ms=500
log.cleaner.backoff.ms=200
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
{})",
                  first ? "broker" : "broker,controller", node_, controller_port_, all, dir_.path().string(),
                  listeners(port_, sasl_port_, short_port_, tls_port_, keystore, pki_->ca)));
  std::vector<std::string> format{"kafka.tools.StorageTool",
                                  "format",
                                  "-t",
                                  kCluster,
                                  "-c",
                                  (dir_.path() / "server.properties").string()};
  if (!first)
    format.insert(format.end(), {"--add-scram", "SCRAM-SHA-256=[name=scram,password=secret-of-scram]",
                                 "--add-scram", "SCRAM-SHA-512=[name=scram,password=secret-of-scram]"});
  int status = 0;
  waitpid(java(format), &status, 0);
  if (status != 0) throw std::runtime_error("Kafka's folder cannot be made: " + log());
  start();
}

KafkaServerProcess::~KafkaServerProcess() {
  if (pid_ > 0) end(SIGKILL);
}

// The child dies with the test.
pid_t KafkaServerProcess::java(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words{
      "java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", DOCKTOR_KAFKA "/lib/*"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const auto out = (dir_.path() / "out").string();
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  dup2(1, 2);
  execvp(argv[0], argv.data());
  _exit(127);
}

void KafkaServerProcess::start() {
  pid_ = java({"kafka.Kafka", (dir_.path() / "server.properties").string()});
  bool gone = false;
  const bool up = eventually(
      [&] {
        gone = waitpid(pid_, nullptr, WNOHANG) != 0;
        return gone || accepts(port_);
      },
      2 * kPatience, std::chrono::milliseconds(20));
  if (gone) pid_ = -1;
  if (gone || !up) throw std::runtime_error("Kafka does not start: " + log());
}

void KafkaServerProcess::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  ::kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void KafkaServerProcess::stop() { end(SIGTERM); }
void KafkaServerProcess::kill() { end(SIGKILL); }
void KafkaServerProcess::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // its threads may answer until then
}
void KafkaServerProcess::resume() { ::kill(pid_, SIGCONT); }

std::string KafkaServerProcess::url() const { return fmt::format("127.0.0.1:{}", port_); }
std::string KafkaServerProcess::sasl_url() const { return fmt::format("127.0.0.1:{}", sasl_port_); }
std::string KafkaServerProcess::sha256_url() const { return fmt::format("127.0.0.1:{}", short_port_); }
std::string KafkaServerProcess::tls_url() const { return fmt::format("localhost:{}", tls_port_); }
std::string KafkaServerProcess::log() const { return read_file(dir_.path() / "out"); }

}  // namespace docktor::test
