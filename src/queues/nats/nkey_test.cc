#include "queues/nats/nkey.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

// The pair of the NATS documentation on nkeys.
constexpr const char* kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

TEST(Nkey, PublicHalfOfASeed) {
  const auto key = nkey_public(kSeed);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(*key, "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
}

TEST(Nkey, WhatIsNoSeedIsRefusedAndNotShown) {
  std::string slip = kSeed;
  slip[10] = slip[10] == 'A' ? 'B' : 'A';
  for (const std::string& text :
       {std::string(), std::string("SU"), slip, std::string(kSeed) + "A",
        std::string("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"), std::string(58, '!')}) {
    const auto key = nkey_public(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalid);
    if (text.size() > 2) {
      EXPECT_EQ(key.error().message.find(text), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace docktor
