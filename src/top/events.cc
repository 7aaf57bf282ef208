#include "top/events.h"

#include <algorithm>
#include <utility>

namespace docktor::top {

void EventReader::line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) {
    const auto event = std::exchange(event_, {}), data = std::exchange(data_, {});
    if (!event.empty()) take_(event, data);
    return;
  }
  const auto colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return;
  auto value = text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  const auto name = text.substr(0, colon);
  if (name == "event") event_ = value;
  if (name == "data" && data_.size() + value.size() <= kMostLine) data_ += value;
}

bool EventReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    if (rest_.size() + std::min(end, piece.size()) > kMostLine) return false;
    rest_ += piece.substr(0, end);
    if (end == std::string_view::npos) return true;
    line(rest_);
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace docktor::top
