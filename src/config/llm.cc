// The language model's block: checked and kept.
#include "config/parts.h"

namespace docktor {

namespace {

constexpr std::string_view kModelRunnerUrl = "http://localhost:12434/engines/llama.cpp/v1";
constexpr std::string_view kOpenAiUrl = "https://api.openai.com/v1";

}  // namespace

std::optional<LlmSpec> read_llm(Section& top) {
  const auto* node = top.section("llm");
  if (!node) return std::nullopt;
  Section section(top.context(), kLlm, *node);
  LlmSpec llm;
  if (const auto provider = section.text("provider")) llm.provider = provider->value;
  if (const auto model = section.text("model")) llm.model = model->value;
  llm.base_url = llm.provider == "openai" ? kOpenAiUrl : kModelRunnerUrl;
  if (const auto url = section.text("base_url"); url && !url->value.empty()) {
    llm.base_url = url->value;
    const bool web = url->value.starts_with("http://") || url->value.starts_with("https://");
    if (!web || url->value.find_first_of(" \t\r\n") != std::string::npos || url->value.ends_with("//")) {
      top.context().mistakes.add(
          url->place, "base_url is not a web address; write http://HOST:PORT/PATH or https://HOST/PATH");
    }
  }
  return llm;
}

}  // namespace docktor
