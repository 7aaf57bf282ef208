// `docktor daemon logs`: the end of the log, then what comes.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <deque>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "app/commands.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "app/words.h"

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

// The last `most` of the lines that are wanted; `rest` gets what stands behind the last end of a line.
std::deque<std::string> last_wanted(std::ifstream& file, std::size_t most,
                                    const std::function<bool(std::string_view)>& wanted, std::string& rest) {
  std::deque<std::string> out;
  for (std::string line; std::getline(file, line);) {
    if (file.eof()) {
      rest = std::move(line);
      break;
    }
    if (!wanted(line)) continue;
    out.push_back(std::move(line));
    if (out.size() > most) out.pop_front();
  }
  return out;
}

ino_t inode(const std::string& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 ? s.st_ino : 0;
}

// What every sample and every evaluation writes whatever becomes of it: `--changes` leaves it out.
bool is_routine(std::string_view line) {
  for (const char* routine :
       {"] Current replicas: ", "] Observations: ", "] Decision: hold ", "get_queue_metrics"}) {
    if (line.find(routine) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

int daemon_logs_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    return complain(chosen.error().message, kExitUsage);
  }
  const std::string path = chosen->instance.log_file();
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    say(stderr, "docktor: no log at {}; has a daemon been started for {}?\n", path, chosen->instance.config);
    return kExitFailed;
  }
  const std::string mark = fmt::format("[{}]", cli.service);
  const auto wanted = [&](std::string_view line) {
    return (cli.service.empty() || line.find(mark) != std::string_view::npos) &&
           !(cli.changes && is_routine(line));
  };
  const long lines = cli.tail < 0 ? 50 : cli.tail;
  std::string line;  // the beginning of one whose end is not written yet
  // The lines have local times without a zone.
  if (::isatty(STDOUT_FILENO) != 0)
    say(stderr, "Times are in {}.\n", zone_text(static_cast<double>(std::time(nullptr))));
  if (cli.service.empty() && !cli.changes) {
    file.seekg(tail_start(file, lines));
  } else {
    for (const auto& one : last_wanted(file, static_cast<std::size_t>(lines), wanted, line))
      say(stdout, "{}\n", one);
    file.clear();
  }
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
        if (wanted(one)) say(stdout, "{}\n", one);
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
