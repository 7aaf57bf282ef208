// The whole terminal for a while: its other screen, keys as they are typed, and everything as it was afterwards.
#pragma once

#include <termios.h>

#include <functional>
#include <string>
#include <vector>

namespace docktor {

/// One at a time; used by one thread. The destructor gives the terminal back.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Shows the lines; what stands there already is not sent again.
  void show(const std::vector<std::string>& lines);
  /// The next show() draws everything.
  void forget() { shown_.clear(); }

  /// Gives the terminal back, runs `work`, and takes it again.
  void outside(const std::function<void()>& work);
  /// As a shell's Ctrl-Z.
  void suspend();

  struct Size {
    std::size_t columns = 80, rows = 24;
  };
  static Size size();

 private:
  void enter();
  void leave();

  termios before_{};
  bool in_ = false;
  std::vector<std::string> shown_;
};

/// What was typed: a character, or the name of a key: "up", "down", "page_up", "page_down", "home", "end", "enter", "esc",
/// "backspace", "ctrl-c", "ctrl-z", "ctrl-l". `bytes` may hold several; a lone escape at its end is "esc".
std::vector<std::string> keys_in(const std::string& bytes);

}  // namespace docktor
