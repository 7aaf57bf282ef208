#include "metrics/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

namespace docktor::metrics {
namespace {

void append_escaped(std::string& to, std::string_view text) {
  if (std::ranges::none_of(text, [](char c) { return c == '\\' || c == '"' || c == '\n'; })) {
    to += text;
    return;
  }
  for (const char c : text) {
    if (c == '\\' || c == '"') to += '\\';
    if (c == '\n')
      to += "\\n";
    else
      to += c;
  }
}

void append_number(std::string& to, double v) {
  if (v == std::floor(v) && std::abs(v) < 1e15) {  // most of tens of thousands are whole
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), static_cast<std::int64_t>(v)).ptr;
    to.append(digits.begin(), end);
  } else {
    fmt::format_to(std::back_inserter(to), "{:.15g}", v);
  }
}

class Writer final : public Samples {
 public:
  Writer(std::string& out, Format format) : out_(out), open_(format == Format::kOpenMetrics) {}

  void family(const Row& row) {
    name_ = row.name;
    std::string_view family = row.name;
    if (open_ && row.type == Type::kCounter) family.remove_suffix(std::string_view("_total").size());
    const char* type = row.type == Type::kCounter ? "counter"
                       : row.type == Type::kGauge ? "gauge"
                                                  : "histogram";
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", family, row.help, family, type);
    if (!open_) return;
    for (const std::string_view unit : {"seconds", "bytes", "ratio"}) {
      if (family.ends_with(fmt::format("_{}", unit)))
        fmt::format_to(std::back_inserter(out_), "# UNIT {} {}\n", family, unit);
    }
  }

  void service(std::string_view name) {
    service_.clear();
    if (name.empty()) return;
    service_ = "service=\"";
    append_escaped(service_, name);
    service_ += '"';
  }

  void put(double value, Labels labels) override { line("", labels, {}, value); }

  void histogram(std::span<const double> bounds, std::span<const double> counts, double sum,
                 Labels labels) override {
    double all = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      all += counts[i];
      line("_bucket", labels, bound_text(bounds, i), all);
    }
    line("_sum", labels, {}, sum);
    line("_count", labels, {}, all);
  }

 private:
  // A family's bounds are the same for each service.
  std::string_view bound_text(std::span<const double> bounds, std::size_t i) {
    if (bounds.data() != bounds_of_ || bound_texts_.size() != bounds.size() + 1) {
      bound_texts_.clear();
      for (const double b : bounds) {
        auto& text = bound_texts_.emplace_back(fmt::format("{:g}", b));
        if (open_ && text.find('.') == std::string::npos) text += ".0";
      }
      bound_texts_.emplace_back("+Inf");
      bounds_of_ = bounds.data();
    }
    return bound_texts_[i];
  }

  void line(std::string_view suffix, Labels labels, std::string_view bound, double value) {
    out_ += name_;
    out_ += suffix;
    char before = '{';
    const auto label = [&](std::string_view key, std::string_view text) {
      out_ += std::exchange(before, ',');
      out_ += key;
      out_ += "=\"";
      append_escaped(out_, text);
      out_ += '"';
    };
    if (!service_.empty()) {
      out_ += std::exchange(before, ',');
      out_ += service_;
    }
    for (const auto& [key, text] : labels) label(key, text);
    if (!bound.empty()) label("le", bound);
    if (before == ',') out_ += '}';
    out_ += ' ';
    append_number(out_, value);
    out_ += '\n';
  }

  std::string& out_;
  bool open_;
  std::string_view name_;
  std::string service_;  // its label
  std::vector<std::string> bound_texts_;
  const double* bounds_of_ = nullptr;
};

// The weight that an Accept header gives to a media type.
double weight_of(std::string_view accept, std::string_view media) {
  const auto at = accept.find(media);
  if (at == std::string_view::npos) return 0;
  auto rest = accept.substr(at);
  rest = rest.substr(0, rest.find(','));
  const auto q = rest.find("q=");
  return q == std::string_view::npos ? 1 : std::strtod(std::string(rest.substr(q + 2, 8)).c_str(), nullptr);
}

}  // namespace

Format format_for(std::string_view accept) {
  const double open = weight_of(accept, "application/openmetrics-text");
  return open > 0 && open >= weight_of(accept, "text/plain") ? Format::kOpenMetrics : Format::kPrometheus;
}

std::string_view content_type(Format format) {
  return format == Format::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8";
}

std::string to_text(const World& world, Format format) {
  std::string out;
  out.reserve(16'384 + world.services.size() * (world.reduced ? 5'000 : 9'000));
  Writer writer(out, format);
  for (const Row& row : table()) {
    if (row.dear && world.reduced) continue;
    writer.family(row);
    if (row.whole) {
      writer.service({});
      row.whole(world, writer);
      continue;
    }
    for (const auto& f : world.services) {
      writer.service(f->name);
      row.of(*f, writer);
    }
  }
  if (format == Format::kOpenMetrics) out += "# EOF\n";
  return out;
}

std::string to_markdown() {
  std::string out = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const Row& row : table()) {
    const char* type = row.type == Type::kCounter ? "counter"
                       : row.type == Type::kGauge ? "gauge"
                                                  : "histogram";
    std::string labels = row.of ? "service" : "";
    if (!row.labels.empty()) labels += (labels.empty() ? "" : ", ") + std::string(row.labels);
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} |\n", row.name, type, labels, row.help);
  }
  return out;
}

}  // namespace docktor::metrics
