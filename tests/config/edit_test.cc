// Setting keys of llm in a text: everything else stays, byte for byte.
#include "config/edit.h"

#include <gtest/gtest.h>

#include "tests/config/test_files.h"

namespace docktor {
namespace {

std::string edited(std::string_view text, const LlmChanges& changes) {
  const auto r = with_llm_keys(text, changes);
  return r ? *r : "refused: " + r.error().message;
}

TEST(Edit, ReplacesAValueInItsPlaceAndKeepsComments) {
  EXPECT_EQ(edited("# top\nllm:   # who\n    model:   ai/old   # was good\n    provider: dmr\nservices: []\n",
                   {{"model", "ai/new"}}),
            "# top\nllm:   # who\n    model:   ai/new   # was good\n    provider: dmr\nservices: []\n");
  EXPECT_EQ(edited("llm: {provider: dmr, model: 'it''s'} # c\n", {{"model", "a b"}}),
            "llm: {provider: dmr, model: \"a b\"} # c\n");
  EXPECT_EQ(edited("llm: {model: ai/x}\n", {{"model", "y:1"}}), "llm: {model: \"y:1\"}\n");
  EXPECT_EQ(edited("llm:\n  model: \"a\\\"b\"\r\n", {{"model", "m"}}), "llm:\n  model: \"m\"\r\n");
}

TEST(Edit, AddsWhatIsMissing) {
  EXPECT_EQ(edited("llm:\n  model: m # c\n\nservices: []\n",
                   {{"base_url", "http://h:1/v1"}, {"provider", "openai"}}),
            "llm:\n  model: m # c\n  base_url: \"http://h:1/v1\"\n  provider: openai\n\nservices: []\n");
  EXPECT_EQ(edited("llm: {model: m}\n", {{"provider", "openai"}}), "llm: {provider: \"openai\", model: m}\n");
  EXPECT_EQ(edited("services: []", {{"model", "ai/m"}}), "services: []\nllm:\n  model: ai/m\n");
  EXPECT_EQ(edited("services: []\r\n", {{"model", "ai/m"}}), "services: []\r\nllm:\r\n  model: ai/m\r\n");
  EXPECT_EQ(edited("\xEF\xBB\xBFllm: {model: m}\n", {{"model", "n-1"}}), "\xEF\xBB\xBFllm: {model: n-1}\n");
}

TEST(Edit, RefusesWhatItCannotChangeForCertain) {
  for (const char* text : {
           "llm: {model: m\n",              // not well formed
           "x: &a m\nllm: {model: *a}\n",   // an alias
           "llm: {model: !t m}\n",          // a tag
           "llm:\n  model: |\n    m\n",     // a block
           "llm:\n  model: m\n    more\n",  // over several lines
           "llm:\n  model: \"m\n    more\"\n",
           "llm: m\n",
           "llm: {}\n",
           "llm:\n",
           "llm: {model: [m]}\n",
           "{llm: {model: m}} # a map in braces\n...\n--- # and another document\na: 1\n",
           "- llm\n",
           "",
           "base: &b {model: m}\nllm: {<<: *b, provider: dmr}\n",
           "llm: {model: a}\nllm: {model: b}\n",
       }) {
    const auto r = with_llm_keys(text, {{"model", "new-1"}});
    if (r) {
      EXPECT_NE(r->find("new-1"), std::string::npos) << text;
      ADD_FAILURE() << text << "\nbecame\n" << *r;
    }
  }
}

TEST(Edit, WhateverTheValueTheLoaderReadsItBack) {
  for (const std::string value :
       {"ai/llama3.2", "true", "null", "1.5", "a: b", "#x", "a #b", "\"q\"", "it's", "\\n", "$HOME",
        "${HOME}", "$$", "- x", "*a", "ünï", "{x}", "a,b", "hf.co/a/b:Q4_K_M"}) {
    for (const std::string before :
         {"llm: {model: m, provider: dmr}\n", "llm:\n  model: m\n", "llm:\n  model: 'm'\n", ""}) {
      const auto text = edited(before + with_service(""), {{"model", value}});
      const auto result = load_text(text);
      ASSERT_TRUE(result.config) << text << (result.mistakes.empty() ? "" : result.mistakes[0]);
      EXPECT_EQ(result.config->llm->model, value) << text;
    }
  }
}

}  // namespace
}  // namespace docktor
