#include "control/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

namespace docktor {

std::string short_hash(const std::string& text) {
  std::uint32_t h = 2166136261u;  // FNV-1a
  for (const unsigned char c : text) h = (h ^ c) * 16777619u;
  return fmt::format("{:08x}", h);
}

Result<Folders> find_folders(const std::function<const char*(const char*)>& get, bool root) {
  const auto value = [&](const char* key) -> std::string {
    const char* v = get(key);
    return v && v[0] == '/' ? v : "";  // XDG: a relative path is to be ignored
  };
  Folders f;
  if (root) {
    f = {"/var/lib/docktor", "/run/docktor", "/var/log/docktor"};
  } else {
    const auto home = value("HOME");
    auto state = value("XDG_STATE_HOME");
    if (state.empty() && !home.empty()) state = home + "/.local/state";
    if (!state.empty()) f = {state + "/docktor", state + "/docktor/run", state + "/docktor/log"};
    if (const auto runtime = value("XDG_RUNTIME_DIR"); !runtime.empty()) f.runtime = runtime + "/docktor";
  }
  if (const auto v = value("DOCKTOR_STATE_DIR"); !v.empty()) f.state = v;
  if (const auto v = value("DOCKTOR_RUNTIME_DIR"); !v.empty()) f.runtime = v;
  if (const auto v = value("DOCKTOR_LOG_DIR"); !v.empty()) f.log = v;
  if (f.state.empty() || f.runtime.empty() || f.log.empty()) {
    return fail(ErrorCode::kInvalid,
                "no folder for state: neither HOME nor XDG_STATE_HOME is set; set one, or DOCKTOR_STATE_DIR, "
                "DOCKTOR_RUNTIME_DIR and DOCKTOR_LOG_DIR, to an absolute path");
  }
  return f;
}

Instance instance_of(const Folders& folders, const std::string& config_path) {
  std::error_code error;
  auto path = std::filesystem::weakly_canonical(config_path, error);
  if (error) path = std::filesystem::absolute(config_path, error);
  Instance i;
  i.config = path.string();
  std::string base = path.parent_path().filename().string();
  std::erase_if(base, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_' || c == '.'); });
  if (base.empty() || base[0] == '.') base = "docktor";
  i.name = fmt::format("{}-{}", base.substr(0, 32), short_hash(i.config));
  i.state_dir = folders.state + "/" + i.name;
  i.runtime_dir = folders.runtime + "/" + i.name;
  i.log_dir = folders.log + "/" + i.name;
  return i;
}

}  // namespace docktor
