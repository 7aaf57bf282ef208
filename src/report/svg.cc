#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/report.h"
#include "report/scatter.h"
#include "report/style.h"
#include "report/text.h"
#include "report/timeline.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

constexpr double kWidth = 960;
constexpr double kMargin = 20;
constexpr std::size_t kShown = 6;

// Names with a piece of their curve, in as many lines as they need.
struct Legend {
  std::string svg;
  double height = 0;
};

Legend legend(const Report& report, const std::vector<bool>& shown) {
  Legend out;
  double x = 0;
  double y = 0;
  const auto add = [&](const std::string& mark, const std::string& name) {
    const double width = 34 + 7.2 * static_cast<double>(columns_of(name)) + 22;
    if (x > 0 && x + width > kWidth - 2 * kMargin) {
      x = 0;
      y += 22;
    }
    out.svg += fmt::format("<g transform=\"translate({:g} {:g})\">{}<text x=\"34\" y=\"4\">{}</text></g>\n",
                           x, y, mark, escaped(name));
    x += width;
  };
  std::string rest;
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    const std::string name = cut(report.lines[i].policy, 30);
    if (shown[i]) {
      add(fmt::format("<path class=\"{}\" d=\"M1 0H26\"/>", line_class(i, report.lines[i].ours, true)), name);
    } else {
      rest += (rest.empty() ? "" : ", ") + name;
    }
  }
  if (!rest.empty()) add("<path class=\"s rest\" d=\"M1 0H26\"/>", cut("the others: " + rest, 120));
  out.height = report.lines.empty() ? 0 : y + 22;
  return out;
}

// At blanks, each line at most so many columns.
std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines(1);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    const std::string word = cut(text.substr(at, end - at), columns);
    if (!lines.back().empty() && columns_of(lines.back()) + 1 + columns_of(word) > columns)
      lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::string svg(const Report& report) {
  const auto shown = shown_first(report, kShown);
  const Timeline panels = timeline(report, shown);
  const Legend names = legend(report, shown);
  double y = kMargin + 14;
  std::string body;
  for (const std::string& line : wrapped(headline(report), 100)) {
    body += fmt::format("<text class=\"head\" x=\"{:g}\" y=\"{:g}\">{}</text>\n", kMargin, y, escaped(line));
    y += 20;
  }
  body += fmt::format("<text x=\"{:g}\" y=\"{:g}\">{}</text>\n", kMargin, y,
                      escaped(cut(report.load_name + " · " + report.world, 145)));
  y += 28;
  body += fmt::format("<g transform=\"translate({:g} {:g})\">\n{}</g>\n", kMargin, y, names.svg);
  y += names.height;
  if (panels.height > 0) {
    body += fmt::format(
        "<svg x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\" overflow=\"visible\">\n{}</svg>\n",
        kMargin + kTimelineLeft, y, kWidth - 2 * kMargin - kTimelineLeft - kTimelineRight, panels.height,
        panels.svg);
    y += panels.height + 34;
  }
  const double height = 460;
  body += fmt::format("<g transform=\"translate({:g} {:g})\">\n{}</g>\n", kMargin, y,
                      scatter(report, kWidth - 2 * kMargin, height, "against-rho"));
  y += height + kMargin;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {0:g} {1:g}\" "
             "width=\"{0:g}\" "
             "height=\"{1:g}\" role=\"img\" aria-labelledby=\"of\">\n<title id=\"of\">docktor simulate: "
             "{2}</title>\n",
             kWidth, y, escaped(report.load_name)) +
         "<style>" + std::string(chart_style()) +
         ".rest{stroke:var(--axis);stroke-opacity:.45;stroke-width:1}.band.rest{display:none}</style>\n" +
         "<rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\n" + body + "</svg>\n";
}

}  // namespace docktor::report
