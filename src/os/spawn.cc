#include "os/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace docktor {
namespace {

// Both posix_spawn tables, freed together.
struct SpawnTables {
  SpawnTables() {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&actions);
  }
  ~SpawnTables() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  SpawnTables(const SpawnTables&) = delete;
  SpawnTables& operator=(const SpawnTables&) = delete;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

bool is_folder(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

std::string within(const std::string& directory, const std::string& path) {
  if (path.starts_with('/') || directory.empty()) return path;
  // "/w/./worker" is for no reader. A ".." stays: a link may stand before it.
  std::string_view rest = path;
  while (rest.starts_with("./")) {
    rest.remove_prefix(2);
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  }
  if (rest.empty() || rest == ".") return directory;
  return fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", rest);
}

// errno of the attempt to use `file` as a program; 0 when it can be executed.
int why_not_executable(const std::string& file) {
  struct stat s{};
  if (::stat(file.c_str(), &s) != 0) return errno;
  if (!S_ISREG(s.st_mode)) return EISDIR;
  return ::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// "#!/no/such/shell" gives ENOENT, although the script is there.
std::string interpreter_of(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  char head[256];
  const auto n = fd ? ::read(fd.get(), head, sizeof head) : -1;
  if (n < 3 || head[0] != '#' || head[1] != '!') return {};
  std::string_view line(head + 2, static_cast<std::size_t>(n) - 2);
  line = line.substr(0, line.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line.substr(0, line.find_first_of(" \t\r")));
}

tl::unexpected<Error> spawn_error(int error, const SpawnOptions& o, const std::string& file) {
  const auto& name = o.command.front();
  if (!o.directory.empty() && !is_folder(o.directory)) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("cannot start {}: its directory {} is not there; make it or correct target.directory",
                    name, o.directory));
  }
  switch (error) {
    case ENOENT: {
      const auto interpreter = interpreter_of(within(o.directory, file));
      if (!interpreter.empty()) {
        return fail(
            ErrorCode::kNotFound,
            fmt::format(
                "cannot start {}: its first line names the interpreter {}, which is not there; install "
                "it or correct the line",
                file, interpreter));
      }
      return fail(ErrorCode::kNotFound, fmt::format("cannot start {}: no such file; correct target.command",
                                                    within(o.directory, file)));
    }
    case EACCES:
    case EPERM:
      return fail(
          ErrorCode::kDenied,
          fmt::format(
              "cannot start {}: permission denied; check the file's and the folders' rights, and that "
              "the file system is not mounted noexec",
              file));
    case ENOEXEC:
      return fail(
          ErrorCode::kInvalid,
          fmt::format("cannot start {}: neither a program for this machine nor a script with a #! line; add "
                      "the line, or write the command as one string to have it run by a shell",
                      file));
    case E2BIG:
      return fail(ErrorCode::kInvalid,
                  fmt::format("cannot start {}: its arguments and environment are too long together", file));
    case EAGAIN:
    case ENOMEM:
      return fail(
          ErrorCode::kExhausted,
          fmt::format(
              "cannot start {}: no process or memory left ({}); raise the limit (ulimit -u, systemd's "
              "TasksMax) or lower max_replicas",
              file, std::strerror(error)),
          true);
    case EMFILE:
    case ENFILE:
      return fail(
          ErrorCode::kExhausted,
          fmt::format("cannot start {}: no file descriptor left; raise the limit (ulimit -n, systemd's "
                      "LimitNOFILE) or lower max_replicas",
                      file),
          true);
    default:
      return fail(ErrorCode::kUnavailable, fmt::format("cannot start {}: {}", file, std::strerror(error)),
                  true);
  }
}

}  // namespace

Result<std::string> find_command(const std::string& name, const std::string& directory,
                                 const std::string& path) {
  if (name.empty())
    return fail(ErrorCode::kInvalid, "the command is empty; write the program to run in target.command");
  if (name.find('/') != std::string::npos) {
    auto file = within(directory, name);
    switch (why_not_executable(file)) {
      case 0:
        return file;
      case ENOENT:
      case ENOTDIR:
        return fail(ErrorCode::kNotFound,
                    fmt::format("command {}: no such file; correct target.command", file));
      case EISDIR:
        return fail(ErrorCode::kInvalid, fmt::format("command {}: not a file; correct target.command", file));
      default:
        return fail(ErrorCode::kDenied, fmt::format("command {0}: not executable; chmod +x {0}", file));
    }
  }
  bool seen = false;
  std::string_view rest = path;
  while (true) {
    const auto colon = rest.find(':');
    const auto folder =
        colon == 0 || rest.empty() ? std::string_view(".") : rest.substr(0, colon);  // as execvp(3) has it
    auto file = within(within(directory, std::string(folder)), name);
    const int error = why_not_executable(file);
    if (error == 0) return file;
    seen = seen || error == EACCES;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (seen) {
    return fail(ErrorCode::kDenied,
                fmt::format("command {}: found in PATH ({}) but not executable; chmod +x it", name, path));
  }
  return fail(
      ErrorCode::kNotFound,
      fmt::format("command {}: not found in PATH ({}); install it, or write its whole path in target.command",
                  name, path));
}

Result<Spawned> spawn(const SpawnOptions& o) {
  if (o.command.empty())
    return fail(ErrorCode::kInvalid, "the command is empty; write the program to run in target.command");
  const auto path = o.environment.find("PATH");
  std::string file = o.command.front();
  if (file.find('/') == std::string::npos) {
    const auto found = find_command(
        file, o.directory, path == o.environment.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second);
    if (!found) return tl::unexpected(found.error());
    file = *found;
  }

  SpawnTables t;
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::sigdelset(&all, SIGKILL);
  ::sigdelset(&all, SIGSTOP);
  ::posix_spawnattr_setflags(&t.attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawnattr_setpgroup(&t.attributes, 0);
  ::posix_spawnattr_setsigmask(&t.attributes, &none);
  ::posix_spawnattr_setsigdefault(&t.attributes, &all);
  // `output` first: it may itself be descriptor 0. The command is looked up (or relative to) the directory:
  // chdir first.
  int error =
      o.directory.empty() ? 0 : ::posix_spawn_file_actions_addchdir_np(&t.actions, o.directory.c_str());
  for (const int to : {STDOUT_FILENO, STDERR_FILENO}) {
    if (error) break;
    error = o.output >= 0 ? ::posix_spawn_file_actions_adddup2(&t.actions, o.output, to)
                          : ::posix_spawn_file_actions_addopen(&t.actions, to, "/dev/null", O_WRONLY, 0);
  }
  if (!error) error = ::posix_spawn_file_actions_addopen(&t.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!error) error = ::posix_spawn_file_actions_addclosefrom_np(&t.actions, STDERR_FILENO + 1);
  if (error) return spawn_error(error, o, file);

  std::vector<char*> argv;
  argv.reserve(o.command.size() + 1);
  for (const auto& a : o.command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  variables.reserve(o.environment.size());
  for (const auto& [name, value] : o.environment) variables.push_back(fmt::format("{}={}", name, value));
  std::vector<char*> envp;
  envp.reserve(variables.size() + 1);
  for (auto& v : variables) envp.push_back(v.data());
  envp.push_back(nullptr);

  pid_t pid = 0;
  error = ::posix_spawn(&pid, file.c_str(), &t.actions, &t.attributes, argv.data(), envp.data());
  if (error) return spawn_error(error, o, file);

  // Nobody has waited for it yet, so the number is still its own, even if it has ended already.
  Spawned s;
  s.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto stat = s.pidfd ? read_process_stat(pid) : std::nullopt;
  if (!stat) {
    // Without a pidfd it could not be supervised. (read_process_stat fails for want of a descriptor only.)
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return spawn_error(EMFILE, o, file);
  }
  s.identity = stat->identity;
  return s;
}

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> out;
  for (char** e = ::environ; e && *e; ++e) {
    const std::string_view entry = *e;
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    const auto name = entry.substr(0, equals);
    const bool ours = name.starts_with("DOCKTOR_") || name == "NOTIFY_SOCKET" ||
                      name.starts_with("WATCHDOG_") || name.starts_with("LISTEN_");
    if (!ours) out.emplace(name, entry.substr(equals + 1));
  }
  return out;
}

}  // namespace docktor
