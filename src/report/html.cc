#include <fmt/format.h>

#include "report/numbers.h"
#include "report/report.h"
#include "report/scatter.h"
#include "report/style.h"
#include "report/text.h"
#include "report/timeline.h"
#include "report/values.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

constexpr std::size_t kShown = 5;

std::string tile(const std::string& what, const std::string& value, const std::string& unit) {
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", escaped(what), escaped(value),
                     unit.empty() ? "" : "<small>" + escaped(unit) + "</small>");
}

std::string tiles(const Report& report) {
  if (report.lines.empty()) return "";
  const Line& l = report.lines[main_line(report)];
  const sim::RunResult& r = l.result;
  std::string out = "<dl class=\"tiles\">\n";
  out += tile("messages within " + span(report.max_wait), percent_within(r.over), "%");
  out += tile("p99 wait", number(r.p99), "s");
  out += tile("cost ρ (1 is the floor)", ratio(r.rho), "");
  if (l.to_optimum > 0) out += tile("times the clairvoyant optimum", ratio(l.to_optimum), "");
  out += tile("replicas, mean", number(r.mean_replicas), fmt::format("at most {}", r.peak_replicas));
  out += tile("scaling actions", number(r.per_hour(r.actions)), "an hour");
  return out + "</dl>\n";
}

std::string over_time(const Report& report) {
  const auto shown = shown_first(report, kShown);
  const Timeline panels = timeline(report, shown);
  std::string out = "<section>\n<h2>Over time</h2>\n";
  if (panels.height <= 0)
    return out + "<p class=\"about\">No series was kept of these runs.</p>\n</section>\n";
  out += fmt::format(
      "<p class=\"about\">The grey ground is the load; a policy whose capacity stays below it builds up a "
      "backlog, and its "
      "messages wait. Tick the policies to compare{}.</p>\n<div class=\"over-time\">\n",
      report.seeds > 1 ? "; curves are of the first seed" : "");
  std::string rules;
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    const Line& l = report.lines[i];
    out += fmt::format("<input type=\"checkbox\" id=\"s{0}\"{1}/><label for=\"s{0}\">{2}<b>{3}</b></label>\n",
                       i, shown[i] ? " checked=\"checked\"" : "", swatch(i, l.ours), escaped(l.policy));
    rules += fmt::format(
        "#s{0}:not(:checked)~figure .s{0}{{display:none}}label[for=s{0}]:hover~figure "
        ".s{0}{{stroke-width:4}}",
        i);
  }
  out += fmt::format(
      "<figure><svg class=\"chart\" height=\"{:g}\" role=\"img\" aria-labelledby=\"over-time-title\">\n"
      "<title id=\"over-time-title\">Load and capacity, replicas, backlog and p99 wait over "
      "time</title>\n{}</svg></figure>\n",
      panels.height, panels.svg);
  return out + "</div>\n<style>" + rules + "</style>\n</section>\n";
}

std::string against_cost(const Report& report) {
  std::string out =
      "<section>\n<h2>Waiting against cost</h2>\n<p class=\"about\">Left is cheaper, lower is faster; what "
      "lies above the "
      "dashed line makes more than 1 message in 100 wait longer than the objective.";
  if (!report.frontier.empty())
    out +=
        " The grey curve is what a policy reaches that knows every arrival beforehand: a strong reference, "
        "no proven "
        "bound on p99.";
  out += "</p>\n<figure class=\"wide\">" + scatter(report, 1000, 480, "wide-title") + "</figure>\n";
  return out + "<figure class=\"narrow\">" + scatter(report, 370, 400, "narrow-title") +
         "</figure>\n</section>\n";
}

std::string facts(const Report& report) {
  double messages = 0;
  for (const Line& l : report.lines) messages = std::max(messages, static_cast<double>(l.result.messages));
  return fmt::format(
      "<p class=\"from\">docktor simulate · {} · {} of load, {} messages · objective: {} % within {}</p>\n",
      escaped(report.load_name), span(report.length), trimmed(messages), trimmed(100 * report.quantile),
      span(report.max_wait));
}

}  // namespace

std::string html(const Report& report) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n";
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'\"/>\n";
  out += fmt::format("<title>docktor simulate: {}</title>\n<style>\n", escaped(report.load_name));
  out += chart_style();
  out += page_style();
  out += "</style>\n</head>\n<body>\n<main>\n<header>\n" + facts(report);
  out += fmt::format("<h1>{}</h1>\n{}</header>\n", escaped(headline(report)), tiles(report));
  out += over_time(report) + against_cost(report) + numbers(report);
  out += fmt::format(
      "<footer>Simulated message by message by docktor {} over {} seed{}: {}. Every policy met the same "
      "messages.</footer>\n</main>\n",
      escaped(report.version), report.seeds, report.seeds == 1 ? "" : "s", escaped(report.world));
  out += "<script type=\"application/json\" id=\"values\">" + values(report) + "</script>\n<script>\n";
  out += page_script();
  return out + "</script>\n</body>\n</html>\n";
}

}  // namespace docktor::report
