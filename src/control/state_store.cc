#include "control/state_store.h"

#include <algorithm>
#include <utility>

#include "control/paths.h"
#include "core/json_text.h"

namespace docktor {
namespace {

constexpr std::size_t kMostBytes = 16u << 20;

}  // namespace

std::string StateStore::file(const std::string& service) const {
  std::string safe = service.substr(0, 64);
  std::ranges::replace_if(
      safe, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_'); }, '_');
  return folder_ + "/" + safe + "-" + short_hash(service) + ".state.json";
}

Result<void> StateStore::save(const std::string& service, const nlohmann::json& state, Matter matter) {
  auto text = state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto path = file(service);
  writer_.write(path, std::move(text), matter == Matter::kSaid ? OnDisk::kNew : OnDisk::kEither);
  if (auto error = writer_.trouble(path)) return tl::unexpected(std::move(*error));
  return {};
}

Result<void> StateStore::on_disk(const std::string& service, std::chrono::milliseconds patience) {
  return writer_.on_disk(file(service), patience);
}

nlohmann::json StateStore::load(const std::string& service) const {
  const auto text = writer_.read(file(service), kMostBytes);
  if (!text) return nullptr;
  return parse_json(*text);  // discarded (not an object) when damaged
}

std::string StateStore::trouble() const {
  const auto error = writer_.trouble();
  if (!error) return "";
  return error->message +
         "; make room there, or set the folder right: until then a restart forgets what was learned and what "
         "people said";
}

}  // namespace docktor
