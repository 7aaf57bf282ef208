#include "tests/support/postgres_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/free_port.h"
#include "tests/support/patience.h"

namespace docktor::test {
namespace {

// Its sockets are closed when it is a zombie, which whoever adopted it may leave for long.
bool runs(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(in, text);
  const auto name_ends = text.rfind(") ");
  return name_ends != std::string::npos && text[name_ends + 2] != 'Z' && text[name_ends + 2] != 'X';
}

// Debian keeps the server's programs apart from the PATH, in a folder for each version.
std::string programs() {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (std::filesystem::exists(version.path() / "bin/postgres"))
      found.push_back((version.path() / "bin/").string());
  }
  if (found.empty()) throw std::runtime_error("no PostgreSQL server is installed (package postgresql)");
  return std::ranges::max(found);
}

const passwd* another_user() {
  if (geteuid() != 0) return nullptr;
  const auto* p = getpwnam("postgres");
  return p ? p : getpwnam("nobody");
}

std::string quoted(const std::string& line) { return "'" + line + "'"; }

}  // namespace

PostgresServer::PostgresServer(std::string settings) : bin_(programs()) {
  const auto data = dir_.path() / "data", run_dir = dir_.path() / "run";
  std::filesystem::create_directory(data);
  std::filesystem::create_directory(run_dir);
  if (const auto* user = another_user()) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0711));
    for (const auto& d : {data, run_dir}) {
      if (::chown(d.c_str(), user->pw_uid, user->pw_gid) != 0)
        throw std::runtime_error("cannot give a folder away");
    }
  }
  const pid_t made = run({bin_ + "initdb", "-D", data.string(), "-A", "trust", "-U", "postgres", "-N", "-E",
                          "UTF8", "--locale=C", "--wal-segsize=4"});
  int status = 0;
  waitpid(made, &status, 0);
  if (status != 0) throw std::runtime_error("initdb fails: " + log());
  std::ofstream(data / "postgresql.conf", std::ios::app)
      << "fsync = off\nfull_page_writes = off\nshared_buffers = 64MB\nlog_statement = "
         "none\nlogging_collector = off\n"
      << "listen_addresses = '127.0.0.1'\nunix_socket_directories = " << quoted(run_dir.string())
      << "\nlc_messages = 'C'\n"
      << settings << "\n";
  std::ofstream(data / "pg_hba.conf")
      << "local all all trust\nhost all +asks_password 127.0.0.1/32 scram-sha-256\n"
      << "host all all 127.0.0.1/32 trust\n";
  start();
  sql("create role asks_password");
}

PostgresServer::~PostgresServer() {
  if (pid_ > 0) kill();
}

pid_t PostgresServer::run(std::vector<std::string> arguments) const {
  const auto* user = another_user();
  const auto log_path = (dir_.path() / "log").string();
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid != 0) return pid;
  setpgid(0, 0);
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  dup2(1, 2);
  if (user && (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  if (chdir("/") != 0) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // nothing is left behind, however the test ends
  execv(argv[0], argv.data());
  _exit(127);
}

void PostgresServer::start() {
  const bool known = port_ > 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (!known) port_ = free_port();
    pid_ = run({bin_ + "postgres", "-D", (dir_.path() / "data").string(), "-p", std::to_string(port_)});
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (answers()) return;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("postgres does not start: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    pid_ = -1;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("postgres ended at once: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

bool PostgresServer::answers() const {
  const auto url = fmt::format("host={} port={} user=postgres dbname=postgres", socket_dir(), port_);
  return PQping(url.c_str()) == PQPING_OK;
}

void PostgresServer::stop() {
  ::kill(pid_, SIGINT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// The children see that their parent is gone and end; start() tries until the last of them has.
// Processes that serve its connections outlive the first one for a moment, and answer in it: a crash takes them, too.
void PostgresServer::kill() {
  resume();
  const auto served = children();
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  for (const pid_t child : served) ::kill(child, SIGKILL);
  for (const pid_t child : served) {
    while (runs(child)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::vector<pid_t> PostgresServer::children() const {
  std::vector<pid_t> out;
  std::ifstream in(fmt::format("/proc/{}/task/{}/children", pid_, pid_));
  for (pid_t child; in >> child;) out.push_back(child);
  return out;
}

void PostgresServer::signal_all(int signal) const {
  for (const pid_t child : children()) ::kill(child, signal);
  ::kill(pid_, signal);
}

void PostgresServer::pause() { signal_all(SIGSTOP); }
void PostgresServer::resume() { signal_all(SIGCONT); }

std::string PostgresServer::url(const std::string& database, const std::string& user) const {
  return fmt::format("postgres://{}@127.0.0.1:{}/{}", user, port_, database);
}

std::string PostgresServer::keep(const std::string& name, const std::string& text) const {
  const auto path = (dir_.path() / "data" / name).string();
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  if (const auto* user = another_user(); user && ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("cannot give a file away");
  return path;
}

std::string PostgresServer::log() const {
  std::ifstream in(dir_.path() / "log");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string PostgresServer::new_database() {
  auto name = fmt::format("db{}", ++databases_);
  sql("create database " + name);
  return name;
}

std::string PostgresServer::sql(const std::string& statements, const std::string& database) const {
  const auto where = fmt::format("host={} port={} user=postgres dbname={}", socket_dir(), port_, database);
  const std::unique_ptr<PGconn, decltype(&PQfinish)> c(PQconnectdb(where.c_str()), PQfinish);
  PQsetNoticeProcessor(c.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> r(PQexec(c.get(), statements.c_str()), PQclear);
  const auto status = PQresultStatus(r.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    ADD_FAILURE() << PQerrorMessage(c.get()) << statements;
    return {};
  }
  std::string out;
  for (int row = 0; row < PQntuples(r.get()); ++row) {
    if (row > 0) out += '\n';
    for (int i = 0; i < PQnfields(r.get()); ++i)
      out += fmt::format("{}{}", i > 0 ? "|" : "", PQgetvalue(r.get(), row, i));
  }
  return out;
}

}  // namespace docktor::test
