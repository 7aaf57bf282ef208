// What is printed for people: colour and width of the terminal, wrapped lines, marks.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "app/cli.h"

namespace docktor {

struct Terminal {
  bool colour = false;    ///< a terminal that takes it, and neither NO_COLOR nor TERM=dumb forbids it
  std::size_t width = 0;  ///< columns; 0: no terminal, lines stay as long as they are
  bool utf8 = true;       ///< false: the locale names another character set, and marks are plain letters

  /// Of an open stream. COLUMNS counts where it is set, also for a file or a pipe.
  static Terminal of(std::FILE* stream);
};

/// Columns that the text takes, escapes not counted; each character of UTF-8 is one.
std::size_t columns_of(std::string_view text);

/// The words of `text` in lines of at most `width` columns (0: one line); every line but the first begins
/// with `indent` blanks, and the first has `used` columns behind it. A word that is too long stands alone.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t used = 0);

/// `text`, some lines, as that terminal shows it: each line wrapped under its own beginning, ✓ ⚠ ✗ in colour.
std::string for_terminal(std::string_view text, const Terminal& terminal);

/// Prints so.
void say_text(std::FILE* stream, std::string_view text);
template <class... Args>
void say(std::FILE* stream, fmt::format_string<Args...> format, Args&&... args) {
  say_text(stream, fmt::format(format, std::forward<Args>(args)...));
}

/// Prints "docktor: TEXT" as an error. Returns `code`.
int complain(const std::string& text, int code = kExitFailed);

}  // namespace docktor
