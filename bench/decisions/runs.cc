#include "bench/decisions/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "sim/contenders.h"

namespace docktor::bench {
namespace fs = std::filesystem;
namespace {

// FNV-1a (Fowler, Noll, Vo): names of files, not a defence.
std::uint64_t hashed(std::string_view text, std::uint64_t h = 14695981039346656037u) {
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Of the code in some folders, tests left out, and of single files.
std::string hash_of(const fs::path& root, std::initializer_list<const char*> names) {
  std::vector<fs::path> files;
  for (const char* name : names) {
    if (!fs::is_directory(root / name)) {
      files.push_back(root / name);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(root / name)) {
      const std::string file = entry.path().filename().string();
      const bool code = file.ends_with(".h") || (file.ends_with(".cc") && !file.ends_with("_test.cc"));
      if (entry.is_regular_file() && code) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::uint64_t h = hashed("");
  for (const auto& f : files) h = hashed(text_of(f), hashed(f.filename().string(), h));
  return fmt::format("{:016x}", h);
}

using R = sim::RunResult;
constexpr std::array<std::pair<const char*, double R::*>, 12> kReal{{{"length", &R::length},
                                                                     {"replica_seconds", &R::replica_seconds},
                                                                     {"service_seconds", &R::service_seconds},
                                                                     {"rho", &R::rho},
                                                                     {"mean", &R::mean},
                                                                     {"p50", &R::p50},
                                                                     {"p95", &R::p95},
                                                                     {"p99", &R::p99},
                                                                     {"p999", &R::p999},
                                                                     {"max", &R::max},
                                                                     {"over", &R::over},
                                                                     {"mean_replicas", &R::mean_replicas}}};
constexpr std::array<std::pair<const char*, int R::*>, 5> kWhole{{{"starts", &R::starts},
                                                                  {"stops", &R::stops},
                                                                  {"actions", &R::actions},
                                                                  {"reversals", &R::reversals},
                                                                  {"peak_replicas", &R::peak_replicas}}};

std::string written(const R& r) {
  nlohmann::json j;
  for (const auto& [name, field] : kReal) j[name] = r.*field;
  for (const auto& [name, field] : kWhole) j[name] = r.*field;
  j["messages"] = r.messages;
  return j.dump();
}

std::optional<R> read(const fs::path& path) {
  const auto j = nlohmann::json::parse(text_of(path), nullptr, false);
  if (!j.is_object()) return std::nullopt;
  R r;
  for (const auto& [name, field] : kReal) {
    const auto it = j.find(name);
    if (it == j.end() || !it->is_number()) return std::nullopt;
    r.*field = it->get<double>();
  }
  for (const auto& [name, field] : kWhole) {
    const auto it = j.find(name);
    if (it == j.end() || !it->is_number_integer()) return std::nullopt;
    r.*field = it->get<int>();
  }
  if (const auto it = j.find("messages"); it != j.end() && it->is_number_unsigned())
    r.messages = it->get<std::uint64_t>();
  return r;
}

// Whole or not at all: an interrupted bench leaves no half result.
Result<void> keep(const fs::path& path, const std::string& text) {
  fs::path unfinished = path;
  unfinished += ".new";
  std::ofstream out(unfinished, std::ios::binary);
  out << text;
  out.close();
  std::error_code error;
  if (out) fs::rename(unfinished, path, error);
  if (!out || error)
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot write {}: is there room, and may you write there?", path.string()));
  return {};
}

}  // namespace

Runs::Runs(std::vector<Setup> setups, const fs::path& sources, fs::path folder)
    : setups_(std::move(setups)),
      folder_(std::move(folder)),
      world_hash_(hash_of(sources, {"src/core", "src/sim", "bench/decisions/runs.cc"})),
      objective_hash_(hash_of(sources, {"src/policy/objective"})),
      peers_hash_(hash_of(sources, {"src/policy/peers"})) {
  fs::create_directories(folder_);
}

double Runs::interval(const Setup& setup, std::size_t setting) {
  return setting == 0 ? std::clamp(setup.max_wait / 5, 0.5, 1.0) : 10;
}

sim::RunSpec Runs::spec(const Job& job, sim::Load& load) const {
  const Setup& s = setups_[job.setup];
  // All loops beat from second 0 on, and so do the rows of many a load; where they meet is a matter of chance.
  const std::uint64_t chance = hashed(fmt::format("{} {}", s.load(job.load).name, job.seed));
  load = sim::begun_later(s.load(job.load), static_cast<double>(chance % 60'000) / 1000);
  sim::RunSpec r;
  r.load = &load;
  r.seed = static_cast<std::uint64_t>(job.seed);
  r.world.worker.service_mean = 1 / s.capacity;
  r.world.worker.service_cv = 0.3;
  r.world.worker.startup_mean = s.start_up;
  r.world.worker.startup_sd = s.start_up_deviation;
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = 100;
  r.service.sample_interval = seconds(interval(s, 0));
  r.service.check_interval = seconds(interval(s, job.policy == "objective" ? job.setting : 0));
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{seconds(s.max_wait), 0.99};
  if (s.ready)
    r.start_replicas = std::clamp(static_cast<int>(std::ceil(load.rows.front().rate / s.capacity)), 1, 100);
  return r;
}

fs::path Runs::file(const Job& job) const {
  const Setup& s = setups_[job.setup];
  const sim::Load& l = s.load(job.load);
  std::uint64_t load = hashed(l.name);
  for (const auto& row : l.rows) load = hashed(fmt::format("{},{};", row.at, row.rate), load);
  const bool ours = job.policy == "objective";
  const auto key =
      hashed(fmt::format("{} {} {} {} {} {} {} {}", world_hash_, ours ? objective_hash_ : peers_hash_, load,
                         s.capacity, s.max_wait, s.start_up, s.start_up_deviation, s.ready));
  return folder_ /
         fmt::format("{}-{}-{}-{}-s{}-{:016x}.json", s.name, l.name, job.policy, job.setting, job.seed, key);
}

bool Runs::kept(const std::vector<Job>& jobs) const {
  return std::all_of(jobs.begin(), jobs.end(), [&](const Job& job) { return fs::exists(file(job)); });
}

Result<void> Runs::run(std::vector<Job> jobs, int threads,
                       const std::function<void(double, const std::string&)>& told) {
  std::sort(jobs.begin(), jobs.end());
  jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
  std::vector<R> results(jobs.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::size_t done = 0;
  std::optional<Error> failed;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      const Job& job = jobs[i];
      const fs::path path = file(job);
      auto result = read(path);
      Result<void> kept;
      if (!result) {
        sim::Load load;
        sim::RunSpec r = spec(job, load);
        auto c = sim::contender(job.policy, r.service, known(job.setup), job.setting);
        if (c) {
          r.service = c->service;
          result = sim::run(r, c->make);
          kept = keep(path, written(*result));
        } else {
          kept = tl::unexpected(c.error());
        }
      }
      const std::lock_guard lock(mutex);
      if (!kept) {
        failed = kept.error();
        next = jobs.size();
        return;
      }
      results[i] = std::move(*result);
      ++done;
      if (told) {
        told(static_cast<double>(done) / static_cast<double>(jobs.size()),
             fmt::format("{}, {}, {}", setups_[job.setup].name, job.policy,
                         setups_[job.setup].load(job.load).name));
      }
    }
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  if (failed) return tl::unexpected(*failed);
  for (std::size_t i = 0; i < jobs.size(); ++i) results_[jobs[i]] = std::move(results[i]);
  return {};
}

Result<std::vector<sim::FrontierPoint>> Runs::frontier(std::size_t setup, std::size_t load,
                                                       int threads) const {
  Job name;
  name.setup = setup;
  name.load = load;
  name.policy = "clairvoyant";
  const fs::path path = file(name);
  std::vector<sim::FrontierPoint> points;
  const auto j = nlohmann::json::parse(text_of(path), nullptr, false);
  if (j.is_array() && !j.empty()) {
    for (const auto& p : j) {
      if (p.is_array() && p.size() == 3 && p[0].is_number() && p[1].is_number() && p[2].is_number())
        points.push_back({p[0], p[1], p[2]});
    }
    return points;
  }
  sim::Load begun;
  points = sim::clairvoyant_frontier(spec(name, begun), sim::usual_waiting_prices(), threads);
  nlohmann::json out = nlohmann::json::array();
  for (const auto& p : points) out.push_back({p.waiting, p.rho, p.p99});
  if (const auto kept = keep(path, out.dump()); !kept) return tl::unexpected(kept.error());
  return points;
}

}  // namespace docktor::bench
