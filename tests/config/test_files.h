// For config's tests: a folder of files that goes away, and texts of configurations.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "app/kinds.h"
#include "config/load.h"

namespace docktor {

class TestFolder final {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "docktor-config-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = std::filesystem::canonical(name).string();
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, std::string_view content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }

 private:
  std::string path_;
};

/// A whole configuration with one service of kind process; `more` stands in the service, six spaces in.
inline std::string with_service(std::string_view more) {
  return std::string(R"(services:
  - name: consumer
    max_replicas: 10
    target: {kind: process, command: [worker]}
    rules: {scale_up_when: [{metric: cpu.avg, op: ">", value: 80}]}
)") + std::string(more);
}

/// The same, beside a queue; `more` stands in the queue.
inline std::string with_queue(std::string_view more) {
  return with_service(R"(    queue:
      url: nats://localhost:4222
      stream: EVENTS
      consumer: WEB_WORKERS
)" + std::string(more));
}

inline LoadResult load_text(std::string_view text, const Environment& env = {},
                            const FlagOverrides& flags = {}, const std::string& folder = "/nowhere") {
  return load_config_text(all_kinds(), text, "f.yaml", folder, env, flags);
}

inline LoadResult load_file(const std::string& path, const Environment& env,
                            const FlagOverrides& flags = {}) {
  return load_config(all_kinds(), path, env, flags);
}

/// The only service of a configuration that has to be good.
inline ServiceSpec service_of(const LoadResult& result) {
  for (const auto& m : result.mistakes) ADD_FAILURE() << m;
  if (!result.config || result.config->services.size() != 1) {
    ADD_FAILURE() << "not one service";
    return {};
  }
  return result.config->services[0];
}

}  // namespace docktor
