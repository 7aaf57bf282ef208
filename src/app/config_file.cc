#include "app/config_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "app/words.h"
#include "config/load.h"

namespace docktor {

std::string ConfigFile::not_in_effect(const Config& config) {
  struct stat s{};
  if (config.path.empty() || ::stat(config.path.c_str(), &s) != 0) return {};
  const long long changed = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
  if (of_ == config.digest && changed_ == changed && size_ == s.st_size) return text_;
  of_ = config.digest;
  changed_ = changed;
  size_ = s.st_size;
  text_.clear();
  if (differs_from_file(config)) {
    text_ = fmt::format("{} was changed at {} and is not in effect: `docktor daemon reload`",
                        std::filesystem::path(config.path).filename().string(),
                        local_time(static_cast<double>(s.st_mtim.tv_sec)));
  }
  return text_;
}

bool ConfigFile::in_effect(const Config& config) {
  return ::access(config.path.c_str(), R_OK) == 0 && not_in_effect(config).empty();
}

}  // namespace docktor
