#include "app/screen.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace docktor {
namespace {

// The other screen, no cursor, no wrapping: a line that is too long is cut, not torn.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view kLeave = "\033[0m\033[?7h\033[?25h\033[?1049l";

void put(std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n <= 0) return;  // the terminal is gone
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

Screen::Screen() {
  ::tcgetattr(STDIN_FILENO, &before_);
  enter();
}

Screen::~Screen() { leave(); }

void Screen::enter() {
  termios raw = before_;
  ::cfmakeraw(&raw);
  raw.c_oflag |= OPOST;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  put(kEnter);
  shown_.clear();
  in_ = true;
}

void Screen::leave() {
  if (!std::exchange(in_, false)) return;
  put(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

void Screen::show(const std::vector<std::string>& lines) {
  std::string text;
  if (lines.size() != shown_.size()) {
    shown_.assign(lines.size(), "\n");  // no line is this
    text += "\033[2J";
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == shown_[i]) continue;
    text += fmt::format("\033[{};1H{}\033[0m\033[K", i + 1, lines[i]);
  }
  shown_ = lines;
  put(text);
}

void Screen::outside(const std::function<void()>& work) {
  leave();
  work();
  enter();
}

void Screen::suspend() {
  outside([] { ::raise(SIGSTOP); });
}

Screen::Size Screen::size() {
  winsize w{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0) return {};
  return {w.ws_col, w.ws_row};
}

std::vector<std::string> keys_in(const std::string& bytes) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kSequences{
      {{"\033[A", "up"},
       {"\033OA", "up"},
       {"\033[B", "down"},
       {"\033OB", "down"},
       {"\033[5~", "page_up"},
       {"\033[6~", "page_down"},
       {"\033[H", "home"},
       {"\033OH", "home"},
       {"\033[1~", "home"},
       {"\033[F", "end"},
       {"\033OF", "end"},
       {"\033[4~", "end"},
       {"\033[C", ""},
       {"\033[D", ""}}};
  constexpr std::array<std::pair<char, std::string_view>, 8> kControls{{{'\r', "enter"},
                                                                        {'\n', "enter"},
                                                                        {'\x7f', "backspace"},
                                                                        {'\b', "backspace"},
                                                                        {'\x03', "ctrl-c"},
                                                                        {'\x1a', "ctrl-z"},
                                                                        {'\x0c', "ctrl-l"},
                                                                        {'\x04', "ctrl-c"}}};
  std::vector<std::string> keys;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    std::size_t taken = 0;
    for (const auto& [sequence, name] : kSequences) {
      if (!rest.starts_with(sequence)) continue;
      if (!name.empty()) keys.emplace_back(name);
      taken = sequence.size();
    }
    for (const auto& [c, name] : kControls) {
      if (rest.front() != c) continue;
      keys.emplace_back(name);
      taken = 1;
    }
    if (taken == 0 && rest.front() == '\033') {
      taken = 1;
      // A sequence that nobody knows: through its last letter.
      if (rest.size() > 1 && (rest[1] == '[' || rest[1] == 'O')) {
        taken = 2;
        while (taken < rest.size() && !((rest[taken] >= '@' && rest[taken] <= '~'))) ++taken;
        taken = std::min(taken + 1, rest.size());
      } else {
        keys.emplace_back("esc");
      }
    }
    if (taken == 0) {
      if (static_cast<unsigned char>(rest.front()) >= 0x20 && static_cast<unsigned char>(rest.front()) < 0x7f)
        keys.emplace_back(1, rest.front());
      taken = 1;
    }
    rest.remove_prefix(taken);
  }
  return keys;
}

}  // namespace docktor
