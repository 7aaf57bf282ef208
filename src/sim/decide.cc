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

Decider::Decider(const Config& config) : max_total_(config.max_total_replicas) {
  for (const ServiceSpec& s : config.services) {
    services_.try_emplace(s.name, Entry{Autoscaler(s, make_policy(s)), Schedule(s), claims_.size()});
    claims_.push_back({s.priority, s.limits.min_replicas, 0, 0});
  }
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

  const auto it = services_.find(service);
  if (it == services_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, entry] : services_) names.push_back(name);
    const auto near = did_you_mean(service, names);
    return bad(fmt::format("service {} is not in the configuration{}", service,
                           near ? fmt::format("; did you mean {}?", *near) : ""));
  }
  Entry& entry = it->second;
  if (!entry.autoscaler.observe(sample)) {
    return bad(fmt::format("t {} is not later than the line before of {}", parsed["t"].dump(), service));
  }
  Overrides overrides;
  if (!entry.calendar.empty()) overrides.scheduled = entry.calendar.at(sample.at);
  Claim& claim = claims_[entry.claim];
  claim.min = overrides.bounds_over(entry.autoscaler.spec().limits).min;
  claim.current = sample.replicas.current;
  if (max_total_) overrides.room = room_of(claims_, entry.claim, *max_total_);
  const Decision decision = entry.autoscaler.evaluate(sample.at, sample.replicas, overrides);
  claim.wanted = wanted_by(decision);
  claim.current = std::max(claim.current, decision.target);
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
