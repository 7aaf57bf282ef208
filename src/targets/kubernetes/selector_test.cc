#include "targets/kubernetes/selector.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

bool matches(const char* selector, const Labels& labels) {
  const auto s = LabelSelector::parse(selector);
  EXPECT_TRUE(s) << selector;
  return s && s->matches(labels);
}

TEST(LabelSelectorTest, EveryTermMustHold) {
  const Labels web = {{"app", "web"}, {"tier", "front"}};
  EXPECT_TRUE(matches("app=web", web));
  EXPECT_TRUE(matches("app==web", web));
  EXPECT_TRUE(matches("app=web,tier=front", web));
  EXPECT_FALSE(matches("app=web,tier=back", web));
  EXPECT_FALSE(matches("app=", web));
  EXPECT_TRUE(matches("tier in (back, front),app", web));
  EXPECT_FALSE(matches("tier in (back)", web));
  EXPECT_FALSE(matches("missing in (a,b)", web));
}

TEST(LabelSelectorTest, WhatIsExcludedMayBeAbsent) {
  const Labels web = {{"app", "web"}};
  EXPECT_TRUE(matches("app!=worker", web));
  EXPECT_TRUE(matches("missing!=a", web));
  EXPECT_TRUE(matches("missing notin (a,b)", web));
  EXPECT_FALSE(matches("app notin (web,b)", web));
  EXPECT_TRUE(matches("!missing", web));
  EXPECT_FALSE(matches("!app", web));
}

TEST(LabelSelectorTest, AnEmptyOneSelectsNothingAndNonsenseIsNone) {
  EXPECT_FALSE(matches("", {{"app", "web"}}));
  for (const char* text : {"a b", "in (a)", "a in b)", "a near (b)", "=x", ",", "a,,b", "!"})
    EXPECT_FALSE(LabelSelector::parse(text)) << text;
}

}  // namespace
}  // namespace docktor
