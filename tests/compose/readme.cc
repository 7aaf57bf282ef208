#include "tests/compose/readme.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <utility>

#include "os/run_command.h"

namespace docktor::test {

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string environment(const char* name) {
  const char* v = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return v ? v : "";
}

// What a terminal shows, without its colours.
std::string without_colours(const std::string& shown) {
  static const std::regex colour("\x1b\\[[0-9;]*m");
  return std::regex_replace(shown, colour, "");
}

bool endless(const std::string& line) {
  return line.starts_with("watch ") || line.starts_with("docker logs -f") || line == "./docktor daemon logs";
}

}  // namespace

std::vector<std::string> commands_under(const std::string& readme, const std::string& heading) {
  std::istringstream lines(readme);
  std::vector<std::string> blocks;
  bool inside = false, in_bash = false, in_code = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      in_bash = !in_code && line == "```bash";
      in_code = !in_code;
      if (in_bash && inside) blocks.emplace_back();
      continue;
    }
    if (!in_code && line.starts_with("#")) inside = line.starts_with(heading);
    if (in_code && in_bash && inside) blocks.back() += line + "\n";
  }
  return blocks;
}

Walk::Walk(const std::string& example, std::map<std::string, std::string> environment_of_commands)
    : example_(example), environment_(std::move(environment_of_commands)) {
  const fs::path source = environment("DOCKTOR_SOURCE_DIR");
  fs::create_directory(dir_.path() / "examples");
  fs::copy(source / "examples" / example, dir_.path() / "examples" / example, fs::copy_options::recursive);
  fs::create_symlink(fs::path(environment("DOCKTOR_BINARY_DIR")) / "src/app/docktor",
                     dir_.path() / "docktor");
  readme_ = text_of(dir_.path() / "examples" / example / "README.md");
  where_ = root();
}

Walk::~Walk() {
  go_to_root();
  run("./docktor daemon stop --config " + config());
  go_to_example();
  run("docker compose down -v -t 0");
}

Ran Walk::run(const std::string& block) {
  std::istringstream lines(block);
  std::string script = "set -e\n";
  for (std::string line; std::getline(lines, line);) {
    script +=
        endless(line) ? fmt::format("timeout --foreground -s INT -k 5 6 {} || true\n", line) : line + "\n";
  }
  script += "pwd > " + root() + "/where\n";
  const auto file = dir_.file(fmt::format("block-{}.sh", ++next_), script);
  auto env = inherited_environment();
  env["BASE"] = "docktor-test/base";
  env["TERM"] = "xterm";
  env["DOCKTOR_STATE_DIR"] = root() + "/state";
  env["DOCKTOR_RUNTIME_DIR"] = root() + "/run";
  env["DOCKTOR_LOG_DIR"] = root() + "/log";
  for (const auto& [name, value] : environment_) env[name] = value;
  // A terminal, since `docker exec -it` wants one.
  const auto r = run_command(
      {.command = {"script", "-qefc", "bash " + file, "/dev/null"}, .directory = where_, .environment = env},
      std::chrono::minutes(5), {}, 4 << 20);
  if (!r) return {-1, r.error().message};
  if (auto now = text_of(root() + "/where"); !now.empty()) {
    now.pop_back();
    where_ = now;
  }
  return {r->status, without_colours(r->output)};
}

std::string Walk::follow(const std::string& heading) {
  const auto blocks = commands_under(readme_, heading);
  EXPECT_FALSE(blocks.empty()) << "the README has no commands under " << heading;
  std::string out;
  for (const auto& b : blocks) {
    const auto r = run(b);
    EXPECT_EQ(0, r.code) << heading << "\n$ " << b << "\n" << r.out;
    out += r.out;
  }
  return out;
}

int Walk::running(const std::string& service) {
  const auto out = must("docker ps -q --filter label=com.docker.compose.service=" + service +
                        " --filter label=com.docker.compose.project=" + example_);
  return static_cast<int>(std::ranges::count(out, '\n')) + (out.empty() ? 0 : 1);
}

std::string Walk::moves() {
  const auto was = where_;
  go_to_root();
  const auto r = run("./docktor explain --json --tail 100000 --config " + config());
  where_ = was;
  std::istringstream lines(r.out);
  std::string moves;
  for (std::string line; std::getline(lines, line);) {
    const auto j = nlohmann::json::parse(line, nullptr, false);
    if (!j.is_object() || !j.contains("current_replicas") || !j.contains("target_replicas")) continue;
    if (j["current_replicas"] != j["target_replicas"]) {
      moves += fmt::format("{}{}→{}", moves.empty() ? "" : " ", j["current_replicas"].get<int>(),
                           j["target_replicas"].get<int>());
    }
  }
  return moves;
}

std::string Walk::daemon_log() {
  std::string all;
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(root() + "/log", ec)) {
    if (entry.path().extension() == ".log") all += text_of(entry.path());
  }
  return all;
}

}  // namespace docktor::test
