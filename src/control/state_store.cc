#include "control/state_store.h"

#include <algorithm>

#include "control/atomic_file.h"
#include "control/paths.h"

namespace docktor {

std::string StateStore::file(const std::string& service) const {
  std::string safe = service.substr(0, 64);
  std::ranges::replace_if(
      safe, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_'); }, '_');
  return folder_ + "/" + safe + "-" + short_hash(service) + ".state.json";
}

Result<void> StateStore::save(const std::string& service, const nlohmann::json& state) {
  return write_atomically(file(service),
                          state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json StateStore::load(const std::string& service) const {
  const auto text = read_file(file(service), 16u << 20);
  if (!text) return nullptr;
  return nlohmann::json::parse(*text, nullptr, false);  // discarded (not an object) when damaged
}

}  // namespace docktor
