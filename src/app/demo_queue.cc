#include "app/demo_queue.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/json_text.h"
#include "os/fd.h"
#include "os/run_command.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;

std::string first_that_exists(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  return {};
}

// Debian's servers are in /usr/sbin, which a user's PATH may not have.
Result<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  return find_command(name, "",
                      fmt::format("{}:/usr/local/bin:/usr/sbin:/usr/local/sbin", path ? path : "/usr/bin"));
}

// What comes with docktor: beside it in the build, or where `make install` puts it.
struct Own {
  std::string docktor, here;

  static Result<Own> find() {
    std::error_code error;
    Own own;
    own.docktor = fs::read_symlink("/proc/self/exe", error).string();
    if (error)
      return fail(ErrorCode::kInternal, "cannot tell where docktor is: /proc/self/exe: " + error.message());
    own.here = own.docktor.substr(0, own.docktor.rfind('/'));
    return own;
  }
  // The build's folder is beside the binary that `make` leaves, or three above the one that it makes.
  std::string program(const std::string& name) const {
    return first_that_exists({here + "/build/examples/nats-multi/" + name,
                              here + "/../../examples/nats-multi/" + name, here + "/../lib/docktor/" + name});
  }
  std::string file(const std::string& name) const {
    const auto path =
        first_that_exists({here + "/examples/demo/" + name, here + "/../../../examples/demo/" + name,
                           here + "/../share/docktor/demo/" + name});
    std::error_code error;
    return path.empty() ? path : fs::weakly_canonical(path, error).string();
  }
  Error missing() const {
    return {ErrorCode::kNotFound,
            fmt::format("the demo's producer, worker and configuration are not beside {}; run `make demo` in "
                        "docktor's sources, or `make install` and then the installed docktor",
                        docktor),
            false};
  }
};

sockaddr_in loopback(int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

// One that nobody has now. Whoever takes it before the server does makes the demo fail, and says so.
int free_port() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return 0;
  return ntohs(address.sin_port);
}

bool accepts(int port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto to = loopback(port);
  return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

class NatsDemo final : public DemoQueue {
 public:
  std::string_view server_name() const override { return "nats-server"; }

  Result<DemoPieces> find() const override {
    const auto own = Own::find();
    if (!own) return tl::unexpected(own.error());
    DemoPieces p{
        own->docktor, "", own->file("docktor.yaml"), {own->program("producer")}, own->program("consumer")};
    if (p.producer[0].empty() || p.worker.empty() || p.config.empty())
      return tl::unexpected<Error>(own->missing());
    const auto server = find_program("nats-server");
    if (!server)
      return fail(ErrorCode::kNotFound,
                  "nats-server is not installed; `make demo` installs it, or: apt-get install nats-server");
    p.server = *server;
    return p;
  }

  // Port -1: one that is free; the server writes which.
  std::vector<std::string> command(const DemoPieces& pieces, const std::string& folder) override {
    return {pieces.server,      "-a",  "127.0.0.1", "-p", "-1", "-js", "-sd", folder + "/jetstream",
            "--ports_file_dir", folder};
  }

  bool ready(const std::string& folder) override {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".ports") continue;
      std::ifstream in(entry.path());
      const auto ports = nlohmann::json::parse(in, nullptr, false);
      if (!ports.is_object() || !ports.contains("nats") || ports["nats"].empty()) return false;
      url_ = ports["nats"][0].get<std::string>();
      return true;
    }
    return false;
  }

  DemoPart::Environment variables() const override {
    return {{"NATS_URL", url_}, {"STREAM", "EVENTS"}, {"SUBJECT", "events.web"}};
  }
  std::string described() const override { return "Stream EVENTS at " + url_; }

 private:
  std::string url_;
};

// Producer and worker are scripts of Python, with the library that people use there.
class ScriptedDemo : public DemoQueue {
 protected:
  static Result<DemoPieces> find_scripts(const std::string& kind, const std::string& module,
                                         const std::string& server, const std::string& install) {
    const auto own = Own::find();
    if (!own) return tl::unexpected(own.error());
    DemoPieces p{own->docktor,
                 server,
                 own->file(fmt::format("docktor-{}.yaml", kind)),
                 {kPython, own->file("producer.py")},
                 own->file("worker.py")};
    if (p.producer[1].empty() || p.worker.empty() || p.config.empty())
      return tl::unexpected<Error>(own->missing());
    SpawnOptions look;
    look.command = {kPython, "-c", "import " + module};
    look.environment = inherited_environment();
    const auto ran = run_command(std::move(look), std::chrono::seconds(20));
    if (server.empty() || !ran || ran->status != 0)
      return fail(ErrorCode::kNotFound,
                  fmt::format("the demo on {} needs a server and Python's {}: apt-get install {}", kind,
                              module, install));
    return p;
  }
  static DemoPart::Environment scripts(const std::string& queue, const std::string& url) {
    return {{"QUEUE", queue}, {"QUEUE_URL", url}, {"PYTHONDONTWRITEBYTECODE", "1"}};
  }

 private:
  static constexpr const char* kPython = "/usr/bin/python3";  // Debian's, which has Debian's modules
};

class RedisDemo final : public ScriptedDemo {
 public:
  std::string_view server_name() const override { return "redis-server"; }
  Result<DemoPieces> find() const override {
    return find_scripts("redis", "redis", find_program("redis-server").value_or(""),
                        "redis-server python3-redis");
  }
  std::vector<std::string> command(const DemoPieces& pieces, const std::string& folder) override {
    return {pieces.server, "--bind", "127.0.0.1",    "--port", fmt::format("{}", port_), "--dir", folder,
            "--save",      "",       "--appendonly", "no"};
  }
  bool ready(const std::string&) override { return accepts(port_); }
  DemoPart::Environment variables() const override { return scripts("redis", url()); }
  std::string described() const override { return "Stream events at " + url(); }

 private:
  std::string url() const { return fmt::format("redis://127.0.0.1:{}/0", port_); }
  int port_ = free_port();
};

// A node of our own, with its port mapper; both live in the demo's folder.
class RabbitDemo final : public ScriptedDemo {
 public:
  std::string_view server_name() const override { return "rabbitmq-server"; }

  Result<DemoPieces> find() const override {
    // Not the wrapper in the PATH: that one changes the user and uses the system's folders.
    std::string server;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/usr/lib/rabbitmq/lib", error)) {
      const auto path = entry.path() / "sbin" / "rabbitmq-server";
      if (fs::exists(path, error)) server = path.string();
    }
    return find_scripts("rabbitmq", "pika", server, "rabbitmq-server python3-pika");
  }

  std::vector<std::string> command(const DemoPieces& pieces, const std::string& folder) override {
    std::ofstream(folder + "/plugins") << "[rabbitmq_management].";
    std::ofstream(folder + "/rabbit.conf") << fmt::format(
        "listeners.tcp.1 = 127.0.0.1:{}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {}\n", port_,
        management_);
    return {pieces.server};
  }

  DemoPart::Environment environment(const std::string& folder) override {
    return {{"HOME", folder},
            {"RABBITMQ_NODENAME", fmt::format("demo{}@localhost", distribution_)},
            {"RABBITMQ_MNESIA_BASE", folder + "/mnesia"},
            {"RABBITMQ_LOG_BASE", folder + "/log"},
            {"RABBITMQ_ENABLED_PLUGINS_FILE", folder + "/plugins"},
            {"RABBITMQ_CONFIG_FILE", folder + "/rabbit"},
            {"RABBITMQ_CONF_ENV_FILE", "/dev/null"},
            {"RABBITMQ_PID_FILE", folder + "/pid"},
            {"RABBITMQ_DIST_PORT", fmt::format("{}", distribution_)},
            {"ERL_EPMD_PORT", fmt::format("{}", mapper_)},
            {"ERL_EPMD_ADDRESS", "127.0.0.1"},
            {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"}};
  }
  bool ready(const std::string&) override { return accepts(port_) && accepts(management_); }

  DemoPart::Environment variables() const override {
    auto all = scripts("rabbitmq", url());
    all.emplace_back("MANAGEMENT_URL", fmt::format("http://127.0.0.1:{}", management_));
    return all;
  }
  std::string described() const override { return fmt::format("Queue events at amqp://127.0.0.1:{}", port_); }

 private:
  std::string url() const { return fmt::format("amqp://guest:guest@127.0.0.1:{}", port_); }
  int port_ = free_port(), management_ = free_port(), distribution_ = free_port(), mapper_ = free_port();
};

// A broker with its controller in one process. It is no package of Debian: an unpacked Kafka is looked for.
class KafkaDemo final : public ScriptedDemo {
 public:
  std::string_view server_name() const override { return "kafka"; }

  Result<DemoPieces> find() const override {
    const auto jars = find_jars();
    if (jars.empty()) {
      const char* home = std::getenv("KAFKA_HOME");
      return fail(
          ErrorCode::kNotFound,
          fmt::format(
              "the demo on kafka needs a Kafka broker, which Debian has no package of: {}; unpack one "
              "from https://kafka.apache.org/downloads, set KAFKA_HOME to its folder, and: apt-get "
              "install default-jre-headless python3-confluent-kafka",
              home && *home ? fmt::format("KAFKA_HOME ({}) has no libs/kafka_*.jar", home)
                            : "KAFKA_HOME is not set, and no kafka-server-start.sh is on the PATH"));
    }
    return find_scripts("kafka", "confluent_kafka", java().empty() ? "" : jars,
                        "default-jre-headless python3-confluent-kafka");
  }

  // A shell, since the broker's folder is made by a program of its own; the broker takes its place.
  std::vector<std::string> command(const DemoPieces& pieces, const std::string& folder) override {
    const auto settings = folder + "/server.properties";
    std::ofstream(settings) << fmt::format(
        R"(process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{0}
listeners=CLIENTS://127.0.0.1:{1},CONTROLLER://127.0.0.1:{0}
advertised.listeners=CLIENTS://127.0.0.1:{1}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
log.dirs={2}/kafka
log.index.size.max.bytes=65536
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
)",
        controller_, port_, folder);
    return {"/bin/sh",
            "-c",
            R"(set -- "$1" "$2/*" "$3" -Xmx384m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"$1" "$4" "$5" "$6" -cp "$2" kafka.tools.StorageTool format -t ZG9ja3Rvci1kZW1vLTAwMA -c "$3" || exit
exec "$1" "$4" "$5" "$6" -cp "$2" kafka.Kafka "$3")",
            "kafka",
            java(),
            pieces.server,
            settings};
  }
  bool ready(const std::string&) override { return accepts(port_); }

  DemoPart::Environment variables() const override { return scripts("kafka", url()); }
  std::string described() const override { return "Topic events at " + url(); }

 private:
  std::string url() const { return fmt::format("127.0.0.1:{}", port_); }

  static std::string java() {
    const char* home = std::getenv("JAVA_HOME");
    if (const auto own = home ? first_that_exists({fmt::format("{}/bin/java", home)}) : ""; !own.empty())
      return own;
    return find_program("java").value_or("");
  }

  // The folder of the broker's jars: as in Apache's archive, as Maven copies them, as in Confluent's packages.
  static std::string jars_of(const fs::path& home) {
    for (const char* under : {"libs", "lib", "share/java/kafka"}) {
      std::error_code error;
      for (const auto& entry : fs::directory_iterator(home / under, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("kafka_2.") && name.ends_with(".jar")) return (home / under).string();
      }
    }
    return {};
  }

  static std::string find_jars() {
    if (const char* home = std::getenv("KAFKA_HOME"); home && *home) return jars_of(home);
    for (const char* name : {"kafka-server-start.sh", "kafka-server-start"}) {
      std::error_code error;
      const auto script = find_program(name);
      const auto whole = script ? fs::canonical(*script, error) : fs::path();
      if (auto jars = jars_of(whole.parent_path().parent_path()); script && !error && !jars.empty())
        return jars;
    }
    return jars_of("/opt/kafka");
  }

  int port_ = free_port(), controller_ = free_port();
};

struct Row {
  std::string_view name;
  std::unique_ptr<DemoQueue> (*make)();
};
constexpr std::array kTable = std::to_array<Row>({
    {"nats", [] { return std::unique_ptr<DemoQueue>(std::make_unique<NatsDemo>()); }},
    {"redis", [] { return std::unique_ptr<DemoQueue>(std::make_unique<RedisDemo>()); }},
    {"rabbitmq", [] { return std::unique_ptr<DemoQueue>(std::make_unique<RabbitDemo>()); }},
    {"kafka", [] { return std::unique_ptr<DemoQueue>(std::make_unique<KafkaDemo>()); }},
});

}  // namespace

std::string demo_queue_names() {
  std::string names;
  for (const auto& row : kTable) names += fmt::format("{}{}", names.empty() ? "" : "|", row.name);
  return names;
}

std::unique_ptr<DemoQueue> demo_queue(std::string_view name) {
  for (const auto& row : kTable) {
    if (row.name == name) return row.make();
  }
  return nullptr;
}

}  // namespace docktor
