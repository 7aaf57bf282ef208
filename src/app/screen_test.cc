#include "app/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor {
namespace {

using testing::ElementsAre;

TEST(Keys, AreNamed) {
  EXPECT_THAT(keys_in("q"), ElementsAre("q"));
  EXPECT_THAT(keys_in("\033[A\033OB\033[5~\033[6~"), ElementsAre("up", "down", "page_up", "page_down"));
  EXPECT_THAT(keys_in("a\r\x7f\x03\x1a"), ElementsAre("a", "enter", "backspace", "ctrl-c", "ctrl-z"));
  EXPECT_THAT(keys_in("\033"), ElementsAre("esc"));
  EXPECT_THAT(keys_in("\033[1;5Cx\033[200~y"), ElementsAre("x", "y"))
      << "what nobody knows is passed over whole";
  EXPECT_THAT(keys_in("\xc3\xa9z"), ElementsAre("z"));
  EXPECT_THAT(keys_in("\033["), ElementsAre());
}

}  // namespace
}  // namespace docktor
