#include "docker/clone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "docker/container.h"
#include "docker/events.h"

namespace docktor {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kId(64, 'a');
const std::string kVolume(64, 'b');

json source() {
  return json{
      {"Id", kId},
      {"Name", "/shop-worker-2"},
      {"Image", "sha256:1"},
      {"Config",
       {{"Hostname", kId.substr(0, 12)},
        {"Image", "shop-worker"},
        {"Env", {"A=1"}},
        {"MacAddress", "02:42:ac:11:00:02"},
        {"SomethingNew", {{"kept", true}}},
        {"Labels",
         {{"com.docker.compose.project", "shop"},
          {"com.docker.compose.service", "worker"},
          {"com.docker.compose.config-hash", "h1"},
          {"com.docker.compose.container-number", "2"},
          {"com.docker.compose.replace", "shop-worker-1"}}}}},
      {"HostConfig",
       {{"NetworkMode", "shop_default"},
        {"ContainerIDFile", "/tmp/x"},
        {"Memory", 1000},
        {"PortBindings", json::object()},
        {"Mounts",
         {{{"Type", "volume"}, {"Source", kVolume}, {"Target", "/data"}},
          {{"Type", "volume"}, {"Source", "shop_named"}, {"Target", "/named"}}}}}},
      {"NetworkSettings",
       {{"Networks",
         {{"shop_default",
           {{"Aliases", {"shop-worker-2", "worker", kId.substr(0, 12), "mine"}},
            {"MacAddress", "02:42:ac:1e:00:03"},
            {"IPAddress", "172.30.0.3"},
            {"IPAMConfig", json::object()},
            {"NetworkID", "n1"}}},
          {"shop_back", {{"Aliases", {"worker"}}, {"NetworkID", "n2"}, {"DriverOpts", {{"a", "b"}}}}}}}}}};
}

ClonePlan plan(const json& from, ApiVersion api = {1, 41}) {
  return plan_clone(
      {.source = from, .name = "shop-worker-7", .number = 7, .image = "shop-worker", .api = api});
}

TEST(PlanClone, KeepsEverythingButWhatIsTheTemplatesOwn) {
  const auto from = source();
  const auto c = plan(from).create;
  EXPECT_EQ("shop-worker", c["Image"]);
  EXPECT_FALSE(c.contains("Hostname"));
  EXPECT_FALSE(c.contains("MacAddress"));
  EXPECT_EQ(true, c["SomethingNew"]["kept"]);
  EXPECT_EQ("7", c["Labels"]["com.docker.compose.container-number"]);
  EXPECT_EQ("h1", c["Labels"]["com.docker.compose.config-hash"]);
  EXPECT_FALSE(c["Labels"].contains("com.docker.compose.replace"));
  EXPECT_EQ(1000, c["HostConfig"]["Memory"]);
  EXPECT_FALSE(c["HostConfig"].contains("ContainerIDFile"));
}

TEST(PlanClone, AHostNameThatTheUserChoseStays) {
  auto from = source();
  from["Config"]["Hostname"] = "mine";
  EXPECT_EQ("mine", plan(from).create["Hostname"]);
}

TEST(PlanClone, AliasesAreTheServicesAndItsOwn) {
  const auto from = source();
  const auto c = plan(from).create;
  const auto& endpoint = c["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
  EXPECT_THAT(endpoint["Aliases"], ElementsAre("shop-worker-7", "worker", "mine"));
  EXPECT_FALSE(endpoint.contains("MacAddress"));
  EXPECT_FALSE(endpoint.contains("IPAddress"));
}

TEST(PlanClone, FurtherNetworksAreConnectedAfterwardsOnOldEnginesOnly) {
  const auto from = source();
  const auto old = plan(from, {1, 43});
  ASSERT_EQ(1u, old.connect.size());
  EXPECT_EQ("shop_back", old.connect[0].first);
  EXPECT_EQ("b", old.connect[0].second["EndpointConfig"]["DriverOpts"]["a"]);
  EXPECT_EQ(1u, old.create["NetworkingConfig"]["EndpointsConfig"].size());
  const auto now = plan(from, {1, 44});
  EXPECT_TRUE(now.connect.empty());
  EXPECT_EQ(2u, now.create["NetworkingConfig"]["EndpointsConfig"].size());
}

TEST(PlanClone, AnonymousVolumesAreNotShared) {
  auto from = source();
  auto mounts = plan(from).create["HostConfig"]["Mounts"];
  EXPECT_FALSE(mounts[0].contains("Source"));
  EXPECT_EQ("shop_named", mounts[1]["Source"]);
  from["HostConfig"]["Binds"] = {kVolume + ":/old:rw", "/host:/in:ro"};
  const auto c = plan(from).create;
  EXPECT_THAT(c["HostConfig"]["Binds"], ElementsAre("/host:/in:ro"));
  EXPECT_TRUE(c["Volumes"].contains("/old"));
}

TEST(PlanClone, TheHostsNetworkHasNoEndpoints) {
  auto from = source();
  for (const auto* mode : {"host", "none", "bridge", "default", "container:abc"}) {
    from["HostConfig"]["NetworkMode"] = mode;
    EXPECT_FALSE(plan(from).create.contains("NetworkingConfig")) << mode;
  }
}

TEST(PlanClone, LinksAreWrittenAsCreateWantsThem) {
  auto from = source();
  from["HostConfig"]["Links"] = {"/shop-db-1:/shop-worker-2/db"};
  EXPECT_THAT(plan(from).create["HostConfig"]["Links"], ElementsAre("shop-db-1:db"));
}

TEST(NameStem, KeepsComposesSeparator) {
  auto from = source();
  EXPECT_EQ("shop-worker-", name_stem(from));
  from["Name"] = "/shop_worker_2";
  EXPECT_EQ("shop_worker_", name_stem(from));
  from["Name"] = "/my-worker";
  EXPECT_EQ("", name_stem(from));
  from["Name"] = "/thing2";
  EXPECT_EQ("", name_stem(from));
  from["Name"] = "/0123456789ab_shop-worker-2";  // Compose is replacing it
  EXPECT_EQ("shop-worker-", name_stem(from));
  from["Name"] = "/worker-2";  // container_name, though it looks like Compose's
  EXPECT_EQ("", name_stem(from));
  from["Name"] = "/other-worker-2";
  EXPECT_EQ("", name_stem(from));
}

TEST(FindTraps, NoneInAPlainService) {
  EXPECT_THAT(find_traps([] {
                auto s = source();
                s["Config"].erase("MacAddress");
                return s;
              }()),
              IsEmpty());
}

TEST(FindTraps, EachIsNamedWithItsCure) {
  auto from = source();
  from["Config"].erase("MacAddress");
  from["Name"] = "/the-worker";
  ASSERT_EQ(1u, find_traps(from).size());
  EXPECT_THAT(find_traps(from)[0].what, HasSubstr("container_name"));
  EXPECT_THAT(find_traps(from)[0].cure, HasSubstr("remove container_name from service worker"));

  from = source();
  from["Config"].erase("MacAddress");
  from["HostConfig"]["PortBindings"] = {{"80/tcp", {{{"HostIp", ""}, {"HostPort", "8080"}}}}};
  ASSERT_EQ(1u, find_traps(from).size());
  EXPECT_EQ(1, find_traps(from)[0].most_replicas);
  EXPECT_THAT(find_traps(from)[0].what, HasSubstr("8080"));

  from["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] = "18100-18103";
  EXPECT_EQ(4, find_traps(from).at(0).most_replicas);
  from["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] = "0";
  EXPECT_THAT(find_traps(from), IsEmpty());

  from["NetworkSettings"]["Networks"]["shop_default"]["IPAMConfig"] = {{"IPv4Address", "172.30.0.99"}};
  ASSERT_EQ(1u, find_traps(from).size());
  EXPECT_THAT(find_traps(from)[0].what, HasSubstr("172.30.0.99"));
}

TEST(ReadContainer, SurvivesAnyJson) {
  for (const auto* text : {"{}", "null", "[]", R"({"State": 3, "Config": {"Labels": []}, "Name": 7})"}) {
    EXPECT_EQ("", read_container(json::parse(text)).id);
  }
}

TEST(ReadContainer, ATemporaryNameMeansThatComposeIsReplacing) {
  auto from = source();
  EXPECT_FALSE(read_container(from).replacing) << "the label alone stays for good";
  from["Name"] = "/0123456789ab_shop-worker-2";
  EXPECT_TRUE(read_container(from).replacing);
}

TEST(ParseRfc3339, TakesFractionsAndOffsets) {
  EXPECT_EQ(1738161000.5, to_seconds(*parse_rfc3339("2025-01-29T14:30:00.5Z")));
  EXPECT_EQ(1738161000.0, to_seconds(*parse_rfc3339("2025-01-29T15:30:00+01:00")));
  EXPECT_FALSE(parse_rfc3339("0001-01-01T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("yesterday"));
}

TEST(JsonSplitter, CutsObjectsWhateverStandsBetween) {
  JsonSplitter s;
  std::vector<std::string> seen;
  const auto take = [&](std::string_view t) { seen.emplace_back(t); };
  EXPECT_TRUE(s.feed("{\"a\":{\"b\":\"}\\\"\"}}{\"c\"", take));
  EXPECT_TRUE(s.feed(":1}\n\x1e{}", take));
  EXPECT_THAT(seen, ElementsAre("{\"a\":{\"b\":\"}\\\"\"}}", "{\"c\":1}", "{}"));
}

TEST(JsonSplitter, AnEndlessObjectIsRefused) {
  JsonSplitter s;
  EXPECT_FALSE(s.feed("{\"" + std::string(JsonSplitter::kMostObject, 'x'), [](std::string_view) {}));
}

TEST(EngineError, SaysWhatAndWhereAndTheCure) {
  const auto e = engine_error(403, "Forbidden", "start shop-worker-2", "tcp://proxy:2375");
  EXPECT_EQ(ErrorCode::kDenied, e.code);
  EXPECT_THAT(e.message, HasSubstr("tcp://proxy:2375 could not start shop-worker-2: Forbidden"));
  EXPECT_THAT(e.message, HasSubstr("CONTAINERS=1"));
}

}  // namespace
}  // namespace docktor
