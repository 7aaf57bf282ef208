#include "tests/rabbitmq/rabbitmq_server.h"

#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/patience.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;

// Not the wrapper in the PATH: that one changes the user and uses the system's folders.
std::string rabbitmq_folder() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/rabbitmq/lib", ignored)) {
    if (fs::exists(entry.path() / "sbin" / "rabbitmq-server", ignored)) return entry.path().string();
  }
  return {};
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// As `program`, with nothing but `environment`; output to the file. The child dies with the test.
pid_t launch(const std::string& program, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment, const std::string& output) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())}, env;
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  for (const auto& e : environment) env.push_back(const_cast<char*>(e.c_str()));
  argv.push_back(nullptr);
  env.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid > 0) return pid;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(open("/dev/null", O_RDONLY), 0);
  const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, 1);
  dup2(out, 2);
  execve(program.c_str(), argv.data(), env.data());
  _exit(127);
}

bool accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  const bool yes = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  close(fd);
  return yes;
}

// Processes whose environment names this folder: the server's own helpers and its port mapper, which leave its group.
void kill_those_of(const fs::path& dir) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "environ").find("HOME=" + dir.string() + '\0') != std::string::npos)
      ::kill(std::stoi(name), SIGKILL);
  }
}

}  // namespace

std::string why_no_rabbitmq() {
  return rabbitmq_folder().empty() ? "no RabbitMQ: apt-get install rabbitmq-server" : "";
}

RabbitServerProcess::RabbitServerProcess(Options options)
    : options_(std::move(options)),
      port_(free_port()),
      management_port_(free_port()),
      dist_port_(free_port()),
      epmd_port_(free_port()) {
  dir_.file("plugins", options_.management ? "[rabbitmq_management]." : "[].");
  std::string conf = fmt::format("listeners.tcp.1 = 127.0.0.1:{}\n", port_);
  if (options_.management)
    conf += fmt::format("management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {}\n", management_port_);
  dir_.file("rabbit.conf", conf + options_.config + "\n");
  start();
}

RabbitServerProcess::~RabbitServerProcess() {
  if (pid_ > 0) end(SIGKILL);
  kill_those_of(dir_.path());
}

std::vector<std::string> RabbitServerProcess::environment() const {
  const auto dir = dir_.path().string();
  return {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
          "LANG=C.UTF-8",
          "HOME=" + dir,
          fmt::format("RABBITMQ_NODENAME=t{}@localhost", dist_port_),
          "RABBITMQ_MNESIA_BASE=" + dir + "/mnesia",
          "RABBITMQ_LOG_BASE=" + dir + "/log",
          "RABBITMQ_ENABLED_PLUGINS_FILE=" + dir + "/plugins",
          "RABBITMQ_CONFIG_FILE=" + dir + "/rabbit",
          "RABBITMQ_CONF_ENV_FILE=/dev/null",
          "RABBITMQ_PID_FILE=" + dir + "/pid",
          fmt::format("RABBITMQ_DIST_PORT={}", dist_port_),
          fmt::format("ERL_EPMD_PORT={}", epmd_port_),
          "ERL_EPMD_ADDRESS=127.0.0.1",
          "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"};
}

bool RabbitServerProcess::is_up() const {
  return accepts(port_) && (!options_.management || accepts(management_port_)) &&
         (options_.tls_port == 0 || accepts(options_.tls_port));
}

void RabbitServerProcess::start() {
  pid_ =
      launch(rabbitmq_folder() + "/sbin/rabbitmq-server", {}, environment(), (dir_.path() / "out").string());
  const bool up = eventually([&] { return is_up() || waitpid(pid_, nullptr, WNOHANG) != 0; }, 2 * kPatience,
                             std::chrono::milliseconds(50));
  if (!up || !is_up()) throw std::runtime_error("rabbitmq-server does not start: " + log());
}

// The script is gone before the Erlang machine that it started is.
void RabbitServerProcess::end(int signal) {
  if (pid_ <= 0) return;
  const auto beam = read_file(dir_.path() / "pid");
  ::kill(-pid_, signal);
  ::kill(-pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  const auto is_gone = [&] {
    const auto stat = read_file("/proc/" + beam.substr(0, beam.find_first_not_of("0123456789")) + "/stat");
    return beam.empty() || stat.empty() || stat.find(") Z ") != std::string::npos;
  };
  if (!eventually(is_gone, kPatience, std::chrono::milliseconds(20)))
    throw std::runtime_error("rabbitmq-server does not end: " + log());
  fs::remove(dir_.path() / "pid");
}

void RabbitServerProcess::stop() { end(SIGTERM); }
void RabbitServerProcess::kill() { end(SIGKILL); }
// Its threads may answer until all of its processes have stopped.
void RabbitServerProcess::pause() {
  ::kill(-pid_, SIGSTOP);
  const auto all_stopped = [&] {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;  // no process
      std::ifstream file(entry.path() / "stat");
      std::string stat;
      std::getline(file, stat);               // empty where it has ended meanwhile
      const auto name_end = stat.rfind(')');  // the name may hold anything
      if (name_end == std::string::npos) continue;
      std::istringstream rest(stat.substr(name_end + 1));
      char state = 0;
      pid_t parent = 0, group = 0;
      if (rest >> state >> parent >> group && group == pid_ && state != 'T' && state != 'Z') return false;
    }
    return true;
  };
  while (!all_stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}
void RabbitServerProcess::resume() { ::kill(-pid_, SIGCONT); }

std::string RabbitServerProcess::ctl(const std::vector<std::string>& arguments) const {
  const auto out = (dir_.path() / "ctl").string();
  fs::remove(out);
  const pid_t pid = launch(rabbitmq_folder() + "/sbin/rabbitmqctl", arguments, environment(), out);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error("rabbitmqctl: " + read_file(out));
  return read_file(out);
}

pid_t RabbitServerProcess::beam_pid() const { return std::stoi(read_file(dir_.path() / "pid")); }

std::string RabbitServerProcess::url() const { return fmt::format("amqp://127.0.0.1:{}", port_); }
std::string RabbitServerProcess::management_url() const {
  return fmt::format("http://127.0.0.1:{}", management_port_);
}
std::string RabbitServerProcess::log() const { return read_file(dir_.path() / "out"); }

namespace {

void check(const amqp_rpc_reply_t& reply, const char* what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  std::string why = "no answer";
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(reply.reply.decoded);
    why.assign(static_cast<const char*>(close->reply_text.bytes), close->reply_text.len);
  }
  throw std::runtime_error(fmt::format("{}: {}", what, why));
}

amqp_bytes_t bytes(const std::string& s) { return {s.size(), const_cast<char*>(s.data())}; }

}  // namespace

RabbitClient::RabbitClient(const RabbitServerProcess& server, const std::string& vhost)
    : state_(amqp_new_connection()) {
  auto* socket = amqp_tcp_socket_new(state_);
  if (amqp_socket_open(socket, "127.0.0.1", server.port()) != AMQP_STATUS_OK)
    throw std::runtime_error("RabbitMQ does not answer");
  check(amqp_login(state_, vhost.c_str(), 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
  amqp_channel_open(state_, 1);
  check(amqp_get_rpc_reply(state_), "channel");
  amqp_confirm_select(state_, 1);
  check(amqp_get_rpc_reply(state_), "confirm");
}

RabbitClient::~RabbitClient() {
  if (state_) amqp_destroy_connection(state_);
}

void RabbitClient::declare(const std::string& queue, const Queue& how) {
  std::vector<amqp_table_entry_t> entries;
  const auto add = [&](const std::string& key) -> amqp_field_value_t& {
    entries.push_back({amqp_cstring_bytes(key.c_str()), {}});
    return entries.back().value;
  };
  for (const auto& [key, value] : how.texts) {
    auto& v = add(key);
    v.kind = AMQP_FIELD_KIND_UTF8;
    v.value.bytes = bytes(value);
  }
  for (const auto& [key, value] : how.numbers) {
    auto& v = add(key);
    v.kind = AMQP_FIELD_KIND_I64;
    v.value.i64 = value;
  }
  for (const auto& key : how.flags) {
    auto& v = add(key);
    v.kind = AMQP_FIELD_KIND_BOOLEAN;
    v.value.boolean = 1;
  }
  const amqp_table_t table{static_cast<int>(entries.size()), entries.data()};
  amqp_queue_declare(state_, 1, bytes(queue), 0, how.durable, how.exclusive, how.auto_delete, table);
  check(amqp_get_rpc_reply(state_), "declare");
}

void RabbitClient::remove(const std::string& queue) {
  amqp_queue_delete(state_, 1, bytes(queue), 0, 0);
  check(amqp_get_rpc_reply(state_), "delete");
}

void RabbitClient::purge(const std::string& queue) {
  amqp_queue_purge(state_, 1, bytes(queue));
  check(amqp_get_rpc_reply(state_), "purge");
}

void RabbitClient::publish(const std::string& queue, int count) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = 2;
  for (int i = 0; i < count; ++i)
    amqp_basic_publish(state_, 1, amqp_empty_bytes, bytes(queue), 0, 0, &properties,
                       amqp_cstring_bytes("job"));
  published_ += static_cast<std::uint64_t>(count);
  while (confirmed_ < published_) {
    amqp_frame_t frame;
    if (amqp_simple_wait_frame(state_, &frame) != AMQP_STATUS_OK)
      throw std::runtime_error("publish: no confirmation");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) continue;
    confirmed_ = std::max(confirmed_,
                          static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded)->delivery_tag);
  }
  amqp_maybe_release_buffers(state_);
}

std::optional<std::uint64_t> RabbitClient::get(const std::string& queue) {
  const auto reply = amqp_basic_get(state_, 1, bytes(queue), 0);
  check(reply, "get");
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return std::nullopt;
  const auto tag = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->delivery_tag;
  amqp_message_t message;
  check(amqp_read_message(state_, 1, &message, 0), "message");
  amqp_destroy_message(&message);
  amqp_maybe_release_buffers(state_);
  return tag;
}

void RabbitClient::ack(std::uint64_t tag) { amqp_basic_ack(state_, 1, tag, 0); }
void RabbitClient::reject(std::uint64_t tag, bool requeue) { amqp_basic_reject(state_, 1, tag, requeue); }

void RabbitClient::consume(const std::string& queue) {
  amqp_basic_qos(state_, 1, 0, 1, 0);
  check(amqp_get_rpc_reply(state_), "qos");
  amqp_basic_consume(state_, 1, bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check(amqp_get_rpc_reply(state_), "consume");
}

void RabbitClient::cut() {
  shutdown(amqp_get_sockfd(state_), SHUT_RDWR);
  amqp_destroy_connection(std::exchange(state_, nullptr));
}

}  // namespace docktor::test
