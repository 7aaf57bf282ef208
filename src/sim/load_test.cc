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

TEST(Load, BegunLaterItsFirstRowIsLonger) {
  const Load later = begun_later({"x", {{0, 5}, {10, 7}, {30, 0}}}, 2.5);
  ASSERT_EQ(later.rows.size(), 3U);
  EXPECT_EQ(later.rows[0].at, 0);
  EXPECT_EQ(later.rows[1].at, 12.5);
  EXPECT_EQ(later.length(), 32.5);
}

TEST(Load, APartKeepsTheRatesOfItsSeconds) {
  const Load whole{"x", {{0, 5}, {10, 7}, {30, 9}, {40, 0}}};
  const Load part = part_of(whole, 15, 20, 2);
  ASSERT_EQ(part.rows.size(), 3U);
  EXPECT_EQ(part.rows[0].at, 0);
  EXPECT_EQ(part.rows[0].rate, 14);
  EXPECT_EQ(part.rows[1].at, 15);
  EXPECT_EQ(part.rows[1].rate, 18);
  EXPECT_EQ(part.length(), 20);
  EXPECT_EQ(part_of(whole, 20, 100, 1).length(), 20) << "no longer than there is";
  EXPECT_EQ(part_of(whole, 0, 40, 1).messages(), whole.messages());
}

}  // namespace
}  // namespace docktor::sim
