// What a leader leaves, as texts that anybody may spoil.
#include "leases/kubernetes/legacies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;

Json map_of(const Json& data) {
  return {{"kind", "ConfigMap"}, {"metadata", {{"name", "docktor-state"}}}, {"data", data}};
}

Legacy paused(const std::string& by, int learned = 1) {
  return {{{"overrides", {{"hold", by}}}}, {{"capacity", learned}}};
}

// Writes it all into `data`, as the API server does.
std::size_t write(Legacies& l, Json& data) {
  std::size_t left_out = 0;
  const auto patch = l.patch(left_out);
  data.merge_patch(patch);
  l.wrote(patch);
  return left_out;
}

TEST(LegaciesTest, WhatOneLeavesTheNextOneHas) {
  Legacies one, next;
  Json data = Json::object();
  one.put("web", paused("ann"));
  EXPECT_TRUE(one.urgent());
  EXPECT_EQ(write(one, data), 0u);
  EXPECT_FALSE(one.urgent());
  EXPECT_TRUE(next.take(map_of(data)).empty());
  EXPECT_EQ(next.of("web").said, paused("ann").said);
  EXPECT_EQ(next.of("web").learned, paused("ann").learned);
  EXPECT_TRUE(next.of("other").said.is_null());
}

TEST(LegaciesTest, WhatWasLearnedIsNotUrgentAndWhatIsThereIsNotWrittenAgain) {
  Legacies l;
  Json data = Json::object();
  l.put("web", paused("ann", 1));
  l.put("mail", paused("bob", 1));
  write(l, data);
  l.put("web", paused("ann", 2));
  EXPECT_FALSE(l.urgent());
  std::size_t left_out = 0;
  EXPECT_EQ(l.patch(left_out).size(), 1u);
  l.put("web", paused("eve", 2));
  EXPECT_TRUE(l.urgent());
  write(l, data);
  EXPECT_TRUE(l.patch(left_out).empty());
}

TEST(LegaciesTest, RubbishIsNamedAndGoesWithTheNextWrite) {
  Legacies l;
  std::string deep(500, '[');
  Json data = {{"web", "not json"},
               {"mail", R"({"version": 9, "said": {}})"},
               {"deep", deep},
               {"list", R"({"version":1,"said":[]})"},
               {"good", R"({"version":1,"said":{},"learned":null})"},
               {"number", 7}};
  EXPECT_THAT(l.take(map_of(data)), ElementsAre("deep", "list", "mail", "number", "web"));
  EXPECT_TRUE(l.of("good").said.is_object());
  EXPECT_TRUE(l.of("web").said.is_null());
  l.put("web", paused("ann"));
  write(l, data);
  EXPECT_EQ(data.size(), 2u) << data;
  EXPECT_TRUE(Legacies().take(Json(nullptr)).empty());
  EXPECT_TRUE(Legacies().take(Json{{"data", "text"}}).empty());
}

TEST(LegaciesTest, WhatPeopleSaidFindsRoomBeforeWhatWasLearned) {
  Legacies l;
  Json data = Json::object();
  for (int i = 0; i < 100; ++i) {
    auto legacy = paused("ann");
    legacy.learned = {{"long", std::string(20'000, 'x')}};
    l.put("service-" + std::to_string(i), legacy);
  }
  const auto left_out = write(l, data);
  EXPECT_GT(left_out, 40u);
  EXPECT_LT(left_out, 70u);
  EXPECT_EQ(data.size(), 100u);
  EXPECT_LE(data.dump().size(), Legacies::kMostBytes + 20'000);
}

TEST(LegaciesTest, ServicesThatAreGoneLeaveNothing) {
  Legacies l;
  Json data = Json::object();
  l.put("web", paused("ann"));
  l.put("mail", paused("ann"));
  write(l, data);
  l.put(kOfDaemon, {{{"ops", nlohmann::json::array()}}, nullptr});
  l.keep({"mail"});
  write(l, data);
  EXPECT_EQ(data.size(), 2u);
  EXPECT_TRUE(data.contains(kOfDaemon)) << "what the daemon itself leaves stays";
  EXPECT_TRUE(data.contains("mail"));
}

}  // namespace
}  // namespace docktor
