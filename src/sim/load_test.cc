#include "sim/load.h"

#include <gtest/gtest.h>

#include <sstream>

namespace docktor::sim {
namespace {

Result<Load> read(const std::string& text) {
  std::istringstream in(text);
  return load_from_csv(in, "FILE");
}

TEST(Trace, MayHaveAByteOrderMarkCommentsAndAHeader) {
  for (const char* text :
       {"0,5\n60,0\n", "seconds,rate\n0,5\n60,0\n", "# what it is\n\nseconds,rate\n0,5\n60,0\n",
        "\xEF\xBB\xBF"
        "0,5\n60,0\n",
        "\xEF\xBB\xBF"
        "seconds,rate\r\n0,5\r\n60,0\r\n",
        "\xEF\xBB\xBF# c\r\n\"seconds\", \"rate\"\n 0 ,\t5\n60,0\n"}) {
    const auto load = read(text);
    ASSERT_TRUE(load) << text << load.error().message;
    ASSERT_EQ(load->rows.size(), 2U) << text;
    EXPECT_EQ(load->rows[0].rate, 5) << text;
  }
}

TEST(Trace, AWrongRowIsNotTakenForAHeader) {
  for (const char* text :
       {"0,nan\n1,5\n2,0\n", "nan,nan\n0,5\n2,0\n", "inf,5\n0,5\n2,0\n", "0,rate\n0,5\n2,0\n",
        "seconds,5\n0,5\n2,0\n", "0x0,0x5\n0,5\n2,0\n", "0;5\n0,5\n2,0\n"}) {
    const auto load = read(text);
    ASSERT_FALSE(load) << text;
    EXPECT_EQ(load.error().message, "FILE:1: expected `seconds,rate`, two numbers") << text;
  }
  const auto twice = read("seconds,rate\nseconds,rate\n0,5\n2,0\n");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "FILE:2: expected `seconds,rate`, two numbers");
}

}  // namespace
}  // namespace docktor::sim
