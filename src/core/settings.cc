#include "core/settings.h"

#include <algorithm>

namespace docktor {

void Settings::set(std::string_view key, Setting value) {
  const auto at = std::ranges::find(entries_, key, &Entry::first);
  if (at == entries_.end())
    entries_.emplace_back(key, std::move(value));
  else
    at->second = std::move(value);
}

void Settings::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.first == key; });
}

const Setting* Settings::find(std::string_view key) const {
  const auto at = std::ranges::find(entries_, key, &Entry::first);
  return at == entries_.end() ? nullptr : &at->second;
}

}  // namespace docktor
