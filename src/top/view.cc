#include "top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "core/text.h"

namespace docktor::top {
namespace {

constexpr std::string_view kBold = "1", kDim = "2", kInverse = "7", kRed = "31", kGreen = "32",
                           kYellow = "33", kBlue = "34", kCyan = "36";
constexpr std::size_t kLeastBeside = 110;  // columns from which the chosen service stands right of the list
constexpr std::size_t kListBeside = 62;
constexpr std::size_t kLeastBelow = 20;  // rows from which it stands below

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// A piece of a line in one colour.
struct Piece {
  std::string text;
  std::string_view code = {};
};
using Line = std::vector<Piece>;

class Painter {
 public:
  explicit Painter(const Look& look) : look_(look) {}

  std::string plain(std::string text) const {
    if (look_.utf8) return text;
    for (const auto& [sign, by] : {std::pair{"→", "->"},
                                   {"·", "-"},
                                   {"●", "R"},
                                   {"◐", "S"},
                                   {"✗", "F"},
                                   {"○", "T"},
                                   {"◌", "N"},
                                   {"⚠", "!"},
                                   {"…", "."},
                                   {"│", "|"},
                                   {"─", "-"},
                                   {"↑", "^"},
                                   {"↓", "v"}}) {
      for (std::size_t at = text.find(sign); at != std::string::npos; at = text.find(sign, at + 1))
        text.replace(at, std::string_view(sign).size(), by);
    }
    for (char& c : text) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return text;
  }

  // At most `width` columns, filled with blanks up to them where `fill`.
  std::string line(const Line& pieces, std::size_t width, bool fill = false) const {
    std::string out;
    std::size_t used = 0;
    for (const auto& p : pieces) {
      auto text = cut(plain(p.text), width - used);
      used += width_of(text);
      const bool painted = look_.colour && !p.code.empty() && !text.empty();
      out += painted ? fmt::format("\033[{}m{}\033[0m", p.code, text) : text;
    }
    if (fill) out.append(width - used, ' ');
    return out;
  }

  static std::string cut(const std::string& text, std::size_t width) {
    std::size_t used = 0, i = 0;
    for (; i < text.size(); ++i) {
      const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
      if (begins && used == width) break;
      used += begins;
    }
    return text.substr(0, i);
  }

 private:
  const Look& look_;
};

std::string known(std::optional<double> v, std::string (*words)(double)) { return v ? words(*v) : "-"; }
std::string few(double v) {
  if (v >= 1e9) return fmt::format("{:.1f}G", v / 1e9);
  if (v >= 1e6) return fmt::format("{:.1f}M", v / 1e6);
  if (v >= 1e4) return fmt::format("{:.0f}k", v / 1e3);
  return short_number(v);
}
std::string length(double s) {
  if (s < 0.0005) return "0s";
  if (s < 10) return fmt::format("{:.1f}s", s);
  if (s < 120) return fmt::format("{:.0f}s", s);
  if (s < 7200) return fmt::format("{:.0f}m", s / 60);
  return fmt::format("{:.0f}h", s / 3600);
}
std::string wait_text(const ServiceLine& s) { return (s.wait_is_guess ? "~" : "") + known(s.wait, length); }
std::string clock(double t) {
  const auto s = static_cast<std::time_t>(t);
  std::tm at{};
  if (t <= 0 || !::localtime_r(&s, &at)) return "--:--:--";
  return fmt::format("{:02}:{:02}:{:02}", at.tm_hour, at.tm_min, at.tm_sec);
}

std::string replicas_text(const ServiceLine& s) {
  std::string text = fmt::format("{}", s.ready);
  if (s.current != s.ready) text += fmt::format("/{}", s.current);
  if (s.target > s.current) text += "↑";
  if (s.target < s.current || s.stopping > 0) text += "↓";
  return text;
}

Piece condition_piece(const ServiceLine& s) {
  if (s.conditions.empty()) return {s.proposals > 0 ? "a proposal waits" : ""};
  const auto& c = s.conditions.front();
  return {c.words, c.trouble ? kRed : kYellow};
}

std::string_view wait_colour(const ServiceLine& s) {
  if (!s.wait || !s.max_wait) return {};
  return *s.wait > *s.max_wait ? kRed : kGreen;
}

std::string padded(std::string text, std::size_t width) {
  const auto used = width_of(text);
  return used < width ? text + std::string(width - used, ' ') : Painter::cut(text, width);
}
std::string right(std::string text, std::size_t width) {
  const auto used = width_of(text);
  return used < width ? std::string(width - used, ' ') + text : Painter::cut(text, width);
}

std::size_t name_width(const std::vector<const ServiceLine*>& list) {
  std::size_t width = 7;
  for (const auto* s : list) width = std::max(width, std::min<std::size_t>(width_of(s->name), 20));
  return width;
}

Line list_head(std::size_t name) {
  return {{fmt::format("  {} {} {} {} {} {} {}", padded("SERVICE", name), right("WAIT", 6),
                       right("BACKLOG", 8), right("IN/s", 6), right("OUT/s", 6), right("REPL", 6), "MAX "),
           kDim}};
}

Line list_line(const ServiceLine& s, bool chosen, std::size_t name) {
  const char* mark = s.trouble() ? "⚠" : s.conditions.empty() ? " " : "·";
  return {{fmt::format("{}{}", chosen ? ">" : " ", mark), s.trouble() ? kRed : kYellow},
          {padded(s.name, name), chosen        ? kInverse
                                 : s.trouble() ? kRed
                                               : std::string_view{}},
          {" " + right(wait_text(s), 6), wait_colour(s)},
          {fmt::format(" {} {} {}", right(known(s.backlog, few), 8), right(known(s.rate_in, few), 6),
                       right(known(s.rate_out, few), 6))},
          {fmt::format(" {} ", right(replicas_text(s), 6)), s.failing > 0 ? kRed : std::string_view{}},
          {padded(fmt::format("{}", s.max), 4)},
          {" "},
          condition_piece(s)};
}

std::string dots(const ServiceLine& s, std::size_t most) {
  std::string text;
  std::size_t used = 0;
  for (const auto& [n, sign] : {std::pair{s.ready, "●"},
                                {s.starting, "◐"},
                                {s.failing, "✗"},
                                {s.not_placed, "◌"},
                                {s.stopping, "○"}}) {
    for (int i = 0; i < n; ++i, ++used) {
      if (used == most) return text + "…";
      text += sign;
    }
  }
  return text;
}

std::string counts(const ServiceLine& s) {
  std::string text = fmt::format("{} ready", s.ready);
  for (const auto& [n, word] : {std::pair{s.starting, "starting"},
                                {s.failing, "failing"},
                                {s.not_placed, "without room"},
                                {s.stopping, "stopping"}}) {
    if (n > 0) text += fmt::format(", {} {}", n, word);
  }
  if (s.target != s.current) text += fmt::format(", {} wanted", s.target);
  return text + fmt::format(" of {}..{}", s.min, s.max);
}

// The words in lines of `width`, `most` of them.
void put_wrapped(std::vector<Line>& out, const std::string& text, std::size_t width, std::size_t most,
                 std::string_view code = {}) {
  std::string line;
  std::size_t lines = 0;
  const auto end_line = [&] {
    out.push_back({{"  " + line, code}});
    line.clear();
    ++lines;
  };
  for (std::size_t from = 0; from < text.size() && lines < most;) {
    const auto end = std::min(text.find(' ', from), text.size());
    const auto word = text.substr(from, end - from);
    if (!line.empty() && width_of(line) + 1 + width_of(word) + 2 > width) end_line();
    if (lines < most) line += (line.empty() ? "" : " ") + word;
    from = end + 1;
  }
  if (!line.empty() && lines < most) end_line();
}

// An hour, or what is known of it.
double span_of(const Model& m, const ServiceLine& s) {
  const auto& history = m.history_of(s.name);
  const double known = history.empty() || !std::isfinite(history.front().t) ? 0 : m.now - history.front().t;
  return std::clamp(known, 300.0, 3600.0);
}

struct Curve {
  const char* name;
  double HistoryLine::* value;
  std::string_view code;
  double least;  // of the scale
};

void put_chart(std::vector<Line>& out, const Model& m, const ServiceLine& s, const Look& look,
               std::size_t width, std::size_t height, const Curve& curve, std::optional<double> mark) {
  std::vector<std::pair<double, double>> values;
  const double span = span_of(m, s);
  double top = curve.least;
  for (const auto& h : m.history_of(s.name)) {
    values.emplace_back(h.t, h.*curve.value);
    if (std::isfinite(h.*curve.value) && h.t > m.now - span) top = std::max(top, h.*curve.value);
  }
  if (mark) top = std::max(top, *mark);
  const std::size_t label = 9;
  const auto rows =
      area(values, m.now - span, m.now, top, width > label + 4 ? width - label - 3 : 1, height, look.utf8);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string words;
    if (i == 0) words = curve.value == &HistoryLine::wait ? length(top) : few(top);
    if (i + 1 == rows.size()) words = curve.name;
    out.push_back({{"  " + padded(words, label), kDim}, {rows[i], curve.code}});
  }
}

std::vector<Line> detail(const Model& m, const ServiceLine& s, const Look& look, std::size_t width,
                         std::size_t height) {
  std::vector<Line> out;
  out.push_back({{"  " + s.name, kBold}, {s.queue.empty() ? "" : "  " + s.queue, kDim}});
  for (const auto& c : s.conditions) {
    if (out.size() >= 4) break;
    put_wrapped(out, (c.trouble ? "⚠ " : "· ") + c.words + (c.detail.empty() ? "" : ": " + c.detail), width,
                2, c.trouble ? kRed : kYellow);
  }
  out.push_back({{"  " + dots(s, width > 50 ? width - 44 : 8), kGreen}, {"  " + counts(s)}});
  std::string figures = fmt::format("wait {}", wait_text(s));
  if (s.max_wait) figures += fmt::format(" (goal {})", length(*s.max_wait));
  figures += fmt::format(", {} waiting, {} in hand", known(s.backlog, few), known(s.in_hand, few));
  if (s.cpu) figures += fmt::format(", CPU {:.0f} %", *s.cpu);
  if (s.dead && *s.dead > 0) figures += fmt::format(", {} dead", few(*s.dead));
  out.push_back({{"  " + figures}});
  const std::size_t left = height > out.size() + 4 ? height - out.size() - 4 : 0;
  const std::size_t chart = std::clamp<std::size_t>(left / 4, left >= 4 ? 2 : 0, 6);
  if (chart > 0) {
    put_chart(
        out, m, s, look, width, chart,
        {s.wait || s.max_wait ? "wait" : "backlog",
         s.wait || s.max_wait ? &HistoryLine::wait : &HistoryLine::backlog, kCyan, s.max_wait.value_or(1)},
        s.wait ? s.max_wait : std::nullopt);
    put_chart(out, m, s, look, width, chart, {"replicas", &HistoryLine::current, kBlue, 1},
              static_cast<double>(std::min(s.max, std::max(s.current * 4, 4))));
    const auto begin = length(span_of(m, s)) + " ago";
    const auto room = width > 14 + begin.size() + 3 ? width - 14 - begin.size() - 3 : 1;
    out.push_back({{"  " + padded("", 9) + begin + std::string(room, ' ') + "now", kDim}});
  }
  if (!s.why.empty()) put_wrapped(out, s.why, width, 2);
  for (const auto& d : m.decisions_of(s.name)) {
    if (out.size() >= height) break;
    out.push_back(
        {{"  " + clock(d.t) + " ", kDim},
         {fmt::format("{} → {} ", d.from, d.to), d.to > d.from ? kGreen : kYellow},
         {d.reason +
          (d.outcome.empty() || d.outcome == "done" || d.outcome == "none" ? "" : " (" + d.outcome + ")")}});
  }
  if (out.size() > height) out.resize(height);
  return out;
}

std::vector<Line> help_lines(bool acts) {
  std::vector<Line> out;
  const auto key = [&](const char* keys, const char* words) {
    out.push_back({{fmt::format("    {:<12}", keys), kBold}, {words}});
  };
  out.push_back({{"  Keys", kBold}});
  key("up down j k", "choose a service (PgUp, PgDn, Home, End)");
  key("Enter", "the last decision with every number behind it");
  key("/", "show only services with this in their name; Esc shows all");
  key("s  r", "sort by the next column; the other way round");
  key("l  w", "the log of the service; the page in a browser");
  key("q  Ctrl-C", "end");
  if (acts) {
    key("p  u", "pause scaling, resume it");
    key("+  -", "one replica more, one less, until resumed");
    key("a  x", "approve, reject the oldest proposal");
  } else {
    out.push_back({{"    `docktor top --act` has keys to pause, scale and approve", kDim}});
  }
  out.push_back({});
  out.push_back(
      {{"  ● ready  ◐ starting  ✗ failing  ◌ without room  ○ stopping   ⚠ trouble  · as somebody wants it"}});
  return out;
}

Line head(const Model& m) {
  const auto trouble = m.in_trouble();
  Line line{{" docktor ", kBold},
            {m.host + "  ", kDim},
            {fmt::format("{} service{}", m.services(), m.services() == 1 ? "" : "s")}};
  if (trouble > 0) line.push_back({fmt::format(", {} in trouble", trouble), kRed});
  if (!m.filter.empty() || m.typing)
    line.push_back({fmt::format("  /{}{}", m.filter, m.typing ? "_" : ""), kCyan});
  line.push_back({fmt::format("  by {}{}", to_string(m.sort), m.reverse ? ", reversed" : ""), kDim});
  if (m.silent)
    line.push_back(
        {fmt::format("   the daemon has not answered for {}; what is shown is old", length(*m.silent)),
         kRed});
  return line;
}

Line foot(const Model& m) {
  if (m.question) return {{" " + m.question->text + "  y: yes, any other key: no", kYellow}};
  if (m.typing) return {{" type a part of a name; Enter keeps it, Esc shows all"}};
  if (!m.message.empty()) return {{" " + m.message, kCyan}};
  return {{m.acts
               ? " up/down choose  Enter why  / filter  s sort  p pause  + - scale  a approve  ? all  q end"
               : " up/down choose  Enter why  / filter  s sort  r reverse  l log  w page  ? all  q end",
           kDim}};
}

}  // namespace

std::vector<std::string> area(const std::vector<std::pair<double, double>>& values, double from, double to,
                              double most, std::size_t width, std::size_t height, bool utf8) {
  const std::size_t across = utf8 ? 2 * width : width, up = utf8 ? 4 * height : height;
  std::vector<double> columns(across, HistoryLine::kUnknown);
  for (const auto& [t, v] : values) {
    if (!std::isfinite(t) || !std::isfinite(v) || t < from || t > to || to <= from) continue;
    const auto i = std::min(across - 1,
                            static_cast<std::size_t>((t - from) / (to - from) * static_cast<double>(across)));
    columns[i] = std::isnan(columns[i]) ? v : std::max(columns[i], v);
  }
  // A point stands for the time until the next one, for a minute and a half at most: older is not known.
  const double step = (to - from) / static_cast<double>(across);
  const auto reach = static_cast<std::size_t>(std::ceil(90 / std::max(step, 1e-3)));
  for (std::size_t i = 1, since = 0; i < across; ++i) {
    since = std::isnan(columns[i]) ? since + 1 : 0;
    if (std::isnan(columns[i]) && since <= reach) columns[i] = columns[i - 1];
  }
  // A value above 0 is never drawn as an empty column.
  const auto dots_of = [&](double v) -> std::size_t {
    if (std::isnan(v) || v <= 0) return 0;
    const auto n = std::lround(std::min(v / std::max(most, 1e-12), 1.0) * static_cast<double>(up));
    return static_cast<std::size_t>(std::max(1L, n));
  };
  static constexpr std::array<std::array<int, 4>, 2> kDots{
      {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}};
  std::vector<std::string> rows(height);
  for (std::size_t row = 0; row < height; ++row) {
    const std::size_t below = (height - 1 - row) * (utf8 ? 4 : 1);
    for (std::size_t x = 0; x < width; ++x) {
      if (!utf8) {
        rows[row] += dots_of(columns[x]) > below ? '#' : ' ';
        continue;
      }
      int cell = 0;
      for (std::size_t half = 0; half < 2; ++half) {
        const auto n = dots_of(columns[2 * x + half]);
        for (std::size_t i = 0; i < 4; ++i) cell |= n > below + i ? kDots[half][i] : 0;
      }
      const int c = 0x2800 + cell;
      rows[row] += static_cast<char>(0xe0 | (c >> 12));
      rows[row] += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
      rows[row] += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return rows;
}

std::vector<std::string> picture(const Model& m, const Look& look) {
  const Painter paint(look);
  std::vector<std::string> out;
  const auto put = [&](const Line& line) { out.push_back(paint.line(line, look.columns)); };
  if (look.columns < kLeastColumns || look.rows < kLeastRows) {
    put({{fmt::format("top needs {} x {}, this is {} x {}", kLeastColumns, kLeastRows, look.columns,
                      look.rows)}});
    out.resize(std::max<std::size_t>(look.rows, 1));
    return out;
  }
  put(head(m));
  const std::size_t body = look.rows - 2;
  const auto list = m.shown();
  const auto* chosen = m.chosen();
  if (m.help) {
    for (const auto& line : help_lines(m.acts)) put(line);
  } else if (list.empty()) {
    put({{m.services() == 0 ? "  no service yet" : "  no service has that in its name; Esc shows all",
          kDim}});
  } else {
    const bool beside = look.columns >= kLeastBeside;
    const bool below = !beside && look.rows >= kLeastBelow;
    const std::size_t rows = below ? std::clamp<std::size_t>(list.size() + 1, 4, body * 2 / 5) : body;
    const std::size_t name = name_width(list), lines = rows - 1;
    const auto at = static_cast<std::size_t>(std::ranges::find(list, chosen) - list.begin());
    const std::size_t first =
        list.size() <= lines ? 0 : std::min(at > lines / 2 ? at - lines / 2 : 0, list.size() - lines);
    std::vector<Line> left{list_head(name)}, right_side;
    for (std::size_t i = first; i < std::min(list.size(), first + lines); ++i)
      left.push_back(list_line(*list[i], list[i] == chosen, name));
    const std::size_t width = beside ? look.columns - kListBeside - 1 : look.columns;
    if (beside || below) right_side = detail(m, *chosen, look, width, beside ? body : body - rows);
    if (beside) {
      for (std::size_t i = 0; i < std::max(left.size(), right_side.size()); ++i) {
        out.push_back(paint.line(i < left.size() ? left[i] : Line{}, kListBeside, true) + paint.plain("│") +
                      paint.line(i < right_side.size() ? right_side[i] : Line{}, width));
      }
    } else {
      for (const auto& line : left) put(line);
      if (below) out.resize(rows + 1);
      for (const auto& line : right_side) put(line);
    }
  }
  out.resize(look.rows - 1);
  put(foot(m));
  return out;
}

std::string table(const Model& m) {
  const Look look{.columns = 400, .rows = 24, .colour = false, .utf8 = true};
  const Painter paint(look);
  const auto list = m.shown();
  const auto name = name_width(list);
  auto trimmed = [](std::string line) {
    while (line.ends_with(' ')) line.pop_back();
    return line + "\n";
  };
  std::string out = trimmed(paint.line(list_head(name), look.columns));
  for (const auto* s : list) out += trimmed(paint.line(list_line(*s, false, name), look.columns));
  return out;
}

}  // namespace docktor::top
