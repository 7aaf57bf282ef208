// A replica made by docktor against one made by Compose, as `docker inspect` shows them, field by field.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// What belongs to one container alone, in what Compose makes as well.
const std::set<std::string> kOwn = {"/Id",
                                    "/Created",
                                    "/Name",
                                    "/Config/Hostname",
                                    "/Config/Labels/com.docker.compose.container-number",
                                    "/HostnamePath",
                                    "/HostsPath",
                                    "/LogPath",
                                    "/ResolvConfPath"};

bool own(const std::string& path) {
  if (kOwn.contains(path) || path.starts_with("/State/") || path.starts_with("/GraphDriver/Data/"))
    return true;
  for (const auto* tail : {"/IPAddress", "/MacAddress", "/EndpointID", "/SandboxID", "/SandboxKey",
                           "/HostPort", "/Gateway", "/GlobalIPv6Address"}) {
    if (path.ends_with(tail)) return true;
  }
  return false;
}

// Ids, names and anonymous volumes by what they are, not by their value.
json normal(const json& inspect) {
  const auto id = inspect["Id"].get<std::string>();
  const auto name = inspect["Name"].get<std::string>().substr(1);
  auto text = inspect.dump();
  const auto replace = [&](const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
      text.replace(at, what.size(), by);
  };
  replace(id, "ID");
  replace(id.substr(0, 12), "SHORT");
  replace(name, "NAME");
  auto j = json::parse(text);
  j.erase("ExecIDs");  // a health check that happens to run just now
  for (auto& m : j["Mounts"]) {
    if (m.value("Name", "").size() == 64) m["Name"] = m["Source"] = "ANONYMOUS";
  }
  std::sort(j["Mounts"].begin(), j["Mounts"].end(),
            [](const json& a, const json& b) { return a["Destination"] < b["Destination"]; });
  std::sort(j["Config"]["Env"].begin(), j["Config"]["Env"].end());
  auto& mounts = j["HostConfig"]["Mounts"];
  if (mounts.is_array()) {
    std::sort(mounts.begin(), mounts.end(),
              [](const json& a, const json& b) { return a["Target"] < b["Target"]; });
  }
  for (auto& [network, e] : j["NetworkSettings"]["Networks"].items()) {
    if (e["Aliases"].is_array()) std::sort(e["Aliases"].begin(), e["Aliases"].end());
  }
  return j;
}

std::vector<std::string> differences(const json& a, const json& b) {
  std::vector<std::string> out;
  const auto x = normal(a), y = normal(b);
  for (const auto& d : json::diff(x, y)) {
    const auto path = d["path"].get<std::string>();
    if (own(path)) continue;
    const auto p = json::json_pointer(path);
    out.push_back(fmt::format("{}: {} | {}", path, x.contains(p) ? x[p].dump() : "-",
                              y.contains(p) ? y[p].dump() : "-"));
  }
  return out;
}

const char* kRich = R"(services:
  worker:
    image: docktor-test/busybox
    init: true
    command: [sleep, '10000']
    environment: {A: '1', B: "two words", C: 'ünï"'}
    labels: {mine: yes, docktor.enable: 'true'}
    user: '0'
    working_dir: /tmp
    stop_signal: SIGINT
    stop_grace_period: 7s
    restart: unless-stopped
    tty: true
    stdin_open: true
    read_only: true
    tmpfs: [/scratch]
    shm_size: 32m
    mem_limit: 64m
    mem_reservation: 32m
    cpus: 0.5
    cpuset: '0'
    pids_limit: 100
    ulimits: {nofile: {soft: 1000, hard: 2000}}
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    security_opt: ['no-new-privileges:true']
    sysctls: {net.core.somaxconn: 1024}
    extra_hosts: ['elsewhere:10.1.2.3']
    dns: [10.9.9.9]
    dns_search: [example.test]
    group_add: ['27']
    expose: ['8080']
    ports: ['8081']
    ipc: private
    oom_score_adj: 100
    logging: {driver: json-file, options: {max-size: 1m}}
    healthcheck: {test: [CMD, 'true'], interval: 1s, timeout: 5s, retries: 3}
    volumes: [/anonymous, 'named:/named', './bind:/bind:ro']
    secrets: [file_secret]
    networks:
      front: {aliases: [w, shared]}
      back: {aliases: [behind], link_local_ips: []}
    depends_on: [other]
  other:
    image: docktor-test/busybox
    init: true
    command: sleep 10000
    networks: [front]
volumes:
  named:
networks:
  front:
  back:
secrets:
  file_secret: {file: ./secret}
)";

class Clones : public testing::Test {
 protected:
  Docker docker_;
};

TEST_F(Clones, AreWhatComposeWouldHaveMade) {
  const Stack stack(kRich);
  must("mkdir bind && echo hush > secret", stack.folder());
  stack.up("--scale worker=2");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(2));
  const auto r = s.scale(3);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_TRUE(s.ready(3));
  const auto one = stack.inspect(stack.project() + "-worker-1"),
             two = stack.inspect(stack.project() + "-worker-2"),
             three = stack.inspect(stack.project() + "-worker-3");
  EXPECT_THAT(differences(one, two), ElementsAre()) << "the comparison itself: two by Compose";
  EXPECT_THAT(differences(two, three), ElementsAre());
  EXPECT_EQ("3", three["Config"]["Labels"]["com.docker.compose.container-number"]);
  EXPECT_EQ("hush", must("docker exec " + stack.project() + "-worker-3 cat /run/secrets/file_secret"));
}

TEST_F(Clones, OfARecreatedReplicaHaveVolumesOfTheirOwn) {
  const Stack stack("services:\n" + sleeper("worker", "    volumes: [/data]\n"));
  stack.up();
  ASSERT_EQ(0, stack.compose("up -d -t 0 --force-recreate").code);
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  const auto volume = [&](int n) {
    return stack.inspect(fmt::format("{}-worker-{}", stack.project(), n))["Mounts"][0]["Name"];
  };
  EXPECT_NE(volume(1), volume(2));
}

TEST_F(Clones, AreReachedByTheServicesName) {
  const Stack stack("services:\n" + sleeper("worker") + sleeper("other"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  const auto addresses = must("docker exec " + stack.project() +
                              "-other-1 nslookup worker 127.0.0.11 | grep -c '^Address.*172\\|^Address: 1'");
  EXPECT_EQ("3", addresses);
}

}  // namespace
}  // namespace docktor::test
