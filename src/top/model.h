// What `docktor top` knows: services, decisions, history, and what the person looks at.
#pragma once

#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor::top {

struct ConditionLine {
  std::string words, detail;
  bool trouble = false;
};

struct DecisionLine {
  double t = 0;  ///< Unix seconds
  std::string id, service, reason, outcome, decision;
  int from = 0, to = 0;
};

/// As the stream of events has it; what is not known is absent.
struct ServiceLine {
  std::string name, queue, why;
  int current = 0, ready = 0, starting = 0, failing = 0, not_placed = 0, stopping = 0;
  int target = 0, min = 0, max = 0, proposals = 0;
  bool wait_is_guess = false;
  std::optional<double> backlog, in_hand, rate_in, rate_out, wait, max_wait, cpu, dead;
  std::vector<ConditionLine> conditions;
  std::optional<DecisionLine> decision;

  bool trouble() const;
};

struct HistoryLine {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double t = 0;
  double wait = kUnknown, backlog = kUnknown, current = kUnknown, max = kUnknown;
};

enum class Sort { kTrouble, kName, kWait, kBacklog, kReplicas, kRate };
std::string_view to_string(Sort s);

/// A question that a key asked: y does it.
struct Question {
  std::string text;
  std::string operation;
  nlohmann::ordered_json arguments;
};

/// Not thread-safe. Texts from outside are made plain when they are taken in.
class Model {
 public:
  static constexpr std::size_t kMostDecisions = 500;

  /// An event of the stream. What cannot be read is ignored.
  void take(const std::string& event, const std::string& data);
  /// The answer of /services/{service}/history.
  void take_history(const std::string& service, const std::string& body);
  /// Of the service's last hours, newest last, in place of what the stream told.
  void take_decisions(const std::string& service, const nlohmann::ordered_json& records);

  /// Those that pass the filter, in the order that the person chose.
  std::vector<const ServiceLine*> shown() const;
  const ServiceLine* chosen() const;  ///< of those; nullptr where there is none
  std::vector<DecisionLine> decisions_of(const std::string& service) const;  ///< newest first
  const std::vector<HistoryLine>& history_of(const std::string& service) const;
  std::size_t services() const { return services_.size(); }
  std::size_t in_trouble() const;

  void move(int by);  ///< the choice, up and down the list
  void next_sort();

  std::string filter;
  Sort sort = Sort::kTrouble;
  bool reverse = false;
  bool typing = false;  ///< the filter is being typed
  bool help = false;
  bool acts = false;  ///< keys may change something
  std::optional<Question> question;
  std::string message;           ///< what the last action came to
  std::string host, about;       ///< for the head line
  std::optional<double> silent;  ///< seconds since the daemon was last heard, where that is too long
  double now = 0;                ///< Unix seconds

 private:
  std::map<std::string, ServiceLine> services_;
  std::map<std::string, std::vector<HistoryLine>> history_;
  std::deque<DecisionLine> decisions_;
  std::string chosen_;
};

}  // namespace docktor::top
