// The protocol as it comes off the wire: in pieces, with bounds.
#include "queues/redis/reply.h"

#include <gtest/gtest.h>

#include <string>

namespace docktor {
namespace {

TEST(ReplyTest, RepliesAreReadInPieces) {
  const std::string wire = "*4\r\n$3\r\nlag\r\n:7\r\n$4\r\nname\r\n$2\r\nab\r\n$-1\r\n-NOPERM no\r\n+OK\r\n";
  ReplyReader reader;
  std::vector<Reply> got;
  for (const char c : wire) {
    ASSERT_TRUE(reader.feed({&c, 1}));
    auto reply = reader.next();
    ASSERT_TRUE(reply);
    if (*reply) got.push_back(std::move(**reply));
  }
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0].count("lag"), 7u);
  EXPECT_EQ(got[0].text_of("name"), "ab");
  EXPECT_FALSE(got[0].count("name"));
  EXPECT_FALSE(got[0].count("absent"));
  EXPECT_TRUE(got[1].is_nil());
  EXPECT_FALSE(got[1].count());
  EXPECT_TRUE(got[2].is_error("NOPERM"));
  EXPECT_FALSE(got[2].is_error("NOP"));
  EXPECT_EQ(*got[3].words(), "OK");
}

TEST(ReplyTest, NumbersThatAreNoCountsAreNone) {
  ReplyReader reader;
  ASSERT_TRUE(reader.feed(":-5\r\n$2\r\n-5\r\n$3\r\n1x2\r\n$20\r\n99999999999999999999\r\n$2\r\n12\r\n"));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE((*reader.next())->count()) << i;
  EXPECT_EQ((*reader.next())->count(), 12u);
}

TEST(ReplyTest, WhatIsTooMuchEndsTheReading) {
  ReplyReader rubbish;
  ASSERT_TRUE(rubbish.feed("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_FALSE(rubbish.next());

  ReplyReader many;
  ASSERT_TRUE(many.feed("*1000000000\r\n"));
  EXPECT_FALSE(many.next());

  ReplyReader deep;
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += "*1\r\n";
  ASSERT_TRUE(deep.feed(nested));
  EXPECT_FALSE(deep.next());

  ReplyReader large;
  ASSERT_TRUE(large.feed("$500000000\r\n"));
  const std::string piece(1 << 20, 'x');
  bool refused = false;
  for (int i = 0; i < 80 && !refused; ++i) refused = !large.feed(piece) || !large.next();
  EXPECT_TRUE(refused);
}

TEST(ReplyTest, CommandsAreWrittenWithTheirLengths) {
  EXPECT_EQ(wire_of({"GET", "a b"}), "*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
  EXPECT_EQ(one_line("a\x1b[2K\nb"), "a?[2K?b");
}

}  // namespace
}  // namespace docktor
