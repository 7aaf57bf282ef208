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

constexpr std::array<Column, 16> kColumns = {{{"ρ", 6},
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
                                              {"η", 6},
                                              {"", 0}}};

std::string right(std::string_view text, std::size_t width) {
  const std::size_t used = columns_of(text);
  return std::string(width > used ? width - used : 1, ' ') + std::string(text);
}

std::string left(std::string text, std::size_t width) {
  const std::size_t used = columns_of(text);
  return text.append(width > used ? width - used : 0, ' ');
}

std::string row(const Report& report, const Line& line) {
  const sim::RunResult& r = line.result;
  const sim::Elasticity& e = r.elasticity;
  const std::array<std::string, 15> cells = {ratio(r.rho),
                                             line.to_optimum > 0 ? ratio(line.to_optimum) : "–",
                                             number(r.p50),
                                             number(r.p95),
                                             number(r.p99),
                                             number(r.max),
                                             percent(r.over) + (keeps(report, line) ? " " : "!"),
                                             number(r.per_hour(r.starts)),
                                             number(r.per_hour(r.actions)),
                                             number(r.per_hour(r.reversals)),
                                             number(e.theta_u),
                                             number(e.theta_o),
                                             number(e.tau_u),
                                             number(e.tau_o),
                                             number(line.speedup)};
  std::string out = left(cut((line.ours ? "* " : "  ") + line.policy, kPolicyColumns), kPolicyColumns);
  for (std::size_t i = 0; i < cells.size(); ++i) out += right(cells[i], kColumns[i].width);
  return out + "\n";
}

}  // namespace

std::string table(const Report& report) {
  std::string out = headline(report) + "\n\n" + left("  policy", kPolicyColumns);
  for (const Column& c : kColumns) {
    if (c.width > 0) out += right(c.head, c.width);
  }
  out += "\n";
  for (const Line& line : report.lines) out += row(report, line);
  out += fmt::format(
      "\nρ replica-seconds / least possible; opt ρ / clairvoyant optimum's at equal p99; over waited more "
      "than {}, ! = too "
      "many;\nsta starts, act actions, rev reversals; θ τ accuracy and time share under (U) and over (O) the "
      "demand; η "
      "elastic speedup\n",
      span(report.max_wait));
  for (const Line& line : report.lines) {
    if (!line.note.empty()) out += fmt::format("{}: {}\n", clean(line.policy), clean(line.note));
  }
  return out;
}

}  // namespace docktor::report
