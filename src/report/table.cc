#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"
#include "report/text.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

constexpr std::size_t kPolicyColumns = 19;

struct Column {
  std::string_view head;
  std::size_t width;
};

constexpr std::array<Column, 15> kDetails = {{{"ρ", 6},
                                              {"opt", 6},
                                              {"p50 s", 7},
                                              {"p95 s", 7},
                                              {"p99 s", 7},
                                              {"max s", 7},
                                              {"over%", 7},
                                              {"sta/h", 6},
                                              {"act/h", 6},
                                              {"rev/h", 6},
                                              {"θU%", 6},
                                              {"θO%", 6},
                                              {"τU%", 6},
                                              {"τO%", 6},
                                              {"η", 6}}};
// What decides, in words; 80 columns hold it.
constexpr std::array<Column, 7> kWords = {
    {{"cost", 6}, {"to best", 9}, {"p50 s", 8}, {"p99 s", 8}, {"max s", 8}, {"late %", 9}, {"starts/h", 10}}};

std::string right(std::string_view text, std::size_t width) {
  const std::size_t used = columns_of(text);
  return std::string(width > used ? width - used : 1, ' ') + std::string(text);
}

std::string left(std::string text, std::size_t width) {
  const std::size_t used = columns_of(text);
  return text.append(width > used ? width - used : 0, ' ');
}

std::string late(const Report& report, const Line& line) {
  return percent(line.result.over) + (keeps(report, line) ? " " : "!");
}

std::vector<std::string> words(const Report& report, const Line& line) {
  const sim::RunResult& r = line.result;
  return {ratio(r.rho),
          line.to_optimum > 0 ? ratio(line.to_optimum) : "–",
          number(r.p50),
          number(r.p99),
          number(r.max),
          late(report, line),
          number(r.per_hour(r.starts))};
}

std::vector<std::string> details(const Report& report, const Line& line) {
  const sim::RunResult& r = line.result;
  const sim::Elasticity& e = r.elasticity;
  return {ratio(r.rho),
          line.to_optimum > 0 ? ratio(line.to_optimum) : "–",
          number(r.p50),
          number(r.p95),
          number(r.p99),
          number(r.max),
          late(report, line),
          number(r.per_hour(r.starts)),
          number(r.per_hour(r.actions)),
          number(r.per_hour(r.reversals)),
          number(e.theta_u),
          number(e.theta_o),
          number(e.tau_u),
          number(e.tau_o),
          number(line.speedup)};
}

template <class Columns>
std::string rows(const Report& report, const Columns& columns,
                 std::vector<std::string> (*cells_of)(const Report&, const Line&)) {
  std::string out = left("  policy", kPolicyColumns);
  for (const Column& c : columns) out += right(c.head, c.width);
  out += "\n";
  for (const Line& line : report.lines) {
    const auto cells = cells_of(report, line);
    out += left(cut((line.ours ? "* " : "  ") + line.policy, kPolicyColumns), kPolicyColumns);
    for (std::size_t i = 0; i < cells.size(); ++i) out += right(cells[i], columns[i].width);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string table(const Report& report, bool with_details) {
  std::string out = headline(report) + "\n\n";
  if (with_details) {
    out += rows(report, kDetails, details);
    out += fmt::format(
        "\nρ replica-seconds / least possible; opt ρ / clairvoyant optimum's at equal p99; over waited more "
        "than {}, ! = too many;\nsta starts, act actions, rev reversals; θ τ accuracy and time share under "
        "(U) "
        "and over (O) the demand; η elastic speedup\n",
        span(report.max_wait));
  } else {
    out += rows(report, kWords, words);
    out += fmt::format(
        "\ncost: replica-seconds over the least possible; to best: over what perfect\n"
        "foresight needs for the same p99; p50, p99, max: seconds that messages waited;\n"
        "late: waited more than {}, ! = too many; --details shows all columns\n",
        span(report.max_wait));
  }
  for (const Line& line : report.lines) {
    if (!line.note.empty()) out += fmt::format("{}: {}\n", clean(line.policy), clean(line.note));
  }
  return out;
}

}  // namespace docktor::report
