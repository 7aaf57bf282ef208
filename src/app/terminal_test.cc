#include "app/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

namespace docktor {
namespace {

TEST(Wrapped, BreaksBetweenWordsUnderTheIndent) {
  EXPECT_EQ(wrapped("one two three four five six seven", 24, 4), "one two three four five\n    six seven");
  EXPECT_EQ(wrapped("one two", 24, 4, 20), "one\n    two");
  EXPECT_EQ(wrapped("one two", 0, 4), "one two");
  EXPECT_EQ(wrapped("a  column   apart", 40, 0), "a  column   apart");
}

TEST(Wrapped, CountsCharactersAndNoEscapes) {
  EXPECT_EQ(columns_of("1 → 3"), 5U);
  EXPECT_EQ(columns_of("\033[32m✓\033[0m ok"), 4U);
  EXPECT_EQ(wrapped("→→→→→ →→→→→ →→→→→ →→→→→ x", 23, 0), "→→→→→ →→→→→ →→→→→ →→→→→\nx");
}

TEST(Wrapped, LeavesAWordThatIsTooLongWhole) {
  const std::string path = "/a/path/that/is/much/longer/than/a/line/of/this/terminal";
  EXPECT_EQ(wrapped("Log: " + path + " x", 30, 5), "Log:\n     " + path + "\n     x");
}

TEST(ForTerminal, PutsLinesUnderTheirMark) {
  EXPECT_EQ(
      for_terminal("  ✗ stream H does not exist here\n    → create it by this command\n", {false, 28, true}),
      "  ✗ stream H does not exist\n    here\n    → create it by this\n      command\n");
}

TEST(ForTerminal, ColoursMarksAloneAndOnlyWhereAsked) {
  EXPECT_EQ(for_terminal("✓ good\n⚠ so so\n✗ bad ✗\n", {true, 0, true}),
            "\033[32m✓\033[0m good\n\033[33m⚠\033[0m so so\n\033[31m✗\033[0m bad ✗\n");
  EXPECT_EQ(for_terminal("✓ good\n", {false, 0, true}), "✓ good\n");
}

TEST(ForTerminal, UsesPlainLettersWhereTheLocaleHasNoOthers) {
  EXPECT_EQ(for_terminal("✓ 1 → 3 …\n", {false, 0, false}), "ok 1 -> 3 ...\n");
}

// A terminal of its own, and the variables that speak of it.
class OfTerminal : public testing::Test {
 protected:
  OfTerminal() {
    winsize size{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(::openpty(&outside_, &inside_, nullptr, nullptr, &size), 0);
    stream_ = ::fdopen(inside_, "w");
    ::unsetenv("COLUMNS");
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
  }
  ~OfTerminal() override {
    ::fclose(stream_);
    ::close(outside_);
  }
  Terminal seen() const { return Terminal::of(stream_); }
  int outside_ = -1, inside_ = -1;
  std::FILE* stream_ = nullptr;
};

TEST_F(OfTerminal, HasColourAndItsWidth) {
  EXPECT_TRUE(seen().colour);
  EXPECT_EQ(seen().width, 100U);
  ::setenv("COLUMNS", "60", 1);
  EXPECT_EQ(seen().width, 60U);
  ::setenv("COLUMNS", "x", 1);
  EXPECT_EQ(seen().width, 100U);
}

TEST_F(OfTerminal, HasNoColourWhereThatIsAsked) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(seen().colour);
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(seen().colour) << "an empty NO_COLOR asks for nothing";
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(seen().colour);
  ::unsetenv("TERM");
  EXPECT_FALSE(seen().colour);
}

TEST_F(OfTerminal, AFileIsNone) {
  std::FILE* file = ::tmpfile();
  EXPECT_FALSE(Terminal::of(file).colour);
  EXPECT_EQ(Terminal::of(file).width, 0U);
  ::fclose(file);
}

TEST_F(OfTerminal, KeepsItsMarksInTheCLocale) {
  for (const char* locale : {"C", "POSIX", "C.UTF-8", "no_SUCH.locale", ""}) {
    ::setenv("LC_ALL", locale, 1);
    EXPECT_TRUE(seen().utf8) << locale;
  }
}

}  // namespace
}  // namespace docktor
