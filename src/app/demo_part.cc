#include "app/demo_part.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <fstream>

namespace docktor {

namespace {

std::string last_lines(const std::string& path, std::size_t most) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back("  " + line);
    if (lines.size() > most) lines.erase(lines.begin());
  }
  std::string text;
  for (const auto& line : lines) text += "\n" + line;
  return text;
}

}  // namespace

Result<void> DemoPart::start(const std::string& name, const std::string& folder,
                             std::vector<std::string> command, const Environment& environment) {
  name_ = name;
  log_ = folder + "/" + name + ".log";
  const Fd out(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  SpawnOptions options;
  options.command = std::move(command);
  options.directory = folder;
  options.environment = inherited_environment();
  for (const auto& [key, value] : environment) options.environment[key] = value;
  options.output = out.get();
  auto spawned = spawn(options);
  if (!spawned) return fail(spawned.error().code, spawned.error().message);
  process_ = std::move(*spawned);
  return {};
}

bool DemoPart::runs() const { return process_.pidfd && !has_ended(process_.pidfd); }

void DemoPart::signal(int number) const {
  if (process_.pidfd) send_signal(process_.pidfd, number);
}

int DemoPart::exit_code() {
  if (!process_.pidfd || runs()) return -1;
  int status = 0;
  if (code_ < 0 && ::waitpid(process_.identity.pid, &status, 0) > 0)
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

Error DemoPart::ended() const {
  return {ErrorCode::kInternal, fmt::format("{} ended; its last words:{}", name_, last_lines(log_, 8)),
          false};
}

}  // namespace docktor
