#include "os/run_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "os/bell.h"

namespace docktor {
namespace {

int exit_status(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 255;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<CommandResult> run_command(SpawnOptions options, Duration timeout, const std::stop_token& stop,
                                  std::size_t max_output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(ErrorCode::kExhausted, "no descriptor left for a pipe", true);
  Fd read_end(ends[0]), write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  const Bell stopped;
  if (!stopped) return fail(ErrorCode::kExhausted, "no descriptor left for a command", true);
  const std::stop_callback on_stop(stop, [&] { stopped.ring(); });

  const auto name = options.command.empty() ? std::string() : options.command.front();
  options.output = write_end.get();
  auto spawned = spawn(options);
  if (!spawned) return tl::unexpected<Error>(spawned.error());
  write_end.reset();
  const auto pid = spawned->identity.pid;
  const auto deadline = std::chrono::steady_clock::now() + timeout;

  CommandResult result;
  const auto drain = [&] {
    std::array<char, 8192> block;
    while (true) {
      const auto n = ::read(read_end.get(), block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n == 0;  // true: everybody closed it
      const auto room = max_output - std::min(max_output, result.output.size());
      result.output.append(block.data(), std::min(room, static_cast<std::size_t>(n)));
    }
  };
  const auto kill_all = [&] {
    ::kill(-pid, SIGKILL);
    exit_status(pid);
  };
  bool closed = false;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      kill_all();
      return fail(ErrorCode::kTimeout,
                  fmt::format("{} took longer than {} s and was ended. Its output: {}", name,
                              std::chrono::ceil<std::chrono::seconds>(timeout).count(), result.output),
                  true);
    }
    pollfd fds[] = {{spawned->pidfd.get(), POLLIN, 0},
                    {stopped.fd(), POLLIN, 0},
                    {closed ? -1 : read_end.get(), POLLIN, 0}};
    if (::poll(fds, 3, static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR) {
      kill_all();
      return fail(ErrorCode::kInternal, fmt::format("waiting for {} failed", name));
    }
    if (fds[1].revents) {
      kill_all();
      return fail(ErrorCode::kUnavailable, fmt::format("{} was ended: shutting down", name), true);
    }
    if (fds[2].revents) closed = drain();
    if (fds[0].revents) {
      // A child of the command that goes on holding the pipe is no reason to wait: take what is there.
      if (!closed) drain();
      result.status = exit_status(pid);
      return result;
    }
  }
}

}  // namespace docktor
