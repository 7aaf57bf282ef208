// Rubbish never crashes, hangs or throws: what is not a configuration has a mistake.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "app/configuration_page.h"
#include "config/effective.h"
#include "config/knobs.h"
#include "tests/config/test_files.h"

namespace docktor {
namespace {

void check_outcome(const LoadResult& result) {
  RC_ASSERT(result.config.has_value() == result.mistakes.empty());
  for (const auto& m : result.mistakes) {
    RC_ASSERT(m.find('\n') == std::string::npos);
    RC_ASSERT(m.starts_with("f.yaml:") || m.starts_with("DOCKTOR_") || m.starts_with("--"));
  }
  if (!result.config) return;
  RC_ASSERT(!result.config->services.empty());
  for (const auto& s : result.config->services) {
    RC_ASSERT(0 <= s.limits.min_replicas && s.limits.min_replicas <= s.limits.max_replicas);
    RC_ASSERT(s.limits.max_replicas >= 1 && s.limits.scale_up_by >= 1 && s.limits.scale_down_by >= 1);
    RC_ASSERT(s.sample_interval > Duration::zero() && s.sample_interval <= s.check_interval);
    RC_ASSERT(s.metrics_window > Duration::zero());
    RC_ASSERT(s.rules || s.objective);
    RC_ASSERT(s.limits.min_replicas > 0 || s.queue);
  }
  (void)effective_config(*result.config)
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::vector<std::string> seeds() {
  return {
      std::string(queue_example()),
      std::string(objective_example()),
      std::string(legacy_example()),
      with_queue("      tls: {ca_file: /dev/null}\n      metrics: [lag]\n"),
      "x: &x {a: &y [1, 2], b: *y}\nservices:\n  - <<: *x\n    name: \"${A:-b}\"\n    rules: |\n      text\n",
      "? a\n: b\n--- # c\n- !!str 'd'\n- \"\\x41\\u00e9\"\n"};
}

// What files are made of: single characters, and whole keys and values of ours.
rc::Gen<std::string> piece() {
  std::vector<std::string> words = {"- ",     ": ",     "\n",
                                    "\n  ",   "\n    ", "{",
                                    "}",      "[",      "]",
                                    ", ",     "\"",     "'",
                                    "&a ",    "*a",     "<<: ",
                                    "!!int ", "!x ",    "|\n",
                                    ">\n",    "#",      "---\n",
                                    "...\n",  "\t",     "${A}",
                                    "${",     "$$",     "~",
                                    "0",      "-1",     "1e999",
                                    "10s",    "\xff",   "\x04",
                                    "é",      "? ",     "%YAML 1.2\n",
                                    "\r\n",   "\\",     std::string(1, '\0')};
  for (const auto& k : knobs()) words.push_back(std::string(k.key) + ": ");
  return rc::gen::elementOf(words);
}

RC_GTEST_PROP(AnyBytes, AreRefusedOrLoaded, (const std::string& text)) { check_outcome(load_text(text)); }

std::string mutated(std::string text) {
  const auto edits = *rc::gen::inRange(1, 8);

  for (int i = 0; i < edits && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const auto length = *rc::gen::inRange<std::size_t>(0, 20);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, *piece());
        break;
      case 2:
        text.insert(at, text.substr(*rc::gen::inRange<std::size_t>(0, text.size()), length));
        break;
      default:
        text[at] = *rc::gen::arbitrary<char>();
    }
  }
  return text;
}

// Several texts a case: one costs a tenth of a millisecond, and rapidcheck tries a hundred cases.
constexpr int kTextsPerCase = 20;

RC_GTEST_PROP(AnyPieces, AreRefusedOrLoaded, ()) {
  for (int i = 0; i < kTextsPerCase; ++i) {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(piece());
    std::string text;
    for (const auto& p : pieces) text += p;
    check_outcome(load_text(text));
  }
}

RC_GTEST_PROP(MutatedFiles, AreRefusedOrLoaded, ()) {
  for (int i = 0; i < kTextsPerCase; ++i) {
    check_outcome(load_text(mutated(*rc::gen::elementOf(seeds())), {{"A", "b"}}));
  }
}

RC_GTEST_PROP(AnyEnvironment, IsRefusedOrTaken, ()) {
  Environment env;
  for (const auto& k : knobs()) {
    if (!k.variable.empty() && *rc::gen::arbitrary<bool>()) {
      env[std::string(k.variable)] =
          *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                          rc::gen::map(rc::gen::inRange(-3, 200), [](int v) { return std::to_string(v); }));
    }
  }
  check_outcome(load_text(with_queue(""), env));
}

}  // namespace
}  // namespace docktor
