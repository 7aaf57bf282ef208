#include "app/journal_load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "control/file_journal.h"
#include "core/meter.h"
#include "core/record.h"

namespace docktor {
namespace {

// Longer without a sample than this, and nobody can say how the arrivals lay in between.
constexpr double kLongestGap = 120;

std::optional<double> number_of(const nlohmann::ordered_json& record, const char* name) {
  const auto numbers = record.find("numbers");
  if (numbers == record.end() || !numbers->is_object()) return std::nullopt;
  const auto it = numbers->find(name);
  if (it == numbers->end() || !it->is_number()) return std::nullopt;
  const double v = it->get<double>();
  return v > 0 && v < 1e9 ? std::optional(v) : std::nullopt;
}

}  // namespace

Result<JournalLoad> load_from_journal(const std::string& path, const std::string& service) {
  JournalLoad out;
  std::set<std::string> services;
  std::optional<Input> last;
  double first = 0;
  auto& rows = out.load.rows;
  const auto read = read_journal(path, [&](const nlohmann::ordered_json& record) {
    const std::string name = record.value("service", "");
    if (!name.empty()) services.insert(name);
    if (!service.empty() && name != service) return true;
    if (const auto v = number_of(record, "capacity")) out.capacity = v;
    if (const auto v = number_of(record, "start_up")) out.start_up = v;
    const auto inputs = record.find("inputs");
    if (inputs == record.end() || !inputs->is_array()) return true;
    for (const auto& line : *inputs) {
      auto input = input_from_json(nlohmann::json(line));
      if (!input || !input->second.queue) continue;
      Input& now = input->second;
      if (last && now.at <= last->at) continue;
      if (!last) {
        out.begins = first = to_seconds(now.at);
      } else {
        const Duration length = now.at - last->at;
        const auto flow = flow_between(*last->queue, *now.queue, length);
        const bool told = flow && to_seconds(length) <= kLongestGap;
        if (!told) out.unknown += to_seconds(length);
        rows.push_back({to_seconds(last->at) - first, told ? flow->arrivals / to_seconds(length) : 0});
      }
      last = std::move(now);
    }
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  if (service.empty() && services.size() > 1)
    return fail(ErrorCode::kInvalid, fmt::format("{} has several services; name one: --service {}", path,
                                                 fmt::join(services, " | ")));
  if (rows.empty())
    return fail(
        ErrorCode::kNotFound,
        services.empty()
            ? fmt::format("{} has no records; a daemon writes one for each evaluation", path)
            : fmt::format("{} has no two samples of a queue{}; its services: {}", path,
                          service.empty() ? "" : " of service " + service, fmt::join(services, ", ")));
  rows.push_back({to_seconds(last->at) - first, 0});
  out.load.name = fmt::format("{} of {}", service.empty() ? *services.begin() : service, path);
  return out;
}

}  // namespace docktor
