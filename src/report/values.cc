#include "report/values.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/text.h"
#include "report/timeline.h"

namespace docktor::report {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kBins = 240;

struct Bins {
  std::size_t count = 0;
  double length = 0;

  std::size_t of(double at) const {
    // A point tells of the time before it.
    const double share = std::clamp((at - length * 1e-9) / length, 0.0, 1.0);
    return std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)));
  }
};

template <class F>
Json texts(const Bins& bins, const std::vector<sim::Point>& series, bool last, F field) {
  std::vector<double> values(bins.count, 0);
  std::vector<bool> known(bins.count, false);
  for (const sim::Point& p : series) {
    const std::size_t b = bins.of(p.at);
    const double v = std::isfinite(field(p)) ? field(p) : 0;
    values[b] = last || !known[b] ? v : std::max(values[b], v);
    known[b] = true;
  }
  Json out = Json::array();
  for (std::size_t b = 0; b < bins.count; ++b) out.push_back(known[b] ? trimmed(values[b]) : "–");
  return out;
}

}  // namespace

std::string values(const Report& report) {
  const auto& series = any_series(report);
  const double length = std::max(report.length, series.empty() ? 0 : series.back().at);
  const Bins bins = {std::isfinite(length) && length > 0 ? std::min(kBins, series.size()) : 0, length};
  Json out = {
      {"bins", bins.count}, {"length", bins.length}, {"load", Json::array()}, {"policies", Json::array()}};
  if (bins.count > 0) {
    out["load"] = texts(bins, series, false, [](const sim::Point& p) { return p.rate_in; });
    for (std::size_t i = 0; i < report.lines.size(); ++i) {
      const Line& l = report.lines[i];
      if (l.result.series.empty()) continue;
      out["policies"].push_back(
          {{"line", i},
           {"name", clean(l.policy)},
           {"replicas", texts(bins, l.result.series, true, [](const sim::Point& p) { return p.current; })},
           {"backlog", texts(bins, l.result.series, false, [](const sim::Point& p) { return p.backlog; })},
           {"p99", texts(bins, l.result.series, false, [](const sim::Point& p) { return p.p99; })}});
    }
  }
  std::string text = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  // "</script>" and "<!--" end or change the script they stand in.
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace docktor::report
