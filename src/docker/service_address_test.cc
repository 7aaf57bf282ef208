#include "docker/service_address.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using nlohmann::json;

json row() {
  return {{"State", "running"},
          {"Ports",
           {{{"PrivatePort", 8222}, {"Type", "tcp"}},
            {{"IP", "::"}, {"PrivatePort", 4222}, {"PublicPort", 14222}, {"Type", "tcp"}},
            {{"IP", "0.0.0.0"}, {"PrivatePort", 4222}, {"PublicPort", 14222}, {"Type", "tcp"}}}},
          {"NetworkSettings", {{"Networks", {{"n", {{"IPAddress", "172.30.0.2"}}}}}}}};
}

TEST(ReachableAddress, IsThePublishedPortOnThisMachine) {
  EXPECT_EQ("127.0.0.1:14222", *reachable_address(row(), 4222, ""));
}

TEST(ReachableAddress, IsTheEnginesHostWhereThatIsAnother) {
  EXPECT_EQ("10.0.0.7:14222", *reachable_address(row(), 4222, "10.0.0.7"));
  EXPECT_FALSE(reachable_address(row(), 8222, "10.0.0.7")) << "not published";
}

TEST(ReachableAddress, IsTheContainersOwnWhereNothingIsPublished) {
  EXPECT_EQ("172.30.0.2:8222", *reachable_address(row(), 8222, ""));
}

TEST(ReachableAddress, AStoppedContainerHasNone) {
  auto r = row();
  r["State"] = "exited";
  EXPECT_FALSE(reachable_address(r, 4222, ""));
}

TEST(ReachableAddress, AnAddressOfTheHostsIsKept) {
  auto r = row();
  r["Ports"] = {{{"IP", "192.168.1.5"}, {"PrivatePort", 4222}, {"PublicPort", 4222}, {"Type", "tcp"}}};
  EXPECT_EQ("192.168.1.5:4222", *reachable_address(r, 4222, ""));
}

}  // namespace
}  // namespace docktor
