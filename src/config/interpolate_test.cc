#include "config/interpolate.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

const Environment kEnv{{"HOST", "nats"}, {"EMPTY", ""}, {"TRICKY", "${HOST} $$ }"}, {"_a1", "x"}};

TEST(Interpolate, PutsVariablesIn) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"${HOST}", "nats"},
      {"nats://${HOST}:4222", "nats://nats:4222"},
      {"${HOST}${HOST}", "natsnats"},
      {"${_a1}", "x"},
      {"${EMPTY}", ""},
      {"${HOST:-other}", "nats"},
      {"${EMPTY:-other}", "other"},
      {"${NONE:-other}", "other"},
      {"${NONE:-}", ""},
      {"${NONE:-a:-b}", "a:-b"},
      {"$$", "$"},
      {"$${HOST}", "${HOST}"},
      {"$$$${HOST}", "$${HOST}"},
      {"$$${HOST}", "$nats"},
      {"cost: 5$", "cost: 5$"},
      {"pa$word", "pa$word"},
      {"$HOST", "$HOST"},
      {"${TRICKY}", "${HOST} $$ }"},  // what a variable holds is not read again
  };
  for (const auto& [text, expected] : cases) {
    const auto value = interpolate(text, kEnv);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(*value, expected) << text;
  }
}

TEST(Interpolate, NamesAVariableThatIsNotSet) {
  EXPECT_EQ(interpolate("x${NONE}", kEnv).error().message,
            "the environment variable NONE is not set; set it, or write ${NONE:-default}");
}

TEST(Interpolate, RefusesWhatItDoesNotUnderstandAndDoesNotRepeatIt) {
  for (const char* text : {"${", "${HOST", "${}", "${1A}", "${A B}", "${HOST-x}", "${HOST:?no}", "${HOST:+x}",
                           "${a.b}", "${NONE:-${HOST}}", "${secret"}) {
    const auto value = interpolate(text, kEnv);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().message,
              "a ${ is not understood; write ${VAR}, ${VAR:-default}, or $${ for a plain ${");
  }
}

TEST(Interpolate, LimitsWhatVariablesMakeOfAText) {
  const Environment env{{"BIG", std::string(600'000, 'x')}};
  EXPECT_TRUE(interpolate("${BIG}", env));
  EXPECT_EQ(interpolate("${BIG}${BIG}", env).error().message,
            "its variables make it longer than 1024 KiB; use shorter ones");
}

}  // namespace
}  // namespace docktor
