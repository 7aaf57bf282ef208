#include "config/knobs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "app/configuration_page.h"
#include "app/kinds.h"
#include "config/load.h"
#include "config/scalars.h"
#include "core/spec.h"
#include "targets/process/process_spec.h"
#include "tests/config/test_files.h"

namespace docktor {
namespace {

// Every key there is: of the file, and of every kind.
std::vector<const Knob*> all_knobs() {
  std::vector<const Knob*> out;
  const auto add = [&](std::span<const Knob> knobs) {
    for (const auto& k : knobs) out.push_back(&k);
  };
  add(knobs());
  for (const auto& sort : {queue_sort(all_kinds()), target_sort(all_kinds())}) {
    for (const auto* kind : sort.kinds) {
      add(kind->keys);
      for (const auto& k : kind->keys) add(k.inner());
    }
  }
  return out;
}

TEST(Knobs, HaveDefaultsWithinTheirOwnBounds) {
  for (const auto* knob : all_knobs()) {
    const auto& k = *knob;
    if (k.standard.empty()) continue;
    bool good = false;
    switch (k.type) {
      case KnobType::kInteger:
        good = integer_of(k, k.standard).has_value();
        break;
      case KnobType::kNumber:
        good = number_of(k, k.standard).has_value();
        break;
      case KnobType::kDuration:
        good = duration_of(k, k.standard).has_value();
        break;
      case KnobType::kBool:
        good = bool_of(k, k.standard).has_value();
        break;
      default:
        good = text_of(k, k.standard).has_value();
    }
    EXPECT_TRUE(good) << k.key << " = " << k.standard;
    EXPECT_FALSE(k.required) << k.key << " is required and has a default";
  }
}

TEST(Knobs, HaveASentenceAndABoundEach) {
  for (const auto* knob : all_knobs()) {
    const auto& k = *knob;
    EXPECT_TRUE(k.meaning.ends_with('.')) << k.key;
    const bool bounded =
        k.type == KnobType::kInteger || k.type == KnobType::kNumber || k.type == KnobType::kDuration;
    EXPECT_TRUE(!bounded || k.least < k.most) << k.key;
  }
}

TEST(Knobs, StandOnceInEachForm) {
  for (const Form form : {kTop, kScaling, kService, kRules, kRule, kObjective, kLlm}) {
    const auto table = table_of(form);
    const auto keys = table.keys();
    EXPECT_EQ(std::set<std::string_view>(keys.begin(), keys.end()).size(), keys.size()) << table.title;
    EXPECT_FALSE(keys.empty()) << table.title;
  }
}

TEST(Kinds, HaveKeysThatStandOnceAndAtMostOneIsImplied) {
  for (const auto& sort : {queue_sort(all_kinds()), target_sort(all_kinds())}) {
    int implied = 0;
    for (const auto* kind : sort.kinds) {
      std::set<std::string_view> keys{"kind"};
      for (const auto& k : kind->keys) EXPECT_TRUE(keys.insert(k.key).second) << kind->name << ": " << k.key;
      implied += kind->implied;
    }
    EXPECT_LE(implied, 1) << sort.word;
  }
}

// The values of core's spec are what an embedding program starts from; they must not differ from the file's.
TEST(Knobs, HaveTheDefaultsOfTheSpec) {
  const auto loaded = service_of(load_text(R"(services:
  - name: a
    max_replicas: 1
    objective: {}
    queue: {url: "nats://h", stream: S, consumer: C}
    target: {kind: process, command: [x]}
)"));
  const ServiceSpec spec;
  EXPECT_EQ(loaded.limits.min_replicas, spec.limits.min_replicas);
  EXPECT_EQ(loaded.limits.scale_up_by, spec.limits.scale_up_by);
  EXPECT_EQ(loaded.limits.scale_down_by, spec.limits.scale_down_by);
  EXPECT_EQ(loaded.limits.steps_given, spec.limits.steps_given);
  EXPECT_EQ(loaded.limits.cooldown_up, spec.limits.cooldown_up);
  EXPECT_EQ(loaded.limits.cooldown_down, spec.limits.cooldown_down);
  EXPECT_EQ(loaded.limits.stabilization, spec.limits.stabilization);
  EXPECT_EQ(loaded.check_interval, spec.sample_interval) << "an objective decides on each sample";
  EXPECT_EQ(loaded.sample_interval, spec.sample_interval);
  EXPECT_EQ(loaded.metrics_window, spec.metrics_window);
  EXPECT_EQ(loaded.rules_mode, spec.rules_mode);
  ASSERT_TRUE(loaded.objective);
  EXPECT_EQ(loaded.objective->max_wait, ObjectiveSpec{}.max_wait);
  EXPECT_EQ(loaded.objective->quantile, ObjectiveSpec{}.quantile);
  EXPECT_EQ(loaded.objective->max_headroom, ObjectiveSpec{}.max_headroom);
  ASSERT_TRUE(loaded.queue);
  EXPECT_EQ(loaded.queue->kind, "nats");
  const ProcessSpec process;
  EXPECT_EQ(loaded.target.settings.get<Duration>("stop_grace_period"), process.stop_grace_period);
  EXPECT_EQ(loaded.target.settings.get<Duration>("ready_after"), process.ready_after);
}

TEST(Reference, IsThePageInDocs) {
  std::ifstream file(DOCKTOR_CONFIGURATION_PAGE, std::ios::binary);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(page == configuration_reference())
      << DOCKTOR_CONFIGURATION_PAGE << " is not what the table of knobs says; write it anew with\n"
      << "  cmake --build build --target configuration_reference";
}

TEST(Reference, HasEveryKey) {
  const auto page = configuration_reference();
  for (const auto* knob : all_knobs()) {
    const auto& k = *knob;
    EXPECT_NE(page.find("| `" + std::string(k.key) + "` |"), std::string::npos) << k.key;
    EXPECT_NE(page.find(k.variable), std::string::npos) << k.variable;
  }
}

TEST(Reference, HasExamplesThatLoad) {
  for (const auto text : {queue_example(), objective_example(), legacy_example()}) {
    EXPECT_FALSE(service_of(load_text(text)).name.empty());
  }
}

}  // namespace
}  // namespace docktor
