#include "control/journal_record.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace docktor {
namespace {

using Json = nlohmann::ordered_json;

enum class Shape { kText, kNumber, kCount, kObject, kObjects };

struct Field {
  std::string_view name;
  Shape shape;
};

// clang-format off: a table.
constexpr std::array kFields = std::to_array<Field>({
    {"ts", Shape::kText},       {"service", Shape::kText},  {"id", Shape::kText},     {"event", Shape::kText},
    {"decision", Shape::kText}, {"reason", Shape::kText},   {"outcome", Shape::kText}, {"error", Shape::kText},
    {"by", Shape::kText},       {"text", Shape::kText},     {"verdict", Shape::kText},
    {"t", Shape::kNumber},      {"duration", Shape::kNumber},
    {"current_replicas", Shape::kCount}, {"target_replicas", Shape::kCount},
    {"observations", Shape::kObject}, {"numbers", Shape::kObject},   {"overrides", Shape::kObject},
    {"metadata", Shape::kObject},     {"advice", Shape::kObject},    {"configuration", Shape::kObject},
    {"matched_rules", Shape::kObjects}, {"limits", Shape::kObjects}, {"inputs", Shape::kObjects},
});
// clang-format on

bool has_shape(const Json& v, Shape shape) {
  switch (shape) {
    case Shape::kText:
      return v.is_string();
    case Shape::kNumber:
      return v.is_number();
    case Shape::kCount:
      return v.is_number_integer();
    case Shape::kObject:
      return v.is_object();
    case Shape::kObjects:
      return v.is_array() && std::ranges::all_of(v, [](const Json& item) { return item.is_object(); });
  }
  return false;
}

}  // namespace

bool is_journal_record(const Json& line) {
  if (!line.is_object()) return false;
  for (const auto& f : kFields) {
    const auto it = line.find(f.name);
    if (it != line.end() && !has_shape(*it, f.shape)) return false;
  }
  const auto inputs = line.find("inputs");
  return inputs == line.end() || std::ranges::all_of(*inputs, [](const Json& i) {
           const auto t = i.find("t");
           return t == i.end() || t->is_number();
         });
}

}  // namespace docktor
