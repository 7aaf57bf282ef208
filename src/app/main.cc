// The program: parses the command line and calls the command.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "app/cli.h"

namespace docktor {
namespace {

// What was printed may still lie in a buffer, and a full disk be found only now: a study that was cut must
// not look like a whole one. Whoever closed the pipe (`| head`) wants no more, and no word about it.
int with_output_written(int code) {
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!failed) return code;
  if (errno != EPIPE) {
    fmt::print(stderr, "docktor: the output could not be written: {}; what stands there is not complete\n",
               errno != 0 ? std::strerror(errno) : "an earlier write failed");
  }
  return code == 0 ? kExitFailed : code;
}

// A descriptor that was closed by whoever started us would go to the next file that is opened, and what is
// printed into that file. Reading alone: what is printed to it fails, and is told.
void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", fd == STDERR_FILENO ? O_RDWR : O_RDONLY);
  }
}

}  // namespace
}  // namespace docktor

int main(int argc, char** argv) {
  using namespace docktor;
  open_standard_descriptors();
  int code = kExitFailed;
  try {
    const Parsed parsed = parse_command_line(argc, argv);
    code = parsed.exit ? *parsed.exit : parsed.cli.run(parsed.cli);
  } catch (const std::exception& e) {
    // fmt throws where a write to stdout fails, which is told below.
    if (std::ferror(stdout) == 0)
      fmt::print(stderr, "docktor: a bug of ours: {}; please report it with the command you typed\n",
                 e.what());
  }
  return with_output_written(code);
}
