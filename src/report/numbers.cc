#include "report/numbers.h"

#include <fmt/format.h>

#include "report/style.h"
#include "report/text.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

constexpr std::string_view kHead = R"(<thead>
<tr><td></td><th scope="colgroup" colspan="2" class="first">Cost</th><th scope="colgroup" colspan="5" class="first">Wait, seconds</th><th scope="colgroup" colspan="3" class="first">An hour</th><th scope="colgroup" colspan="5" class="first">Elasticity, %</th></tr>
<tr><th scope="col">Policy</th><th scope="col" class="first">ρ</th><th scope="col">to opt.</th><th scope="col" class="first">p50</th><th scope="col">p95</th><th scope="col">p99</th><th scope="col">max</th><th scope="col">over, %</th><th scope="col" class="first">starts</th><th scope="col">actions</th><th scope="col">reversals</th><th scope="col" class="first">θ<sub>U</sub></th><th scope="col">θ<sub>O</sub></th><th scope="col">τ<sub>U</sub></th><th scope="col">τ<sub>O</sub></th><th scope="col">speedup</th></tr>
</thead>
)";

std::string cell(const std::string& text, const char* kind = "", const std::string& below = "") {
  return fmt::format("<td{}>{}{}</td>", *kind ? fmt::format(" class=\"{}\"", kind) : "", text,
                     below.empty() ? "" : "<small>" + below + "</small>");
}

// How far the seeds lie apart, where that can be seen in the number.
std::string range(double low, double high, std::string (*text)(double)) {
  if (!(low > 0) || !(high > low) || text(low) == text(high)) return "";
  return text(low) + "–" + text(high);
}

std::string row(const Report& report, std::size_t i, std::size_t note) {
  const Line& l = report.lines[i];
  const sim::RunResult& r = l.result;
  const sim::Elasticity& e = r.elasticity;
  std::string out = fmt::format("<tr{}><th scope=\"row\">{}<span title=\"{}\">{}</span>{}</th>",
                                l.ours ? " class=\"ours\"" : "", swatch(i, l.ours), escaped(l.policy),
                                escaped(l.policy), note > 0 ? fmt::format("<sup>{}</sup>", note) : "");
  out += cell(ratio(r.rho), "first", range(l.rho_low, l.rho_high, ratio));
  out += cell(l.to_optimum > 0 ? ratio(l.to_optimum) : "–");
  out += cell(escaped(number(r.p50)), "first") + cell(escaped(number(r.p95)));
  out += cell(escaped(number(r.p99)), "", escaped(range(l.p99_low, l.p99_high, number)));
  out += cell(escaped(number(r.max)));
  const bool good = keeps(report, l);
  out += cell(escaped(percent(r.over)), good ? "good" : "bad",
              good             ? "keeps"
              : r.messages > 0 ? "misses"
                               : "");
  out += cell(escaped(number(r.per_hour(r.starts))), "first") + cell(escaped(number(r.per_hour(r.actions)))) +
         cell(escaped(number(r.per_hour(r.reversals))));
  out += cell(escaped(number(e.theta_u)), "first") + cell(escaped(number(e.theta_o))) +
         cell(escaped(number(e.tau_u))) + cell(escaped(number(e.tau_o))) + cell(escaped(number(l.speedup)));
  return out + "</tr>\n";
}

std::string meaning(const char* symbol, const std::string& text) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", symbol, text);
}

std::string meanings(const Report& report) {
  std::string out = "<dl class=\"meanings\">\n";
  out += meaning(
      "ρ",
      "replica-seconds from order to exit, over the least possible: the work itself, or the minimum of "
      "replicas all the time; 1 is the floor");
  out += meaning("to opt.",
                 "ρ over that of the clairvoyant optimum at the same p99; it knows every arrival beforehand");
  out += meaning("p50 … max", "seconds from the publish of a message until a worker begins with it");
  out += meaning("over", fmt::format("messages that waited longer than {}; the objective allows {} %",
                                     span(report.max_wait), trimmed(100 * (1 - report.quantile))));
  out += meaning("starts, actions", "replicas started, and changes of the number of replicas, an hour");
  out += meaning("reversals", "actions opposite to the one before, an hour");
  out += meaning("θ<sub>U</sub>, θ<sub>O</sub>",
                 "by how much the ready replicas were fewer (U) or more (O) than the demand, in % of it, "
                 "mean over time; "
                 "demand is the fewest replicas that keep the objective at that rate (Erlang C)");
  out += meaning("τ<sub>U</sub>, τ<sub>O</sub>",
                 "share of the time with fewer (U) or more (O) replicas than the demand");
  out += meaning("speedup",
                 "elastic speedup: geometric mean of the four, each as a ratio to that of a fixed number of "
                 "replicas that is enough for the peak; more is better");
  return out + "</dl>\n";
}

}  // namespace

std::string numbers(const Report& report) {
  std::string notes;
  std::string rows;
  std::size_t count = 0;
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    const Line& l = report.lines[i];
    if (!l.note.empty()) notes += fmt::format("<li><b>{}</b>: {}</li>\n", escaped(l.policy), escaped(l.note));
    rows += row(report, i, l.note.empty() ? 0 : ++count);
  }
  std::string out =
      "<section>\n<h2>In numbers</h2>\n<div class=\"table\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Every number of every policy\">\n<table class=\"numbers\">\n<caption>";
  out += report.seeds > 1
             ? fmt::format("Means over {} seeds; small below them, the lowest and the highest of the seeds.",
                           report.seeds)
             : std::string("One seed.");
  out += "</caption>\n" + std::string(kHead) + "<tbody>\n" + rows + "</tbody>\n</table>\n</div>\n";
  if (!notes.empty()) out += "<ol class=\"notes\">\n" + notes + "</ol>\n";
  return out + meanings(report) + "</section>\n";
}

}  // namespace docktor::report
