#include "report/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/curve.h"
#include "report/scale.h"
#include "report/style.h"
#include "report/text.h"

namespace docktor::report {
namespace {

constexpr double kPlotWidth = 1000;        // of a plot's own coordinates, whatever its pixels
constexpr std::size_t kColumns = 500;      // two spots each
constexpr std::size_t kBands = 250;        // of a rough curve
constexpr double kRough = 14;              // heights crossed, above which a curve becomes a band
constexpr std::size_t kWaitColumns = 300;  // the envelope of the waits: one each
constexpr double kHead = 30;               // a panel's title
constexpr double kFoot = 22;               // between panels
constexpr double kInset = 1.5;             // half a line's width

using Field = std::function<double(const sim::Point&)>;

double finite(double v) { return std::isfinite(v) ? v : 0; }

struct Most {
  double all = 0;
  double shown = 0;
};

Most most_of(const Report& report, const std::vector<bool>& shown, const Field& field) {
  Most m;
  for (std::size_t i = 0; i < report.lines.size(); ++i) {
    for (const sim::Point& p : report.lines[i].result.series) {
      const double v = finite(field(p));
      m.all = std::max(m.all, v);
      if (shown[i]) m.shown = std::max(m.shown, v);
    }
  }
  return m;
}

class Panels {
 public:
  Panels(const Report& report, const std::vector<bool>& shown) : report_(report), shown_(shown) {
    const auto& series = any_series(report);
    length_ = std::max(report.length, series.empty() ? 0 : series.back().at);
    if (!(length_ > 0) || !std::isfinite(length_)) length_ = 1;
    time_ = time_ticks(length_, 6);
  }

  // Begins a panel: its title, the vertical and the horizontal lines, the ticks.
  void begin(const char* title, const std::string& unit, Scale scale, double height, int about) {
    plot_height_ = height;
    top_ = height_ + kHead;
    scale.from = height - kInset;
    scale.to = kInset;
    scale_ = scale;
    out_ +=
        fmt::format("<text class=\"head\" y=\"{:g}\">{}<tspan class=\"unit\" dx=\"8\">{}</tspan></text>\n",
                    height_ + 16, title, escaped(unit));
    for (const Tick& t : time_) {
      if (t.value <= 0) continue;
      out_ += fmt::format(R"(<line class="grid" x1="{0:.3f}%" x2="{0:.3f}%" y1="{1:g}" y2="{2:g}"/>)",
                          100 * t.value / length_, top_, top_ + height);
    }
    for (const Tick& t : ticks(scale, about)) {
      const double y = top_ + scale.at(t.value);
      out_ += fmt::format(
          R"(<line class="{}" x2="100%" y1="{:.1f}" y2="{:.1f}"/><text class="tick" x="-8" y="{:.1f}">{}</text>)",
          t.value == scale.low ? "axis" : "grid", y, y, y + 4, escaped(t.label));
    }
    out_ += fmt::format(
        "\n<svg y=\"{:g}\" width=\"100%\" height=\"{:g}\" viewBox=\"0 0 {:g} {:g}\" "
        "preserveAspectRatio=\"none\">\n",
        top_, height, kPlotWidth, height);
  }

  std::vector<Spot> spots(const std::vector<sim::Point>& series, const Field& field) const {
    std::vector<Spot> out;
    out.reserve(series.size() + 1);
    for (const sim::Point& p : series)
      out.push_back({p.at / length_ * kPlotWidth, scale_.at(finite(field(p)))});
    return out;
  }

  void area(const std::vector<sim::Point>& series, const Field& field) {
    auto s = spots(series, field);
    // A rate is its bin's, which ends at the point: it is drawn from where the bin began.
    for (std::size_t i = s.size(); i-- > 1;) s[i].x = s[i - 1].x;
    if (!s.empty()) {
      s.front().x = 0;
      s.push_back({series.back().at / length_ * kPlotWidth, s.back().y});
    }
    const double base = plot_height_ - kInset;
    const char* title = "<title>load</title>";
    if (rough(s)) {
      const Band band = banded(s, kPlotWidth, kBands);
      out_ += fmt::format("<path class=\"load peaks\" d=\"{}\">{}</path>\n", filled(band.least, base), title);
      s = band.mean;
    }
    out_ += fmt::format("<path class=\"load\" d=\"{}\">{}</path>\n",
                        filled(thinned(s, kPlotWidth, kColumns), base), title);
  }

  static bool rough(const std::vector<Spot>& s) {
    return s.size() > 2 * kBands && roughness(s, 100) > kRough;
  }

  // The least important first, so that ours lie on top.
  void lines(const Field& field, bool waits) {
    for (const bool ours : {false, true}) {
      for (std::size_t i = report_.lines.size(); i-- > 0;) {
        const Line& line = report_.lines[i];
        if (line.ours != ours || line.result.series.empty()) continue;
        curve(i, spots(line.result.series, field), waits);
      }
    }
  }

  void end() {
    out_ += "</svg>\n";
    height_ = top_ + plot_height_ + kFoot;
  }

  // A line across the panel that just ended, with its text above it at the right.
  void mark(double value, const std::string& text) {
    const double y = top_ + scale_.at(value);
    out_ += fmt::format(
        "<line class=\"goal\" x2=\"100%\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>"
        "<text class=\"goal-text\" x=\"100%\" y=\"{1:.1f}\">{2}</text>\n",
        y, y - 5, escaped(text));
  }

  Timeline done() {
    const double y = height_ - kFoot + 18;
    for (const Tick& t : time_) {
      const double share = t.value / length_;
      const char* anchor = t.value <= 0 ? "start" : share > 0.97 ? "end" : "middle";
      out_ += fmt::format("<text class=\"time\" x=\"{:.3f}%\" y=\"{:g}\" text-anchor=\"{}\">{}</text>\n",
                          100 * share, y, anchor, escaped(t.label));
    }
    return {std::move(out_), y + 8};
  }

 private:
  void curve(std::size_t i, std::vector<Spot> s, bool waits) {
    const Line& line = report_.lines[i];
    const std::string title = fmt::format("<title>{}</title>", escaped(line.policy));
    std::string path;
    if (waits) {
      // y grows downwards: the longest wait is the least y.
      path = straight(banded(s, kPlotWidth, kWaitColumns).least);
    } else if (rough(s)) {
      const Band band = banded(s, kPlotWidth, kBands);
      out_ += fmt::format("<path class=\"band s{} f{}{}\" d=\"{}\">{}</path>\n", i, colour_of(i),
                          shown_[i] ? "" : " rest", between(band.least, band.greatest), title);
      path = straight(band.mean);
    } else {
      s.insert(s.begin(), {0, s.front().y});
      path = stepped(thinned(s, kPlotWidth, kColumns));
    }
    out_ += fmt::format("<path class=\"{}\" d=\"{}\">{}</path>\n", line_class(i, line.ours, shown_[i]), path,
                        title);
  }

  const Report& report_;
  const std::vector<bool>& shown_;
  double length_ = 1;
  std::vector<Tick> time_;
  std::string out_;
  double height_ = 0;
  double top_ = 0;
  double plot_height_ = 0;
  Scale scale_;
};

// An axis's end: all there is, unless a policy beyond all need would make everything else flat.
struct Top {
  double high = 1;
  std::string note;  // what is cut off
};

Top top_of(const Most& most, double need, const char* unit) {
  const double fair = std::max(2 * need, most.shown);
  if (most.all <= fair * 1.25) return {round_up(most.all * 1.02), ""};
  const double high = round_up(fair * 1.02);
  return {high, fmt::format("{}; cut off at {} of {}", unit, trimmed(high), trimmed(most.all))};
}

}  // namespace

const std::vector<sim::Point>& any_series(const Report& report) {
  static const std::vector<sim::Point> kNone;
  for (const Line& l : report.lines) {
    if (!l.result.series.empty()) return l.result.series;
  }
  return kNone;
}

double bin_of(const std::vector<sim::Point>& series) {
  return series.size() < 2 ? 0 : series[1].at - series[0].at;
}

Timeline timeline(const Report& report, const std::vector<bool>& shown) {
  const auto& series = any_series(report);
  if (series.empty()) return {};
  const Field load = [](const sim::Point& p) { return p.rate_in; };
  const Field capacity = [&](const sim::Point& p) { return p.ready * report.capacity; };
  const Field replicas = [](const sim::Point& p) { return p.current; };
  const Field backlog = [](const sim::Point& p) { return p.backlog; };
  const Field wait = [](const sim::Point& p) { return p.p99; };
  Panels panels(report, shown);

  const double peak = most_of(report, shown, load).all;
  Most most = most_of(report, shown, capacity);
  most.all = std::max(most.all, peak);
  Top top = top_of(most, peak, "messages/s");
  panels.begin("Load and capacity", top.note.empty() ? "messages/s" : top.note,
               {ScaleKind::kLinear, 0, top.high}, 190, 4);
  panels.area(series, load);
  panels.lines(capacity, false);
  panels.end();

  top = top_of(most_of(report, shown, replicas), report.capacity > 0 ? peak / report.capacity : 0,
               "ordered, not stopping");
  panels.begin("Replicas", top.note.empty() ? "ordered, not stopping" : top.note,
               {ScaleKind::kLinear, 0, top.high}, 120, 3);
  panels.lines(replicas, false);
  panels.end();

  const double most_backlog = round_up(most_of(report, shown, backlog).all);
  const ScaleKind counts = most_backlog > 30 ? ScaleKind::kCounts : ScaleKind::kLinear;
  panels.begin("Backlog", counts == ScaleKind::kCounts ? "messages waiting (log)" : "messages waiting",
               {counts, 0, std::max(most_backlog, 4.0)}, 120, 4);
  panels.lines(backlog, false);
  panels.end();

  const double goal = report.max_wait > 0 && std::isfinite(report.max_wait) ? report.max_wait : 1;
  const double longest = std::max(round_up(most_of(report, shown, wait).all), goal * 2);
  panels.begin("Wait, p99", fmt::format("seconds (log), highest in each {}", span(bin_of(series))),
               {ScaleKind::kLog, goal / 50, longest}, 150, 4);
  panels.lines(wait, true);
  panels.end();
  panels.mark(goal, "objective " + span(report.max_wait));
  return panels.done();
}

}  // namespace docktor::report
