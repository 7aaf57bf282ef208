#include "app/wiring.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace docktor {
namespace {

ServiceSpec compose_service(const std::string& file, const std::string& project, const std::string& name) {
  ServiceSpec s;
  s.name = name;
  s.target.kind = "compose";
  s.target.settings.set("compose_file", file);
  if (!project.empty()) s.target.settings.set("project", project);
  return s;
}

TEST(ScaledIdentity, IsTheProjectsServiceHoweverTheProjectIsNamed) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("docktor-wiring-" + std::to_string(::getpid())) / "Shop";
  std::filesystem::create_directories(folder);
  const auto file = (folder / "compose.yaml").string();
  std::ofstream(file) << "services: {worker: {image: x}}\n";
  const Config config;
  Wiring wiring({});
  const auto by_file = wiring.scaled_identity(config, compose_service(file, "", "worker"));
  EXPECT_EQ(by_file,
            wiring.scaled_identity(config, compose_service("/elsewhere/compose.yaml", "shop", "worker")));
  EXPECT_NE(by_file, wiring.scaled_identity(config, compose_service(file, "", "web")));
  EXPECT_NE(by_file, wiring.scaled_identity(config, compose_service(file, "other", "worker")));
  std::filesystem::remove_all(folder.parent_path());
}

}  // namespace
}  // namespace docktor
