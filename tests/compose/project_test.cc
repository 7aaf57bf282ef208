// Which project a service belongs to, and that two docktors never scale it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "targets/compose/compose_file.h"
#include "targets/compose/compose_project.h"
#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

// docktor's reading of a folder's files against what the real Compose makes of them.
struct Named {
  const char* compose_file;
  const char* env;
};

TEST(ProjectNames, AreThoseThatComposeDerives) {
  const std::vector<Named> all{
      {"name: app-${STAGE:-dev}\n", ""},
      {"name: app-${STAGE:-dev}\n", "STAGE=prod # where\n"},
      {"name: $STAGE-${OTHER-x}${NONE:+y}\n", "export STAGE='q a'\n"},
      {"name: ${A:-${B:-deep}}\n", ""},
      {"", "COMPOSE_PROJECT_NAME=proj1 # the name\n"},
      {"", "COMPOSE_PROJECT_NAME=\"proj2\" # the name\r\n"},
      {"", "  COMPOSE_PROJECT_NAME = proj3\n"},
      {"", "BASE=base\nCOMPOSE_PROJECT_NAME=${BASE}-1\n"},
      {"name: in-the-file\n", "COMPOSE_PROJECT_NAME=in-env\n"},
      {"", "COMPOSE_PROJECT_NAME=\n"},
      {"name: Upper_Case.x\n", ""},
      {"", "#COMPOSE_PROJECT_NAME=no\n"},
  };
  for (const auto& n : all) {
    const Stack stack(n.compose_file + ("services:\n" + sleeper("worker")));
    stack.write(".env", n.env);
    const auto asked =
        sh("docker compose -f " + stack.file() + " config --format json 2>/dev/null", stack.folder());
    const auto model = nlohmann::json::parse(asked.out, nullptr, false);
    if (asked.code != 0 || !model.is_object()) continue;  // Compose refuses the name
    EXPECT_EQ(model["name"], derive_project_name(stack.file(), &std::getenv)) << n.compose_file << n.env;
  }
}

TEST(Projects, ADeploymentBehindALinkIsFoundByEitherPath) {
  const Stack stack("services:\n" + sleeper("worker"));
  const auto link = stack.folder() + "-current";
  std::filesystem::create_directory_symlink(stack.folder(), link);
  ASSERT_EQ(0, sh("cd " + link + " && docker compose -p " + stack.project() + " up -d").code);
  Docker docker;
  for (const auto& folder :
       {stack.folder(), link, link + "/../" + std::filesystem::path(link).filename().string()}) {
    ComposeSpec spec;
    spec.compose_file = folder + "/docker-compose.yaml";
    const auto found = find_project(docker.engine(), spec, {});
    EXPECT_EQ(found.value_or("none"), stack.project()) << folder;
  }
  std::filesystem::remove(link);
}

TEST(Projects, TwoThatNameOneServiceDifferentlyDoNotBothScaleIt) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up();
  std::map<std::string, std::weak_ptr<void>> held;
  const auto claim = [&held](const std::string& what) -> Result<std::shared_ptr<void>> {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (held[what].lock()) return fail(ErrorCode::kConflict, "already scaled by another docktor", true);
    auto mine = std::shared_ptr<void>(std::make_shared<int>(1));
    held[what] = mine;
    return mine;
  };
  const RealClock clock;
  // One names the file, the other the project; and each reaches the engine in its own way.
  const auto link = stack.folder() + "-socket";
  std::filesystem::create_symlink(std::string(std::getenv("DOCKER_HOST")).substr(7), link);
  Docker docker;
  Docker other({.getenv = [](const char*) -> const char* { return nullptr; }, .default_socket = link});
  const auto make = [&](Docker& d, bool by_file) {
    ComposeOptions o;
    o.service = "worker";
    (by_file ? o.spec.compose_file : o.spec.project) = by_file ? stack.file() : stack.project();
    o.state_directory = stack.state() + (by_file ? "a" : "b");
    o.claim = claim;
    return std::make_unique<ComposeTarget>(std::move(o), d, clock);
  };
  auto a = make(docker, true);
  ASSERT_TRUE(eventually([&] { return a->report().replicas.size() == 1; }));
  auto b = make(other, false);
  ASSERT_TRUE(eventually([&] { return b->report().problem == "already scaled by another docktor"; }));
  EXPECT_TRUE(b->report().replicas.empty());
  a.reset();
  ASSERT_TRUE(eventually([&] { return b->report().replicas.size() == 1; })) << "the other one takes over";
  std::filesystem::remove(link);
}

}  // namespace
}  // namespace docktor::test
