#include "app/decisions.h"

#include <map>

#include "control/file_journal.h"

namespace docktor {

using nlohmann::ordered_json;

std::vector<ordered_json> find_decisions(const std::string& journal, const DecisionQuery& query) {
  std::map<std::string, std::string> sentences;  // a model's, on what was done
  std::map<std::string, ordered_json>
      outcomes;  // events that came after their decision's record, the last of each
  const auto wanted = [&](const ordered_json& r) {
    if (r.contains("event")) {
      const auto what = r.value("event", "");
      if (what == "outcome" || what == "reject" || what == "proposal_ended")
        outcomes.emplace(r.value("id", ""), r);
      if (what == "explanation") sentences.emplace(r.value("id", ""), r.value("text", ""));
      return false;
    }
    if (!r.contains("decision")) return false;
    if (!query.service.empty() && r.value("service", "") != query.service) return false;
    if (query.changes && r.value("decision", "") == "hold") return false;
    return query.id.empty() || r.value("id", "") == query.id;
  };
  auto records = read_journal_tail(journal, query.id.empty() ? query.most : 1, wanted);
  for (auto& r : records) {
    if (const auto said = sentences.find(r.value("id", "")); said != sentences.end())
      r["explanation"] = said->second;
    const auto it = outcomes.find(r.value("id", ""));
    if (it == outcomes.end()) continue;
    const ordered_json& e = it->second;
    r["outcome"] = e.value("outcome", e.value("event", ""));
    for (const char* key : {"error", "by"}) {
      if (const auto text = e.value(key, ""); !text.empty()) r[key] = text;
    }
    if (e.contains("duration")) r["duration"] = e["duration"];
  }
  return records;
}

}  // namespace docktor
