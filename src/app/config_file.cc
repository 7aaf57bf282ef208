#include "app/config_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "app/words.h"
#include "config/load.h"

namespace docktor {

std::string ConfigFile::not_in_effect(const Config& config) {
  look(config);
  return seen_ == refused_ ? std::string() : text_;
}

bool ConfigFile::in_effect(const Config& config) {
  look(config);
  return ::access(config.path.c_str(), R_OK) == 0 && text_.empty();
}

void ConfigFile::refused(const Config& config) {
  look(config);
  refused_ = seen_;
}

void ConfigFile::look(const Config& config) {
  struct stat s{};
  if (config.path.empty() || ::stat(config.path.c_str(), &s) != 0) {
    seen_ = {};
    text_.clear();
    return;
  }
  const Version now{s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec, s.st_size};
  if (of_ == config.digest && seen_ == now) return;
  of_ = config.digest;
  seen_ = now;
  text_.clear();
  if (differs_from_file(config)) {
    text_ = fmt::format("{} was changed at {} and is not in effect: `docktor daemon reload`",
                        std::filesystem::path(config.path).filename().string(),
                        local_time(static_cast<double>(s.st_mtim.tv_sec)));
  }
}

}  // namespace docktor
