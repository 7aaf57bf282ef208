#include "top/model.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "core/json_text.h"

namespace docktor::top {
namespace {

using nlohmann::json;

std::string text_of(const json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() && it->is_string() ? plain_text(it->get<std::string>())
                                                           : std::string();
}

std::optional<double> number_of(const json& j, const char* key) {
  if (!j.is_object()) return std::nullopt;
  const auto it = j.find(key);
  return it != j.end() && it->is_number() ? std::optional(it->get<double>()) : std::nullopt;
}

int count_of(const json& j, const char* key) {
  return static_cast<int>(std::clamp(number_of(j, key).value_or(0), 0.0, 1e6));
}

DecisionLine decision_of(const json& j) {
  return {.t = number_of(j, "t").value_or(0),
          .id = text_of(j, "id"),
          .service = text_of(j, "service"),
          .reason = text_of(j, "reason"),
          .outcome = text_of(j, "outcome"),
          .decision = text_of(j, "decision"),
          .from = count_of(j, "current_replicas"),
          .to = count_of(j, "target_replicas")};
}

ServiceLine service_of(const json& j) {
  ServiceLine s{
      .name = text_of(j, "service"), .queue = text_of(j, "queue"), .why = text_of(j, "why_nothing_happens")};
  s.current = count_of(j, "current");
  s.ready = count_of(j, "ready");
  s.starting = count_of(j, "starting");
  s.failing = count_of(j, "failing");
  s.not_placed = count_of(j, "not_placed");
  s.stopping = count_of(j, "stopping");
  s.target = count_of(j, "target");
  s.min = count_of(j, "min");
  s.max = count_of(j, "max");
  s.proposals = count_of(j, "proposals");
  s.backlog = number_of(j, "backlog");
  s.in_hand = number_of(j, "in_hand");
  s.rate_in = number_of(j, "rate_in");
  s.rate_out = number_of(j, "rate_out");
  s.wait = number_of(j, "oldest_wait");
  const auto guess = j.find("oldest_wait_is_guess");
  s.wait_is_guess = guess != j.end() && guess->is_boolean() && guess->get<bool>();
  s.max_wait = number_of(j, "max_wait");
  s.cpu = number_of(j, "cpu");
  s.dead = number_of(j, "dead");
  if (const auto it = j.find("conditions"); it != j.end() && it->is_array()) {
    for (const auto& c : *it) {
      const auto trouble = c.is_object() ? c.find("trouble") : c.end();
      s.conditions.push_back(
          {text_of(c, "words"), text_of(c, "detail"),
           c.is_object() && trouble != c.end() && trouble->is_boolean() && trouble->get<bool>()});
    }
  }
  if (const auto it = j.find("decision"); it != j.end() && it->is_object()) {
    s.decision = decision_of(*it);
    s.decision->service = s.name;
  }
  return s;
}

// Higher stands first, but for names.
double weight(const ServiceLine& s, Sort by) {
  switch (by) {
    case Sort::kTrouble:
      return (s.trouble() ? 2 : 0) + (s.conditions.empty() ? 0 : 1);
    case Sort::kWait:
      return s.wait.value_or(-1);
    case Sort::kBacklog:
      return s.backlog.value_or(-1);
    case Sort::kReplicas:
      return s.current;
    case Sort::kRate:
      return s.rate_in.value_or(-1);
    case Sort::kName:
      break;
  }
  return 0;
}

constexpr std::array<std::string_view, 6> kSorts{"trouble", "name", "wait", "backlog", "replicas", "rate"};

}  // namespace

std::string_view to_string(Sort s) { return kSorts[static_cast<std::size_t>(s)]; }

bool ServiceLine::trouble() const { return std::ranges::any_of(conditions, &ConditionLine::trouble); }

void Model::take(const std::string& event, const std::string& data) {
  const auto j = parse_json(data);
  if (event == "service" && j.is_object()) {
    auto s = service_of(j);
    if (!s.name.empty()) services_.insert_or_assign(s.name, std::move(s));
  } else if (event == "services" && j.is_array()) {
    std::erase_if(services_, [&](const auto& s) { return std::ranges::find(j, json(s.first)) == j.end(); });
    std::erase_if(history_, [&](const auto& h) { return !services_.contains(h.first); });
  } else if (event == "decision" && j.is_object()) {
    decisions_.push_front(decision_of(j));
    if (decisions_.size() > kMostDecisions) decisions_.pop_back();
  }
}

void Model::take_history(const std::string& service, const std::string& body) {
  const auto j = parse_json(body);
  if (!j.is_object() || !j.contains("columns") || !j["columns"].is_array() || !j.contains("points") ||
      !j["points"].is_array())
    return;
  const auto& columns = j["columns"];
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::ranges::find(columns, json(name)) - columns.begin());
  };
  const auto t = column("t"), wait = column("oldest_wait"), backlog = column("backlog"),
             current = column("current"), max = column("max");
  std::vector<HistoryLine> lines;
  for (const auto& p : j["points"]) {
    const auto at = [&](std::size_t i) {
      return p.is_array() && i < p.size() && p[i].is_number() ? p[i].get<double>() : HistoryLine::kUnknown;
    };
    lines.push_back(
        {.t = at(t), .wait = at(wait), .backlog = at(backlog), .current = at(current), .max = at(max)});
  }
  history_[service] = std::move(lines);
}

void Model::take_decisions(const std::string& service, const nlohmann::ordered_json& records) {
  if (!records.is_array()) return;
  std::erase_if(decisions_, [&](const auto& d) { return d.service == service; });
  for (const auto& r : records) decisions_.push_front(decision_of(json(r)));
  std::ranges::stable_sort(decisions_, std::greater<>(), &DecisionLine::t);
  if (decisions_.size() > kMostDecisions) decisions_.resize(kMostDecisions);
}

std::vector<const ServiceLine*> Model::shown() const {
  std::vector<const ServiceLine*> list;
  for (const auto& [name, s] : services_) {
    if (filter.empty() || name.find(filter) != std::string::npos) list.push_back(&s);
  }
  if (sort != Sort::kName)
    std::ranges::stable_sort(
        list, [&](const auto* a, const auto* b) { return weight(*a, sort) > weight(*b, sort); });
  if (reverse) std::ranges::reverse(list);
  return list;
}

const ServiceLine* Model::chosen() const {
  const auto list = shown();
  const auto it = std::ranges::find(list, chosen_, &ServiceLine::name);
  if (it != list.end()) return *it;
  return list.empty() ? nullptr : list.front();
}

void Model::move(int by) {
  const auto list = shown();
  if (list.empty()) return;
  const auto* now = chosen();
  const auto at = std::ranges::find(list, now) - list.begin();
  const auto to = std::clamp<std::ptrdiff_t>(at + by, 0, static_cast<std::ptrdiff_t>(list.size()) - 1);
  chosen_ = list[static_cast<std::size_t>(to)]->name;
}

void Model::next_sort() { sort = static_cast<Sort>((static_cast<std::size_t>(sort) + 1) % kSorts.size()); }

std::vector<DecisionLine> Model::decisions_of(const std::string& service) const {
  std::vector<DecisionLine> list;
  for (const auto& d : decisions_) {
    if (d.service == service) list.push_back(d);
  }
  return list;
}

const std::vector<HistoryLine>& Model::history_of(const std::string& service) const {
  static const std::vector<HistoryLine> kNone;
  const auto it = history_.find(service);
  return it == history_.end() ? kNone : it->second;
}

std::size_t Model::in_trouble() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(services_, [](const auto& s) { return s.second.trouble(); }));
}

}  // namespace docktor::top
