// Configurations that are refused: a text each, and every mistake that is to be told of it.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "tests/config/test_files.h"

namespace docktor::mistakes {

using Strings = std::vector<std::string>;

struct Case {
  const char* name;
  std::string text;
  Strings mistakes;
};

inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Refused : public testing::TestWithParam<Case> {};

inline std::string names_of(std::span<const KindKeys* const> kinds) {
  std::string out;
  for (const auto* k : kinds) out += (out.empty() ? "" : ", ") + std::string(k->name);
  return out;
}

// A service in flow style, so that a case fits on a line; what is in it is good but for `changed`.
inline std::string flow(const std::string& changed, const std::string& rest) {
  return "services:\n  - {" + changed + ", " + rest + "}\n";
}
inline const std::string kRest =
    "target: {kind: process, command: [w]}, rules: {scale_up_when: [{metric: cpu.avg, op: '>', value: 1}]}";

inline std::string rule(const std::string& text) {
  return "services:\n  - name: a\n    max_replicas: 2\n    target: {kind: process, command: [w]}\n    "
         "rules:\n"
         "      scale_up_when:\n        - " +
         text + "\n";
}

inline std::string rabbit(const std::string& keys, const std::string& policy,
                          const std::string& url = "url: 'amqp://h', ") {
  return "services:\n  - name: a\n    max_replicas: 2\n    target: {kind: process, command: [w]}\n"
         "    queue: {kind: rabbitmq, " +
         url + keys + ", queue: q}\n    " + policy + "\n";
}

inline std::string target(const std::string& text) {
  return "services:\n  - name: a\n    max_replicas: 2\n    rules: {scale_up_when: [{metric: cpu.avg, op: "
         "'>', value: 1}]}\n" +
         text;
}

inline constexpr const char* kCommand = "a list of program and arguments, or one text for /bin/sh -c";
inline constexpr const char* kInteger = "; allowed: a whole number from 1 to 100000";
inline constexpr const char* kTopKeys =
    "allowed: version, llm, http, high_availability, notifications, services, max_total_replicas, host, "
    "service, "
    "scaling, target, "
    "compose_file";

}  // namespace docktor::mistakes
