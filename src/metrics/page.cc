#include "metrics/page.h"

#include <fmt/format.h>

#include "core/condition.h"
#include "metrics/text.h"

namespace docktor::metrics {
namespace {

std::string conditions() {
  std::string out = "| condition | what it means |\n| --- | --- |\n";
  for (const auto& c : kConditions)
    out += fmt::format("| `{}`{} | {} |\n", c.name, c.trouble ? " (trouble)" : "", c.words);
  return out;
}

bool put(std::string& page, std::string_view name, const std::string& table) {
  const auto begin = fmt::format("<!-- {}: generated -->\n", name),
             end = fmt::format("<!-- end of {} -->", name);
  const auto from = page.find(begin);
  const auto to = page.find(end);
  if (from == std::string::npos || to == std::string::npos) return false;
  page.replace(from + begin.size(), to - from - begin.size(), "\n" + table + "\n");
  return true;
}

}  // namespace

std::string with_tables(std::string_view page) {
  std::string out(page);
  return put(out, "metrics", to_markdown()) && put(out, "conditions", conditions()) ? out : std::string();
}

}  // namespace docktor::metrics
