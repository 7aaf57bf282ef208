#include "report/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/labels.h"
#include "report/scale.h"
#include "report/style.h"
#include "report/text.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

constexpr double kLeft = 46;
constexpr double kRight = 14;
constexpr double kTop = 26;
constexpr double kBottom = 40;
constexpr double kTextHeight = 15;
constexpr double kCharacter = 6.9;  // a column of 12 px bold text, generously

bool drawable(const Line& l) {
  return l.result.messages > 0 && std::isfinite(l.result.rho) && l.result.rho > 0 &&
         std::isfinite(l.result.p99);
}

struct Axes {
  Scale rho, wait;
};

Axes axes_of(const Report& report, double width, double height) {
  const double goal = report.max_wait > 0 && std::isfinite(report.max_wait) ? report.max_wait : 1;
  double shortest = goal;
  double longest = goal;
  double cheapest = HUGE_VAL;
  double dearest = 0;
  for (const Line& l : report.lines) {
    if (!drawable(l)) continue;
    longest = std::max(longest, l.result.p99);
    if (l.result.p99 > 0) shortest = std::min(shortest, l.result.p99);
    cheapest = std::min(cheapest, l.result.rho);
    dearest = std::max(dearest, l.result.rho);
  }
  // Of a wait of a millisecond it need not be told how much less than the objective it is.
  shortest = std::max(shortest / 1.8, goal / 500);
  longest *= 1.8;
  for (const auto& [rho, p99] : report.frontier) {
    if (!(p99 >= shortest && p99 <= longest) || !(rho > 0) || !std::isfinite(rho)) continue;
    cheapest = std::min(cheapest, rho);
  }
  if (!std::isfinite(cheapest)) cheapest = 1;
  cheapest = std::min(cheapest, 1.0);
  dearest = std::max(dearest, cheapest * 1.2);
  Axes a;
  a.wait = {ScaleKind::kLog, shortest, longest, height - kBottom, kTop};
  const bool wide = dearest > 3 * cheapest;
  a.rho = wide ? Scale{ScaleKind::kLog, cheapest / 1.04, dearest * 1.15, kLeft, width - kRight}
               : Scale{ScaleKind::kLinear, cheapest - (dearest - cheapest) * 0.03,
                       dearest + (dearest - cheapest) * 0.15, kLeft, width - kRight};
  return a;
}

std::string frame(const Axes& a, double width, double height) {
  std::string out;
  const double bottom = height - kBottom;
  for (const Tick& t : ticks(a.wait, 6)) {
    const double y = a.wait.at(t.value);
    out += fmt::format(R"(<line class="grid" x1="{:g}" x2="{:g}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft,
                       width - kRight, y, y);
    out += fmt::format(R"(<text class="tick" x="{:g}" y="{:.1f}">{}</text>)", kLeft - 8, y + 4,
                       escaped(t.label));
  }
  double last = -100;
  for (const Tick& t : ticks(a.rho, width > 600 ? 8 : 5)) {
    const double x = a.rho.at(t.value);
    if (x - last < 34) continue;
    last = x;
    out += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:g}" y2="{2:g}"/>)", x, kTop,
                       bottom);
    out += fmt::format(R"(<text class="time" text-anchor="middle" x="{:.1f}" y="{:g}">{}</text>)", x,
                       bottom + 18, escaped(t.label));
  }
  out += fmt::format("<line class=\"axis\" x1=\"{:g}\" x2=\"{:g}\" y1=\"{:g}\" y2=\"{:g}\"/>", kLeft,
                     width - kRight, bottom, bottom);
  out += "<text class=\"unit\" x=\"0\" y=\"14\">p99 wait, seconds, log scale; lower is faster</text>";
  out += fmt::format(
      "<text class=\"unit\" text-anchor=\"end\" x=\"{:g}\" y=\"{:g}\">ρ, times the least possible "
      "replica-seconds; left is cheaper</text>\n",
      width - kRight, height - 4);
  return out;
}

// The optimum's curve, cut to the plot, and the area below it, which no policy can reach.
std::string frontier(const Report& report, const Axes& a, double height) {
  std::string points;
  double first_x = 0;
  double last_x = 0;
  for (const auto& [rho, p99] : report.frontier) {
    if (!std::isfinite(rho) || !std::isfinite(p99)) continue;
    last_x = a.rho.at(rho);
    if (points.empty()) first_x = last_x;
    points += fmt::format("{:.1f},{:.1f} ", last_x, a.wait.at(p99));
  }
  if (points.empty()) return "";
  const double bottom = height - kBottom;
  return fmt::format(
      "<polygon class=\"beyond\" points=\"{0:g},{1:g} {2:.1f},{1:g} {3}{4:.1f},{5:g} {0:g},{5:g}\"/>"
      "<polyline class=\"frontier\" points=\"{3}\"><title>clairvoyant optimum</title></polyline>\n",
      kLeft, kTop, first_x, points, last_x, bottom);
}

// Small boxes along the curve: a label on it could not be read.
void avoid_frontier(const Report& report, const Axes& a, std::vector<Box>& taken) {
  for (std::size_t i = 1; i < report.frontier.size(); ++i) {
    const double x1 = a.rho.at(report.frontier[i - 1].first);
    const double y1 = a.wait.at(report.frontier[i - 1].second);
    const double dx = a.rho.at(report.frontier[i].first) - x1;
    const double dy = a.wait.at(report.frontier[i].second) - y1;
    const int pieces = 1 + static_cast<int>(std::hypot(dx, dy) / 6);
    for (int k = 0; k <= pieces; ++k)
      taken.push_back({x1 + dx * k / pieces - 1, y1 + dy * k / pieces - 1, 2, 2});
  }
}

// Circle, square, triangle, diamond: what the dashes tell in the lines.
std::string marker(std::size_t shape, double x, double y, double r) {
  switch (shape % 4) {
    case 0:
      return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{:g}"/>)", x, y, r);
    case 1:
      return fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:g}" height="{:g}"/>)", x - r * 0.9,
                         y - r * 0.9, r * 1.8, r * 1.8);
    case 2:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l{:g} {:g}h{:g}z"/>)", x, y - r * 1.15, r * 1.1, r * 2,
                         -r * 2.2);
    default:
      return fmt::format(R"(<path d="M{:.1f} {:.1f}l{:g} {:g}l{:g} {:g}l{:g} {:g}z"/>)", x, y - r * 1.25,
                         r * 1.25, r * 1.25, -r * 1.25, r * 1.25, -r * 1.25, -r * 1.25);
  }
}

struct Named {
  std::size_t line = 0;
  std::string text;
};

// A policy with the spread of its runs, and its name where there is room for it.
std::string point(const Report& report, const Axes& a, const Named& named, const Label& l) {
  const Line& line = report.lines[named.line];
  const std::string mark = marker(dash_of(named.line), l.x, l.y, line.ours ? 6.5 : 5);
  std::string out = fmt::format("<g class=\"p p{0} f{1}{2}\"><title>{3}: ρ {4}, p99 {5}</title>", named.line,
                                colour_of(named.line), line.ours ? " ours" : "", escaped(line.policy),
                                ratio(line.result.rho), span(line.result.p99));
  if (report.seeds > 1) {
    const auto bar = [&](double x1, double y1, double x2, double y2) {
      if (std::hypot(x2 - x1, y2 - y1) > 8)
        out += fmt::format(R"(<line class="spread" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", x1,
                           y1, x2, y2);
    };
    if (line.rho_low > 0) bar(a.rho.at(line.rho_low), l.y, a.rho.at(line.rho_high), l.y);
    if (line.p99_low > 0) bar(l.x, a.wait.at(line.p99_low), l.x, a.wait.at(line.p99_high));
  }
  out += mark;
  if (l.box.width > 0)
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", l.box.left + 1, l.box.top + 11.5,
                       escaped(named.text));
  return out + "</g>\n";
}

}  // namespace

std::string scatter(const Report& report, double width, double height, const std::string& id) {
  const Axes a = axes_of(report, width, height);
  std::string out = fmt::format(
      "<svg class=\"chart scatter\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" height=\"{1:g}\" "
      "role=\"img\" "
      "aria-labelledby=\"{2}\">\n<title id=\"{2}\">p99 wait against cost, a point for each policy</title>\n",
      width, height, escaped(id));
  out += frame(a, width, height);
  out += frontier(report, a, height);

  const double goal = a.wait.at(report.max_wait);
  const std::string goal_text = "objective " + span(report.max_wait);
  out += fmt::format(
      "<line class=\"goal\" x1=\"{:g}\" x2=\"{:g}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
      "<text class=\"goal-text\" x=\"{:g}\" y=\"{:.1f}\">{}</text>\n",
      kLeft, width - kRight, goal, goal, width - kRight, goal - 5, escaped(goal_text));

  const std::size_t longest = width > 600 ? 26 : 18;
  std::vector<Named> named;
  std::vector<Label> labels;
  const auto add = [&](std::size_t i) {
    const Line& l = report.lines[i];
    named.push_back({i, cut(l.policy, longest)});
    labels.push_back({a.rho.at(l.result.rho), a.wait.at(l.result.p99),
                      kCharacter * static_cast<double>(columns_of(named.back().text)) + 2});
  };
  for (const bool ours : {true, false}) {
    for (std::size_t i = 0; i < report.lines.size(); ++i) {
      if (drawable(report.lines[i]) && report.lines[i].ours == ours) add(i);
    }
  }
  const double goal_width = kCharacter * static_cast<double>(columns_of(goal_text));
  std::vector<Box> taken = {{width - kRight - goal_width, goal - 18, goal_width, 20}};
  avoid_frontier(report, a, taken);
  const Box area = {kLeft + 2, kTop, width - kLeft - kRight, height - kTop - kBottom - 2};
  // The optimum's name goes last, somewhere along its curve.
  std::size_t optimum = labels.size();
  const std::string optimum_text = "clairvoyant optimum";
  std::vector<std::pair<double, double>> inside;
  for (const auto& f : report.frontier) {
    if (f.second >= a.wait.low && f.second <= a.wait.high && f.first >= a.rho.low && f.first <= a.rho.high)
      inside.push_back(f);
  }
  if (!inside.empty()) {
    const auto& [rho, p99] = inside[inside.size() / 2];
    labels.push_back({a.rho.at(rho), a.wait.at(p99), kCharacter * static_cast<double>(optimum_text.size())});
  }
  place(labels, area, kTextHeight, taken);

  for (std::size_t n = labels.size(); n-- > 0;) {
    const Label& l = labels[n];
    const bool is_optimum = n >= optimum;
    if (l.leader && l.box.width > 0) {
      const double x = std::clamp(l.x, l.box.left, l.box.left + l.box.width);
      const double y = std::clamp(l.y, l.box.top + 2, l.box.top + l.box.height - 2);
      out += fmt::format(R"(<line class="leader" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", l.x,
                         l.y, x, y);
    }
    if (is_optimum) {
      if (l.box.width > 0)
        out += fmt::format("<text class=\"optimum-text\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                           l.box.left + 1, l.box.top + 11.5, optimum_text);
      continue;
    }
    out += point(report, a, named[n], l);
  }
  return out + "</svg>\n";
}

}  // namespace docktor::report
