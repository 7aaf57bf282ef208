#include "leases/kubernetes/legacies.h"

#include <algorithm>
#include <utility>

#include "core/json_text.h"
#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

std::string line(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string text_of(const Legacy& legacy, bool with_learned) {
  Json j = {{"version", kVersion}, {"said", legacy.said}};
  if (with_learned) j["learned"] = legacy.learned;
  return line(j);
}

}  // namespace

std::vector<std::string> Legacies::take(const Json& config_map) {
  std::vector<std::string> odd;
  entries_.clear();
  there_.clear();
  const auto& data = kube::field(config_map, "data");
  if (!data.is_object()) return odd;
  for (const auto& [key, value] : data.items()) {
    const auto text = value.is_string() ? value.get<std::string>() : std::string();
    there_[key] = text;
    auto j = parse_json(text);
    const auto& said = kube::field(j, "said");
    const auto& learned = kube::field(j, "learned");
    if (kube::number(j, "version") != kVersion || !said.is_object() ||
        (!learned.is_null() && !learned.is_object())) {
      odd.push_back(kube::short_text(key, 100));
      continue;
    }
    entries_[key] = {{said, learned}, false, line(said)};
  }
  return odd;
}

Legacy Legacies::of(const std::string& service) const {
  const auto at = entries_.find(service);
  return at == entries_.end() ? Legacy{} : at->second.legacy;
}

void Legacies::put(const std::string& service, Legacy legacy) {
  auto& e = entries_[service];
  e.legacy = std::move(legacy);
  e.put = true;
}

void Legacies::keep(const std::vector<std::string>& services) {
  std::erase_if(entries_, [&](const auto& e) {
    return e.first != kOfDaemon && std::ranges::find(services, e.first) == services.end();
  });
}

bool Legacies::urgent() const {
  return std::ranges::any_of(
      entries_, [](const auto& e) { return e.second.put && line(e.second.legacy.said) != e.second.said; });
}

Json Legacies::patch(std::size_t& left_out) const {
  std::map<std::string, std::string> wanted;
  std::size_t size = 0;
  for (const auto& [service, e] : entries_)
    size += service.size() + (wanted[service] = text_of(e.legacy, false)).size();
  left_out = 0;
  for (const auto& [service, e] : entries_) {
    if (e.legacy.learned.is_null()) continue;
    auto whole = text_of(e.legacy, true);
    auto& had = wanted[service];
    if (size - had.size() + whole.size() > kMostBytes) {
      ++left_out;
      continue;
    }
    size += whole.size() - had.size();
    had = std::move(whole);
  }
  Json out = Json::object();
  for (const auto& [service, text] : wanted) {
    const auto at = there_.find(service);
    if (at == there_.end() || at->second != text) out[service] = text;
  }
  for (const auto& [key, text] : there_) {
    if (!wanted.contains(key)) out[key] = nullptr;
  }
  return out;
}

void Legacies::wrote(const Json& patch) {
  for (const auto& [key, text] : patch.items()) {
    if (text.is_null()) {
      there_.erase(key);
      continue;
    }
    there_[key] = text.get<std::string>();
    if (const auto at = entries_.find(key); at != entries_.end())
      at->second.said = line(kube::field(parse_json(there_[key]), "said"));
  }
}

}  // namespace docktor
