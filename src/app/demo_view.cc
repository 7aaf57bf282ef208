#include "app/demo_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace docktor {
namespace {

constexpr const char* kDim = "2";
constexpr const char* kBold = "1";
constexpr const char* kUp = "1;32";
constexpr const char* kDown = "1;35";
constexpr double kPlainEvery = 2;  // seconds between two plain lines

struct Size {
  int columns = 80;
  int rows = 24;
};

// Asked at each drawing: the window may have been resized, and no signal tells a session without the
// terminal.
Size size_of(std::FILE* out) {
  winsize w{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &w) != 0 || w.ws_col == 0) return {};
  return {w.ws_col, w.ws_row};
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::max(0.0, seconds));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{:02}:{:02}", s / 60, s % 60);
}

std::string grouped(double number) {
  std::string text = fmt::format("{:.0f}", std::max(0.0, number));
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::vector<std::string> chart(const std::vector<double>& values, double most, int rows) {
  static constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<std::string> lines(static_cast<std::size_t>(rows));
  for (const double value : values) {
    // Something is never drawn as nothing.
    int eighths = most > 0 ? static_cast<int>(std::lround(std::clamp(value / most, 0.0, 1.0) * rows * 8)) : 0;
    if (value > 0) eighths = std::max(eighths, 1);
    for (int row = 0; row < rows; ++row) {
      const int below = (rows - 1 - row) * 8;
      lines[static_cast<std::size_t>(row)] += kEighths[std::clamp(eighths - below, 0, 8)];
    }
  }
  return lines;
}

std::vector<double> columns_of(const std::vector<DemoFrame>& frames,
                               const std::function<double(const DemoFrame&)>& value, double total,
                               int columns) {
  std::vector<double> out;
  if (frames.empty() || columns <= 0) return out;
  const double length = std::max(total, frames.back().at) / columns;
  for (const auto& frame : frames) {
    const auto column = std::min(static_cast<std::size_t>(std::max(0.0, frame.at / length)),
                                 static_cast<std::size_t>(columns - 1));
    // A column without a look of its own shows the one before it.
    while (out.size() < column) out.push_back(out.empty() ? value(frame) : out.back());
    if (out.size() == column)
      out.push_back(value(frame));
    else
      out[column] = std::max(out[column], value(frame));
  }
  return out;
}

std::string clipped(const std::string& line, int columns) {
  std::string out;
  int used = 0;
  bool escape = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\033') escape = true;
    if (!escape && !continues(c) && ++used > columns) {
      // Colours that were begun are ended.
      if (line.find('\033') != std::string::npos) out += "\033[0m";
      return out;
    }
    out += c;
    if (escape && c == 'm') escape = false;
  }
  return out;
}

DemoView::Options DemoView::suited_to(std::FILE* out) {
  Options o;
  o.out = out;
  const char* term = std::getenv("TERM");
  o.live = ::isatty(::fileno(out)) == 1 && term && *term && std::strcmp(term, "dumb") != 0;
  const char* no_colour = std::getenv("NO_COLOR");
  o.colour = o.live && !(no_colour && *no_colour);
  return o;
}

DemoView::DemoView(Options options) : options_(options) {
  if (options_.live) put("\033[?25l");
}

DemoView::~DemoView() { end(); }

void DemoView::put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), options_.out);
  std::fflush(options_.out);
}

std::string DemoView::paint(const char* code, const std::string& text) const {
  return options_.colour ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

void DemoView::erase() {
  if (drawn_ > 0) put(fmt::format("\033[{}A\r\033[J", drawn_));
  drawn_ = 0;
}

void DemoView::say(const std::string& line) {
  erase();
  put(line + "\n");
}

std::string DemoView::decision_line(const DemoDecision& d, const std::string& when) const {
  const bool hold = d.decision == "hold";
  const auto change = hold ? fmt::format("{}", d.from) : fmt::format("{} → {}", d.from, d.to);
  const auto name = fmt::format("{:<10}", d.decision);
  return fmt::format("  {:<11}  {}  {:<8}  {}", when,
                     hold ? paint(kDim, name) : paint(d.decision == "scale_up" ? kUp : kDown, name), change,
                     hold ? paint(kDim, d.reason) : d.reason);
}

std::string DemoView::holds_line() const {
  if (holds_.empty()) return {};
  DemoDecision d = holds_.back();
  std::string when = clock_text(holds_.front().at);
  if (holds_.size() > 1) {
    when += "–" + clock_text(d.at);
    when.append(2, ' ');  // the dash is three bytes and one column: fmt counts columns by itself, this keeps
                          // the tail apart
    while (when.back() == ' ') when.pop_back();
    d.reason += fmt::format(" ({} times)", holds_.size());
  }
  return decision_line(d, when);
}

void DemoView::flush_holds() {
  if (holds_.empty()) return;
  const std::string line = holds_line();
  holds_.clear();
  say(line);
}

void DemoView::decided(const DemoDecision& d) {
  decisions_.push_back(d);
  if (!options_.live) {
    say(decision_line(d, clock_text(d.at)));
    return;
  }
  if (d.decision == "hold") {
    holds_.push_back(d);  // the live block shows it; it becomes a line when something else happens
    return;
  }
  flush_holds();
  say(decision_line(d, clock_text(d.at)));
}

std::vector<std::string> DemoView::charts(int columns, int rows, bool tops) const {
  struct Line {
    const char* name;
    std::function<double(const DemoFrame&)> value;
    const char* code;
    double least;  // of the scale, so that little looks like little
    double most;   // 0: the highest value
  };
  // One scale for both rates, so that they can be compared.
  double rates = 100;
  for (const auto& f : frames_) rates = std::max({rates, f.rate_in, f.rate_out});
  const Line lines[] = {
      {"backlog", &DemoFrame::backlog, "33", 100, 0},
      {"in /s", &DemoFrame::rate_in, "34", 0, rates},
      {"out /s", &DemoFrame::rate_out, "36", 0, rates},
      {"replicas", &DemoFrame::replicas, "32", 0, static_cast<double>(options_.max_replicas)}};
  std::vector<std::string> out;
  for (const auto& line : lines) {
    double top = 0;
    for (const auto& f : frames_) top = std::max(top, line.value(f));
    const double most = line.most > 0 ? line.most : std::max(line.least, top);
    const double shown = tops || frames_.empty() ? top : line.value(frames_.back());
    const auto drawn = chart(columns_of(frames_, line.value, options_.total, columns), most, rows);
    for (int row = 0; row < rows; ++row) {
      const bool last = row == rows - 1;
      out.push_back(fmt::format("  {:<16} {}",
                                last ? fmt::format("{:<8} {:>7}", line.name, grouped(shown)) : "",
                                paint(line.code, drawn[static_cast<std::size_t>(row)])));
    }
  }
  return out;
}

std::string DemoView::block() const {
  if (frames_.empty()) return {};
  const DemoFrame& f = frames_.back();
  const Size size = size_of(options_.out);
  const int rows = size.rows >= 22 ? 2 : 1;
  std::vector<std::string> lines;
  if (const auto holds = holds_line(); !holds.empty()) lines.push_back(holds);
  lines.emplace_back();
  for (auto& line : charts(std::clamp(size.columns - 20, 10, 120), rows, false))
    lines.push_back(std::move(line));
  std::string more;
  if (f.starting > 0) more += fmt::format(", {} starting", f.starting);
  if (f.stopping > 0) more += fmt::format(", {} stopping", f.stopping);
  lines.push_back(paint(kDim, fmt::format("  {}  {} · published {} · processed {}{}", clock_text(f.at),
                                          f.phase, grouped(static_cast<double>(f.published)),
                                          grouped(static_cast<double>(f.processed)), more)));
  std::string text;
  for (const auto& line : lines) text += clipped(line, size.columns - 1) + "\n";
  return text;
}

void DemoView::draw(const DemoFrame& frame) {
  if (ended_) return;
  frames_.push_back(frame);
  if (!options_.live) {
    if (frame.at < next_plain_) return;
    next_plain_ = frame.at + kPlainEvery;
    say(fmt::format("  {:<11}  backlog {}, in {:.0f}/s, out {:.0f}/s, replicas {} · {}", clock_text(frame.at),
                    grouped(frame.backlog), frame.rate_in, frame.rate_out, frame.replicas, frame.phase));
    return;
  }
  const std::string text = block();
  std::string all;
  if (drawn_ > 0) all = fmt::format("\033[{}A\r\033[J", drawn_);
  all += text;  // one write: no flicker
  put(all);
  drawn_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

void DemoView::end() {
  if (ended_) return;
  flush_holds();
  erase();
  ended_ = true;
  if (options_.live) put("\033[?25h");
}

}  // namespace docktor
