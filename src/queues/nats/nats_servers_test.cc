#include "queues/nats/nats_servers.h"

#include <gtest/gtest.h>

#include <utility>

namespace docktor {
namespace {

TEST(Servers, AreTakenAsPeopleWriteThem) {
  for (const auto& [written, read] : {
           std::pair{"nats://a:4222", "nats://a:4222"},
           {"nats://a:4222/", "nats://a:4222"},
           {"nats://a:4222, nats://b:4222", "nats://a:4222,nats://b:4222"},
           {" a ,\tb:4222/ ,", "a,b:4222"},
           {"a\n", "a"},
           {"NATS://A:4222", "nats://A:4222"},
           {"tls://u:p/w:@h:4222/", "tls://u:p/w:@h:4222"},
           {"nats://[::1]:4222/", "nats://[::1]:4222"},
           {"[fe80::1%eth0]", "[fe80::1%eth0]"},
           {"nats_server.local:04222", "nats_server.local:04222"},
       }) {
    const auto servers = nats_servers(written, true);
    ASSERT_TRUE(servers) << written << ": " << servers.error().message;
    EXPECT_EQ(*servers, read) << written;
  }
}

TEST(Servers, AreRefusedWithWhatIsWrongInWhichOne) {
  for (const auto& [written, which, why] : {
           std::tuple{"$NATS_URL", "\"$NATS_URL\"", "a variable is written ${NAME}"},
           {"nats://$(hostname):4222", "\"nats://$(hostname):4222\"", "a variable is written ${NAME}"},
           {"nats://a, http://b", "\"http://b\"", "it is no address of NATS"},
           {"ws://a:443", "\"ws://a:443\"", "docktor does not speak WebSocket"},
           {"nats://a:4222/x", "\"nats://a:4222/x\"", "nothing follows the port"},
           {"nats://a:4222?x=y", "\"nats://a:4222?x=y\"", "nothing follows the port"},
           {"a:", "\"a:\"", "no port stands behind the colon"},
           {"a:x", "\"a:x\"", "the port is not a number"},
           {"a:0", "\"a:0\"", "a port is a number from 1 to 65535"},
           {"a:65536", "\"a:65536\"", "a port is a number from 1 to 65535"},
           {"::1:4222", "\"::1:4222\"", "an IPv6 address stands in brackets: [::1]:4222"},
           {"nats://a:4222 nats://b:4222", "\"nats://a:4222 nats://b:4222\"",
            "a blank stands in it; several addresses have commas between"},
           {"nats://[::1:4222", "\"nats://[::1:4222\"", "the [ is never closed"},
           {"nats://[]:4222", "\"nats://[]:4222\"", "no IPv6 address stands in the brackets"},
           {"nats://:4222", "\"nats://:4222\"", "the host is missing"},
           {"'nats'", "\"'nats'\"", "no name of a host has such a character"},
       }) {
    const auto servers = nats_servers(written, true);
    ASSERT_FALSE(servers) << written;
    EXPECT_EQ(servers.error().message,
              std::string(which) + " is not the address of a NATS server: " + why +
                  "; write nats://HOST:PORT or tls://HOST:PORT, several with commas between");
  }
  EXPECT_FALSE(nats_servers(" , ", true));
}

TEST(Servers, AreNotRepeatedWhereTheyMayHoldASecret) {
  const auto servers = nats_servers("nats://u:QQQQ@a, nats://u:QQQQ@b:port", false);
  ASSERT_FALSE(servers);
  EXPECT_EQ(servers.error().message,
            "has at place 2 of 2 what is not the address of a NATS server: the port is not a number; write "
            "nats://HOST:PORT or tls://HOST:PORT, several with commas between");
}

}  // namespace
}  // namespace docktor
