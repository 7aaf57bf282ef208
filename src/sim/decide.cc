#include "sim/decide.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/json_text.h"
#include "core/record.h"
#include "core/text.h"
#include "policy/policies.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// A line of any length is read to its end, but only the first `most` characters are kept.
bool read_line(std::istream& in, std::string& line, std::size_t most, bool& too_long) {
  line.clear();
  too_long = false;
  std::streambuf* buffer = in.rdbuf();
  for (int c = buffer->sbumpc();; c = buffer->sbumpc()) {
    if (c == std::char_traits<char>::eof()) {
      in.setstate(std::ios::eofbit);
      return !line.empty();
    }
    if (c == '\n') return true;
    if (line.size() < most)
      line += static_cast<char>(c);
    else
      too_long = true;
  }
}

}  // namespace

Decider::Decider(const Config& config) {
  for (const ServiceSpec& s : config.services) autoscalers_.try_emplace(s.name, s, make_policy(s));
}

std::string Decider::answer(std::string_view line, std::size_t number) {
  const auto bad = [&](const std::string& what) {
    return to_line(ordered_json{{"line", number}, {"error", what}});
  };
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return bad("the line is empty");
  const json parsed = parse_json(line);
  if (parsed.is_discarded()) return bad("not JSON: one object a line is expected");
  auto input = input_from_json(parsed);
  if (!input) return bad(input.error().message);
  const auto& [service, sample] = *input;

  const auto it = autoscalers_.find(service);
  if (it == autoscalers_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, a] : autoscalers_) names.push_back(name);
    const auto near = did_you_mean(service, names);
    return bad(fmt::format("service {} is not in the configuration{}", service,
                           near ? fmt::format("; did you mean {}?", *near) : ""));
  }
  if (!it->second.observe(sample)) {
    return bad(fmt::format("t {} is not later than the line before of {}", parsed["t"].dump(), service));
  }
  const Decision decision = it->second.evaluate(sample.at, sample.replicas);
  ordered_json record = {{"t", parsed["t"]}};
  record.update(to_json(decision));
  return to_line(record);
}

int run_decide(std::istream& in, std::ostream& out, const Config& config) {
  Decider decider(config);
  std::string line;
  bool too_long = false;
  for (std::size_t number = 1; read_line(in, line, Decider::kMaxLine, too_long); ++number) {
    if (too_long) {
      out << to_line(ordered_json{{"line", number}, {"error", "the line is longer than 1 MiB"}}) << '\n';
    } else {
      out << decider.answer(line, number) << '\n';
    }
    out.flush();
    if (!out) return 1;
  }
  return 0;
}

}  // namespace docktor
