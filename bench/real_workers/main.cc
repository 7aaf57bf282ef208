// Workers as people write them under the real daemon: how many messages are late, and what it costs.
//
//   real_workers_bench FOLDER DOCUMENT [FILTER]
//
// Each row's result and journal are kept in FOLDER, and a row that has a result is not run again. FILTER:
// only rows whose name has it, and those again. DOCUMENT's section between the two marks is written anew
// after each row. Rows with containers need Docker (DOCKTOR_TEST_DOCKER, as scripts/test-docker sets it);
// elsewhere they wait for a run that has it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "bench/real_workers/rows.h"

namespace {

using namespace docktor;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kBegin = "<!-- workers: written by make bench-workers -->\n";
constexpr const char* kEnd = "<!-- workers: end -->\n";

Json played(const bench::Row& row, const fs::path& journal) {
  double length = 0;
  for (const auto& part : row.trial.load) length += part.seconds;
  const auto out = test::run_trial(
      row.trial,
      [&](double at) {
        fmt::print(stderr, "\r{}: {:.0f} of {:.0f} s ", row.name, at, length);
        std::fflush(stderr);
      },
      journal.string());
  fmt::print(stderr, "\r{}: {} messages, {:.2f} % late, p99 {:.1f} s, rho {:.2f}, stand-still {:.0f} s\n{}",
             row.name, out.sent, 100 * out.late, out.p99, out.rho, out.stand_still, out.moves);
  return {{"sent", out.sent},       {"lost", out.lost}, {"late", out.late},
          {"p99", out.p99},         {"rho", out.rho},   {"stand_still", out.stand_still},
          {"longest", out.longest}, {"most", out.most}, {"claims", out.claims}};
}

std::string section(const fs::path& folder) {
  std::string text =
      "| worker | load | max_wait | messages | late | p99 | longest wait | ρ | longest stand-still | row |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const auto& row : bench::rows()) {
    std::ifstream in(folder / (row.name + ".json"));
    const auto r = Json::parse(in, nullptr, false);
    if (!r.is_object()) continue;
    text +=
        fmt::format("| {} | {} | {:g} s | {} | {:.2f} % | {:.1f} s | {:.1f} s | {:.2f} | {:.0f} s | `{}` |\n",
                    row.worker, row.load, row.trial.max_wait_seconds, r["sent"].get<long>(),
                    100 * r["late"].get<double>(), r["p99"].get<double>(), r["longest"].get<double>(),
                    r["rho"].get<double>(), r["stand_still"].get<double>(), row.name);
  }
  return text;
}

bool write_section(const fs::path& document, const std::string& text) {
  std::ifstream in(document);
  std::string all{std::istreambuf_iterator<char>(in), {}};
  const auto begin = all.find(kBegin), end = all.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return false;
  const auto from = begin + std::string_view(kBegin).size();
  all.replace(from, end - from, "\n" + text + "\n");
  const auto fresh = document.string() + ".new";
  std::ofstream(fresh) << all;
  fs::rename(fresh, document);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "real_workers_bench FOLDER DOCUMENT [FILTER]\n");
    return 2;
  }
  if (test::worker_clients().empty()) {
    fmt::print(stderr,
               "real_workers_bench: the workers' clients are missing: run scripts/fetch-worker-clients.sh\n");
    return 1;
  }
  const fs::path folder = argv[1], document = argv[2];
  const std::string filter = argc > 3 ? argv[3] : "";
  const bool docker = std::getenv("DOCKTOR_TEST_DOCKER") != nullptr;
  fs::create_directories(folder);
  for (const auto& row : bench::rows()) {
    const auto result = folder / (row.name + ".json");
    const bool again = !filter.empty();
    if (row.name.find(filter) == std::string::npos || row.trial.compose != docker) continue;
    if (!again && fs::exists(result)) continue;
    const Json r = played(row, folder / (row.name + ".journal"));
    std::ofstream(result) << r.dump() << "\n";
    if (!write_section(document, section(folder))) {
      fmt::print(stderr, "real_workers_bench: {}: the marks of its section are missing\n", document.string());
      return 1;
    }
  }
  return 0;
}
