// `make bench-decisions`: runs what is missing, then writes docs/decisions.md.
//
//     decisions_bench PROJECT-ROOT RESULTS-FOLDER [--out FILE] [--only grid|traces] [--minutes N] [--threads N]
//     decisions_bench PROJECT-ROOT RESULTS-FOLDER --replay REGIME LOAD POLICY SETTING
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <span>
#include <thread>

#include "bench/decisions/choose.h"
#include "bench/decisions/document.h"
#include "bench/decisions/replay.h"
#include "core/text.h"

namespace {

using namespace docktor;
using namespace docktor::bench;
namespace fs = std::filesystem;

int failed(const std::string& why) {
  fmt::print(stderr, "decisions_bench: {}\n", why);
  return 1;
}

struct Arguments {
  fs::path root, results, out;
  std::string only;
  std::optional<int> minutes;
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::string> replayed;  // regime, load, policy, setting
};

std::optional<int> whole(const std::string& text) { return whole_number(text, 1'000'000); }

std::optional<Arguments> arguments(std::span<char*> words) {
  if (words.size() < 3) return std::nullopt;
  Arguments a{.root = words[1], .results = words[2], .out = fs::path(words[1]) / "docs/decisions.md"};
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--replay" && words.size() == i + 5) {
      a.replayed.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      return whole(a.replayed[3]).value_or(-1) >= 0 ? std::optional(a) : std::nullopt;
    }
    if (i + 1 == words.size()) return std::nullopt;
    const std::string value = words[++i];
    if (word == "--out")
      a.out = value;
    else if (word == "--only" && (value == "grid" || value == "traces"))
      a.only = value;
    else if (word == "--minutes" && whole(value).value_or(-1) >= 0)
      a.minutes = whole(value);
    else if (word == "--threads" && whole(value).value_or(0) > 0)
      a.threads = *whole(value);
    else
      return std::nullopt;
  }
  return a;
}

// One line that is rewritten in a terminal, one a minute elsewhere.
class Teller {
 public:
  explicit Teller(std::string what) : what_(std::move(what)) {}
  void operator()(double share, const std::string& now) {
    const auto t = std::chrono::steady_clock::now();
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (t < next_ && share < 1) return;
    next_ = t + (terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(60'000));
    fmt::print(stderr, "{}{}: {:3.0f} %  {}{}", terminal ? "\r\033[K" : "", what_, 100 * share, now,
               terminal && share < 1 ? "" : "\n");
  }

 private:
  std::string what_;
  std::chrono::steady_clock::time_point next_{};
};

std::vector<std::string> peer_names() {
  std::vector<std::string> names;
  for (const auto& peer : peers::all()) {
    if (!peer.settings.empty()) names.push_back(peer.name);
  }
  return names;
}

// Runs the tuning loads of a setup, and chooses.
Result<void> tune(Runs& runs, std::size_t setup, const std::vector<std::string>& peers, Chosen& into,
                  int threads) {
  const Teller told(runs.setups()[setup].name + ", tuning the peers");
  if (const auto r = runs.run(tuning_jobs(runs, setup, peers), threads, told); !r)
    return tl::unexpected(r.error());
  for (const auto& peer : peers) into[{setup, peer}] = chosen(runs, setup, peer);
  return {};
}

Result<std::string> grid(const Arguments& a) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(a.minutes.value_or(0));
  auto setups = grid_setups(a.root);
  if (!setups) return tl::unexpected(setups.error());
  Runs runs(std::move(*setups), a.root, a.results);
  // The two that docktor grew from are no autoscalers of today; they are in the other part.
  std::vector<std::string> peers = peer_names();
  std::erase_if(peers, [](const auto& name) { return name == "docktor" || name == "natsbyexample"; });
  if (const auto r = runs.run(grid_jobs(runs), a.threads, Teller("grid")); !r)
    return tl::unexpected(r.error());
  Chosen settings;
  // Once the time is up, what is on disk is still told.
  const auto affordable = [&](const std::vector<Job>& jobs) {
    return !a.minutes || std::chrono::steady_clock::now() < until || runs.kept(jobs);
  };
  for (const std::size_t setup : grid_order(runs)) {
    if (!affordable(tuning_jobs(runs, setup, peers))) continue;
    Chosen here;
    if (const auto r = tune(runs, setup, peers, here, a.threads); !r) return tl::unexpected(r.error());
    const std::vector<Job> judged = grid_jobs(runs, here, setup);
    if (!affordable(judged)) continue;
    if (const auto r = runs.run(judged, a.threads, Teller(runs.setups()[setup].name)); !r)
      return tl::unexpected(r.error());
    settings.merge(here);
  }
  return grid_document(runs, settings);
}

std::vector<Job> trace_jobs(const Runs& runs, const Comparison& c) {
  std::vector<Job> jobs;
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    for (std::size_t load = 0; load < runs.setups()[setup].judged.size(); ++load) {
      for (int seed = 1; seed <= c.seeds; ++seed) jobs.push_back({setup, load, "objective", 0, seed});
      for (const auto& peer : c.peers) {
        for (std::size_t s = 0; s < peer_named(peer).settings.size(); ++s)
          jobs.push_back({setup, load, peer, s, 1});
        std::vector<std::size_t> shown = c.tuned.at({setup, peer});
        shown.push_back(0);
        for (int seed = 2; seed <= c.peer_seeds; ++seed) {
          for (const std::size_t s : shown) jobs.push_back({setup, load, peer, s, seed});
        }
      }
    }
  }
  return jobs;
}

Result<std::string> traces(const Arguments& a) {
  auto setups = trace_setups(a.root);
  if (!setups) return tl::unexpected(setups.error());
  Runs runs(std::move(*setups), a.root, a.results);
  Comparison c;
  c.peers = peer_names();
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    if (const auto r = tune(runs, setup, c.peers, c.tuned, a.threads); !r) return tl::unexpected(r.error());
  }
  if (const auto r = runs.run(trace_jobs(runs, c), a.threads, Teller("traces")); !r)
    return tl::unexpected(r.error());
  Teller clairvoyant("clairvoyant");
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    const auto& loads = runs.setups()[setup].judged;
    c.frontiers.emplace_back();
    for (std::size_t load = 0; load < loads.size(); ++load) {
      auto frontier = runs.frontier(setup, load, a.threads);
      if (!frontier) return tl::unexpected(frontier.error());
      c.frontiers.back().push_back(std::move(*frontier));
      clairvoyant(static_cast<double>(setup * loads.size() + load + 1) /
                      static_cast<double>(runs.setups().size() * loads.size()),
                  loads[load].name);
    }
  }
  return traces_document(runs, c);
}

Result<void> replayed(const Arguments& a) {
  auto setups = grid_setups(a.root);
  if (!setups) return tl::unexpected(setups.error());
  const Runs runs(std::move(*setups), a.root, a.results);
  return replay(runs, a.replayed[0], a.replayed[1], a.replayed[2],
                static_cast<std::size_t>(*whole(a.replayed[3])));
}

}  // namespace

int main(int argc, char** argv) {
  const auto a = arguments(std::span(argv, static_cast<std::size_t>(argc)));
  if (!a) {
    return failed(
        "usage: decisions_bench PROJECT-ROOT RESULTS-FOLDER [--out FILE] [--only grid|traces] [--minutes N] "
        "[--threads N] "
        "[--replay REGIME LOAD POLICY SETTING]");
  }
  if (!a->replayed.empty()) {
    const auto r = replayed(*a);
    return r ? 0 : failed(r.error().message);
  }
  std::string text = introduction();
  if (a->only != "")
    text += fmt::format("\nThis is the part `{}` alone; `make bench-decisions` writes both.\n", a->only);
  if (a->only != "traces") {
    const auto part = grid(*a);
    if (!part) return failed(part.error().message);
    text += *part;
  }
  if (a->only != "grid") {
    const auto part = traces(*a);
    if (!part) return failed(part.error().message);
    text += *part;
  }
  std::ofstream out(a->out, std::ios::binary);
  out << text << explanations();
  out.close();
  if (!out) return failed(fmt::format("cannot write {}", a->out.string()));
  fmt::print("{}\n", a->out.string());
  return 0;
}
