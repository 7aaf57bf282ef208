#include "queues/redis/cluster_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace docktor {
namespace {

Reply parsed(const std::string& wire) {
  ReplyReader reader;
  EXPECT_TRUE(reader.feed(wire));
  auto reply = reader.next();
  EXPECT_TRUE(reply && *reply);
  return reply && *reply ? **reply : Reply{};
}

Reply error(const std::string& text) { return parsed("-" + text + "\r\n"); }

// Redis's cluster specification has this vector, and the slots of these keys (CLUSTER KEYSLOT says the same).
TEST(ClusterSlotsTest, AKeysSlotIsThatOfItsTag) {
  EXPECT_EQ(redis_crc16("123456789"), 0x31C3);
  EXPECT_EQ(redis_slot("123456789"), 0x31C3 % 16384);
  EXPECT_EQ(redis_slot("foo"), 12182);
  EXPECT_EQ(redis_slot(""), 0);
  EXPECT_EQ(redis_slot("{foo}:mail"), redis_slot("foo"));
  EXPECT_EQ(redis_slot("bull:{foo}:wait"), redis_slot("foo"));
  EXPECT_EQ(redis_slot("{foo}{bar}"), redis_slot("foo"));
  EXPECT_EQ(redis_slot("{{bar}}zap"), redis_slot("{bar"));
  EXPECT_NE(redis_slot("foo{}{bar}"), redis_slot("bar")) << "empty braces: the whole key";
  EXPECT_NE(redis_slot("foo{bar"), redis_slot("bar")) << "no closing brace: the whole key";
}

TEST(ClusterSlotsTest, TheKeyOfACommand) {
  EXPECT_EQ(key_of({"LLEN", "a"}), "a");
  EXPECT_EQ(key_of({"XINFO", "STREAM", "a"}), "a");
  EXPECT_EQ(key_of({"XREAD", "COUNT", "1", "STREAMS", "a", "$"}), "a");
  EXPECT_EQ(key_of({"ZCOUNT", "a", "-inf", "1"}), "a");
  EXPECT_EQ(key_of({"PING"}), std::nullopt);
  EXPECT_EQ(key_of({"INFO", "server"}), std::nullopt);
}

TEST(ClusterSlotsTest, WhereAServerSendsUs) {
  const auto moved = redirection(error("MOVED 3999 10.0.0.2:6380"), "10.0.0.1:6379");
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->place, "10.0.0.2:6380");
  const auto ask = redirection(error("ASK 1 :6380"), "10.0.0.1:6379");
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->ask);
  EXPECT_EQ(ask->place, "10.0.0.1:6380") << "the same host, another port";
  EXPECT_EQ(redirection(error("MOVED 1 ::1:6380"), "h:1")->place, "[::1]:6380");
  EXPECT_EQ(redirection(error("MOVED 1 redis-2.example:6380"), "h:1")->place, "redis-2.example:6380");
  for (const char* odd : {"MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 a", "MOVED 1 a:0",
                          "MOVED 1 a:99999", "MOVED 1 ?:6379", "MOVEDON 1 a:1", "ERR 1 a:1"})
    EXPECT_FALSE(redirection(error(odd), "h:1")) << odd;
  EXPECT_FALSE(redirection(parsed(":1\r\n"), "h:1"));
}

TEST(ClusterSlotsTest, WhoHasWhichSlot) {
  const auto node = [](const std::string& ip, int port) {
    return "*3\r\n" + ip + ":" + std::to_string(port) + "\r\n$2\r\nid\r\n";
  };
  const std::string one = "$8\r\n10.0.0.1\r\n", nil = "$-1\r\n";
  const auto map = SlotMap::parse(parsed("*2\r\n*4\r\n:0\r\n:99\r\n" + node(one, 1) + node(one, 2) +
                                         "*3\r\n:200\r\n:16383\r\n" + node(nil, 3)),
                                  "asked:6379");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->master(0), "10.0.0.1:1");
  EXPECT_EQ(map->master(99), "10.0.0.1:1");
  EXPECT_EQ(map->master(100), "");
  EXPECT_EQ(map->master(200), "asked:3") << "a server that does not know its name";
  EXPECT_THAT(map->masters(), testing::ElementsAre("10.0.0.1:1", "asked:3"));
  EXPECT_THAT(map->replicas(), testing::ElementsAre("10.0.0.1:2"));
  auto later = *map;
  later.moved(99, "other:4");
  EXPECT_EQ(later.master(99), "other:4");
  EXPECT_EQ(later.master(98), "10.0.0.1:1");
  EXPECT_FALSE(SlotMap::parse(parsed(":1\r\n"), "h:1"));
  EXPECT_FALSE(SlotMap::parse(parsed("*1\r\n*1\r\n:0\r\n"), "h:1"));
  EXPECT_FALSE(SlotMap::parse(parsed("*1\r\n*3\r\n:0\r\n:16384\r\n" + node(one, 1)), "h:1"));
  EXPECT_TRUE(SlotMap::parse(parsed("*0\r\n"), "h:1")) << "a cluster that has no slots yet";
}

}  // namespace
}  // namespace docktor
