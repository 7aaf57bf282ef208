// Label selectors, as /scale tells them: "app=web,tier in (a,b),!canary".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

using Labels = std::map<std::string, std::string, std::less<>>;

/// A value; copies are as safe between threads as texts.
class LabelSelector {
 public:
  /// Nothing where the text is no selector. An empty text selects nothing: a workload that tells none has no pods that could
  /// be told from others. Pure.
  static std::optional<LabelSelector> parse(std::string_view text);

  bool matches(const Labels& labels) const;

 private:
  struct Term {
    std::string key;
    bool in = true;                   // false: none of the values; without values: not there
    std::vector<std::string> values;  // empty: any
  };
  std::vector<Term> terms_;
};

}  // namespace docktor
