#include "queues/nats/subjects.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace docktor {
namespace {

TEST(Subjects, WhatIsASubject) {
  for (const char* s : {"a", "a.b", "*", ">", "a.*.c", "a.>", "$JS.API.>"}) EXPECT_TRUE(is_subject(s)) << s;
  for (const char* s :
       {"", ".", "a.", ".a", "a..b", "a b", "a.>.b", "a\t", "a\n.b", "a\x01", "a\x7f", "a.b*c", "a.>>"})
    EXPECT_FALSE(is_subject(s)) << s;
}

TEST(Subjects, WhatCanNameAStream) {
  EXPECT_TRUE(is_api_token("EVENTS-1_x"));
  for (const char* s : {"", "a.b", "a*", ">", "a b", "a/b", "a\\b"}) EXPECT_FALSE(is_api_token(s)) << s;
}

TEST(Subjects, Covers) {
  EXPECT_TRUE(covers("a.b", "a.b"));
  EXPECT_TRUE(covers("a.>", "a.b.c"));
  EXPECT_TRUE(covers("a.*", "a.b"));
  EXPECT_TRUE(covers("a.*.>", "a.*.c.*"));
  EXPECT_TRUE(covers(">", "*"));
  EXPECT_FALSE(covers("a.b", "a.*"));
  EXPECT_FALSE(covers("a.*", "a.>"));
  EXPECT_FALSE(covers("a.>", "a"));
  EXPECT_FALSE(covers("a.*", "a.b.c"));
  EXPECT_FALSE(covers("a.b.c", "a.b"));
}

TEST(Subjects, Intersection) {
  using S = std::optional<std::string>;
  EXPECT_EQ(intersection("orders.*.new", "orders.eu.>"), S("orders.eu.new"));
  EXPECT_EQ(intersection("a.*", "*.b"), S("a.b"));
  EXPECT_EQ(intersection(">", "a.*.c"), S("a.*.c"));
  EXPECT_EQ(intersection("a.>", "*.*.c"), S("a.*.c"));
  EXPECT_EQ(intersection("a.>", "a.>"), S("a.>"));
  EXPECT_EQ(intersection("a.b", "a.c"), S());
  EXPECT_EQ(intersection("a", "a.b"), S());
  EXPECT_EQ(intersection("a.>", "a"), S());
}

TEST(Subjects, AnIntersectionIsCoveredByBothAndSymmetric) {
  const std::vector<std::string> all = {"a",   "b",   "a.b",   "*",     ">",   "a.*",  "*.b",
                                        "a.>", "*.>", "a.*.c", "a.b.>", "*.*", "*.b.*"};
  for (const auto& x : all) {
    for (const auto& y : all) {
      const auto both = intersection(x, y);
      EXPECT_EQ(both.has_value(), intersection(y, x).has_value()) << x << " " << y;
      if (!both) continue;
      EXPECT_TRUE(covers(x, *both)) << x << " " << y;
      EXPECT_TRUE(covers(y, *both)) << x << " " << y;
      EXPECT_EQ(covers(x, y), *both == y) << x << " " << y;
    }
  }
}

TEST(Subjects, AFilterThatLeavesNothingOutIsNone) {
  const std::vector<std::string> subjects = {"s.a", "s.b.*"};
  const auto all = [&](std::vector<std::string> filters) { return covers_all(filters, subjects); };
  EXPECT_TRUE(all({}));
  EXPECT_TRUE(all({">"}));
  EXPECT_TRUE(all({"s.>"}));
  EXPECT_TRUE(all({"s.a", "s.b.*"}));
  EXPECT_FALSE(all({"s.a"}));
  EXPECT_FALSE(all({"s.a", "s.b.c"}));
  EXPECT_FALSE(covers_all(std::vector<std::string>{"x"},
                          std::vector<std::string>{}));  // a mirror's subjects are not known
}

}  // namespace
}  // namespace docktor
