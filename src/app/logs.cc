// `docktor daemon logs`: the end of the log, then what comes.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "app/commands.h"
#include "app/instances.h"

namespace docktor {
namespace {

// Where the last `lines` lines begin.
std::streamoff tail_start(std::ifstream& file, long lines) {
  file.seekg(0, std::ios::end);
  std::streamoff at = file.tellg();
  long seen = 0;
  while (at > 0) {
    const std::streamoff size = std::min<std::streamoff>(at, 64 << 10);
    std::string block(static_cast<std::size_t>(size), '\0');
    file.seekg(at - size);
    file.read(block.data(), size);
    for (std::streamoff i = size - 1; i >= 0; --i) {
      if (block[static_cast<std::size_t>(i)] == '\n' && ++seen > lines) return at - size + i + 1;
    }
    at -= size;
  }
  return 0;
}

ino_t inode(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 ? s.st_ino : 0;
}

}  // namespace

int daemon_logs_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    fmt::print(stderr, "docktor: {}\n", chosen.error().message);
    return kExitUsage;
  }
  const std::string path = chosen->instance.log_file();
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "docktor: no log at {}; has a daemon been started for {}?\n", path,
               chosen->instance.config);
    return kExitFailed;
  }
  file.seekg(tail_start(file, cli.tail < 0 ? 50 : cli.tail));
  const std::string mark = fmt::format("[{}]", cli.service);
  std::string line;
  ino_t reading = inode(path);
  while (true) {
    char block[32 << 10];
    file.read(block, sizeof block);
    const auto n = file.gcount();
    if (n > 0) {
      line.append(block, static_cast<std::size_t>(n));
      std::size_t from = 0;
      for (std::size_t end; (end = line.find('\n', from)) != std::string::npos; from = end + 1) {
        const auto one = std::string_view(line).substr(from, end - from);
        if (cli.service.empty() || one.find(mark) != std::string_view::npos) fmt::print("{}\n", one);
      }
      line.erase(0, from);
      if (std::fflush(stdout) != 0) return 0;  // the reader went away
      continue;
    }
    if (!cli.follow) return 0;
    file.clear();
    if (const ino_t now = inode(path); now != 0 && now != reading) {  // rotated: go on in the new file
      file = std::ifstream(path, std::ios::binary);
      reading = now;
      continue;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace docktor
