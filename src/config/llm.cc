// The language model's block.
#include <algorithm>

#include "config/load.h"
#include "config/parts.h"

namespace docktor {

namespace {

constexpr std::string_view kModelRunnerUrl = "http://localhost:12434/engines/llama.cpp/v1";
constexpr std::string_view kOpenAiUrl = "https://api.openai.com/v1";

// The key goes into a header: a line break in it would begin another one.
void refuse_line_breaks(ConfigContext& context, const Place& place, const Secret& key) {
  const bool control = std::ranges::any_of(
      key.value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) context.mistakes.add(place, "the API key has a control character; write it on one line");
}

}  // namespace

std::string usual_base_url(std::string_view provider) {
  return std::string(provider == "openai" ? kOpenAiUrl : kModelRunnerUrl);
}

std::optional<LlmSpec> read_llm(Section& top) {
  const auto* node = top.section("llm");
  if (!node) return std::nullopt;
  Section section(top.context(), kLlm, *node);
  LlmSpec llm;
  if (const auto provider = section.text("provider")) llm.provider = provider->value;
  if (const auto model = section.text("model")) llm.model = model->value;
  llm.base_url = usual_base_url(llm.provider);
  if (const auto url = section.text("base_url"); url && !url->value.empty()) {
    llm.base_url = url->value;
    const bool web = url->value.starts_with("http://") || url->value.starts_with("https://");
    if (!web || url->value.find_first_of(" \t\r\n") != std::string::npos || url->value.ends_with("//")) {
      top.context().mistakes.add(
          url->place, "base_url is not a web address; write http://HOST:PORT/PATH or https://HOST/PATH");
    }
    while (llm.base_url.ends_with('/')) llm.base_url.pop_back();
  }
  if (const auto mode = section.text("mode")) {
    llm.mode = mode->value == "off"       ? LlmMode::kOff
               : mode->value == "explain" ? LlmMode::kExplain
                                          : LlmMode::kAdvise;
  }
  if (const auto key = section.secret("api_key")) {
    llm.api_key = key->value;
    refuse_line_breaks(top.context(), key->place, key->value);
  } else if (llm.provider == "openai") {
    const auto& env = top.context().env;
    if (const auto it = env.find("OPENAI_API_KEY"); it != env.end()) {
      llm.api_key = Secret{it->second};
      refuse_line_breaks(top.context(), Place::named(it->first), llm.api_key);
    }
  }
  if (const auto timeout = section.duration("timeout")) llm.timeout = timeout->value;
  if (const auto tokens = section.integer("max_tokens")) llm.max_tokens = tokens->value;
  if (const auto delay = section.duration("max_delay")) llm.max_delay = delay->value;
  return llm;
}

}  // namespace docktor
