#include "report/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "report/text.h"

namespace docktor::report {
namespace {

constexpr std::size_t kNameColumns = 40;

std::string name_of(const Line& line) { return cut(line.policy, kNameColumns); }

// The others in the order of what they are worth comparing with: keepers before the rest, then by price.
std::vector<std::size_t> ranked(const Report& report) {
  std::vector<std::size_t> order(report.lines.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto key = [&](std::size_t i) {
    const Line& l = report.lines[i];
    const bool kept = keeps(report, l);
    const double price = kept ? l.result.replica_seconds : l.result.over;
    return std::tuple(!kept, std::isfinite(price) ? price : HUGE_VAL, i);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

std::string what_it_did(const Report& report, const Line& line) {
  const sim::RunResult& r = line.result;
  if (keeps(report, line))
    return fmt::format("{} keeps {} within {}", name_of(line),
                       r.over > 0 ? percent_within(r.over) + " % of the messages" : "every message",
                       span(report.max_wait));
  return fmt::format("{} misses the goal: {} % of the messages waited longer than {} ({} % may)",
                     name_of(line), percent(r.over), span(report.max_wait),
                     trimmed(100 * (1 - report.quantile)));
}

std::string compared(const Report& report, std::size_t main) {
  const Line& own = report.lines[main];
  std::size_t others = 0;
  std::size_t keepers = 0;
  const Line* best = nullptr;
  const Line* last = nullptr;
  for (const std::size_t i : ranked(report)) {
    const Line& l = report.lines[i];
    if (i == main) continue;
    ++others;
    last = &l;
    if (!keeps(report, l)) continue;
    ++keepers;
    if (best == nullptr) best = &l;
  }
  if (last == nullptr) return "";
  if (best == nullptr)
    return others == 1 ? fmt::format(" {} misses it.", name_of(*last))
                       : fmt::format(" None of the {} others keeps it.", others);
  const double times = best->result.replica_seconds / own.result.replica_seconds;
  const std::string price = !std::isfinite(times) ? "keeps it"
                            : std::fabs(times - 1) < 0.005
                                ? "needs as many replica-seconds"
                                : fmt::format("needs {} times as many replica-seconds", ratio(times));
  if (others == 1) return fmt::format(" {} {}.", name_of(*best), price);
  if (keepers == 1)
    return fmt::format(" Of the {} others only {} keeps it{} and {}.", others, name_of(*best),
                       keeps(report, own) ? " too" : "", price);
  return fmt::format(" Of the {} others {} keep it{}; the cheapest of them, {}, {}.", others, keepers,
                     keeps(report, own) ? " too" : "", name_of(*best), price);
}

}  // namespace

bool keeps(const Report& report, const Line& line) {
  return line.result.messages > 0 && line.result.over <= 1 - report.quantile + 1e-12;
}

std::size_t main_line(const Report& report) {
  const auto& lines = report.lines;
  const auto ours = std::find_if(lines.begin(), lines.end(), [](const Line& l) { return l.ours; });
  const auto good =
      std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.ours && keeps(report, l); });
  if (good != lines.end()) return static_cast<std::size_t>(good - lines.begin());
  if (ours != lines.end()) return static_cast<std::size_t>(ours - lines.begin());
  return ranked(report).front();
}

std::string headline(const Report& report) {
  if (report.lines.empty()) return "No policy took part.";
  const std::size_t main = main_line(report);
  const Line& line = report.lines[main];
  if (line.result.messages == 0)
    return fmt::format("No message came: there is nothing to judge {} by.", name_of(line));
  std::string text = what_it_did(report, line);
  if (std::isfinite(line.result.rho) && line.result.rho > 0) {
    text += fmt::format(" with {} times the least possible replica-seconds", ratio(line.result.rho));
    if (std::isfinite(line.to_optimum) && line.to_optimum > 0)
      text += fmt::format(" ({} times what foresight would need)", ratio(line.to_optimum));
  }
  return text + "." + compared(report, main);
}

std::vector<bool> shown_first(const Report& report, std::size_t most) {
  const std::size_t n = report.lines.size();
  std::vector<bool> shown(n, n <= most);
  if (n <= most) return shown;
  std::size_t count = 0;
  const auto show = [&](std::size_t i) {
    if (shown[i] || count == most) return;
    shown[i] = true;
    ++count;
  };
  show(main_line(report));
  for (std::size_t i = 0; i < n; ++i) {
    if (report.lines[i].ours) show(i);
  }
  for (const std::size_t i : ranked(report)) show(i);
  return shown;
}

}  // namespace docktor::report
