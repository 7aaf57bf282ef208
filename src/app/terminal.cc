#include "app/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace docktor {
namespace {

constexpr std::size_t kLeastWidth = 20;
constexpr std::size_t kMostWidth = 10'000;
constexpr std::size_t kUsualWidth = 80;

std::string_view variable(const char* name) {
  const char* v = std::getenv(name);
  return v ? v : "";
}

// The C locale says nothing of the terminal, which is one of UTF-8 nearly everywhere; ISO-8859-1 says much.
bool speaks_utf8() {
  const locale_t mine = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (mine == nullptr) return true;
  const std::string_view set = ::nl_langinfo_l(CODESET, mine);
  const bool utf8 = set == "UTF-8" || set == "utf8" || set == "ANSI_X3.4-1968";
  ::freelocale(mine);
  return utf8;
}

struct Mark {
  std::string_view sign;
  std::string_view plain;   // where there is no such character
  std::string_view colour;  // SGR
};
constexpr std::array<Mark, 3> kMarks{{{"✓", "ok", "32"}, {"⚠", "!", "33"}, {"✗", "x", "31"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kPlain{
    {{"→", "->"}, {"…", "..."}, {"—", "-"}, {"×", "x"}, {"±", "+-"}}};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\033[")) return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

// One line without its end.
std::string line_for(std::string_view line, const Terminal& t) {
  const auto blanks = std::min(line.find_first_not_of(' '), line.size());
  auto rest = line.substr(blanks);
  const Mark* mark = nullptr;
  for (const Mark& m : kMarks) {
    if (rest.starts_with(m.sign)) mark = &m;
  }
  std::string out(blanks, ' ');
  std::size_t indent = blanks;
  if (mark) {
    rest.remove_prefix(mark->sign.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const auto sign = t.utf8 ? mark->sign : mark->plain;
    out += t.colour ? fmt::format("\033[{}m{}\033[0m ", mark->colour, sign) : fmt::format("{} ", sign);
    indent += columns_of(sign) + 1;
  } else if (rest.starts_with("→ ") || rest.starts_with("- ")) {
    indent += 2;
  }
  std::string words(rest);
  if (!t.utf8) {
    for (const auto& [what, by] : kPlain) replace_all(words, what, by);
    for (const Mark& m : kMarks) replace_all(words, m.sign, m.plain);
  }
  return out + wrapped(words, t.width, indent, indent);
}

}  // namespace

Terminal Terminal::of(std::FILE* stream) {
  Terminal t;
  const int fd = ::fileno(stream);
  const bool terminal = fd >= 0 && ::isatty(fd) != 0;
  const auto columns = variable("COLUMNS");
  std::size_t wished = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), wished);
  winsize size{};
  if (wished >= kLeastWidth && wished <= kMostWidth)
    t.width = wished;
  else if (terminal)
    t.width = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= kLeastWidth ? size.ws_col : kUsualWidth;
  const auto term = variable("TERM");
  t.colour = terminal && variable("NO_COLOR").empty() && !term.empty() && term != "dumb";
  t.utf8 = speaks_utf8();
  return t;
}

std::size_t columns_of(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto escape = escape_length(text.substr(i)); escape > 0) {
      i += escape - 1;
      continue;
    }
    n += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  }
  return n;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t used) {
  if (width == 0) return std::string(text);
  if (indent + kLeastWidth > width) indent = 0;
  std::string out;
  std::size_t at = used;
  bool first = true;
  while (!text.empty()) {
    // The blanks before a word belong to it, so that columns which are meant stay.
    const auto blanks = std::min(text.find_first_not_of(' '), text.size());
    const auto end = std::min(text.find(' ', blanks), text.size());
    const auto word = text.substr(blanks, end - blanks);
    const auto size = columns_of(word);
    if (!first && at + blanks + size > width && size > 0) {
      out += '\n' + std::string(indent, ' ');
      out += word;
      at = indent + size;
    } else {
      out += text.substr(0, end);
      at += blanks + size;
    }
    first = false;
    text.remove_prefix(end);
  }
  return out;
}

std::string for_terminal(std::string_view text, const Terminal& terminal) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out += line_for(text.substr(0, end), terminal);
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

void say_text(std::FILE* stream, std::string_view text) {
  const std::string shown = for_terminal(text, Terminal::of(stream));
  std::fwrite(shown.data(), 1, shown.size(), stream);
}

int complain(const std::string& text, int code) {
  say(stderr, "docktor: {}\n", text);
  return code;
}

}  // namespace docktor
