// The OpenAI-compatible chat completion as values: requests out, answers in. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace docktor::llm {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON text as the model wrote it, not checked
};

struct Completion {
  std::string content;
  std::vector<ToolCall> calls;
  std::string finish;  ///< "stop", "length", "tool_calls"
};

struct CompletionRequest {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();  ///< {"role","content"} each
  nlohmann::ordered_json schema;  ///< not null: the answer is to be JSON of this schema
  nlohmann::ordered_json tools;   ///< not null: functions that the model may call
};

inline constexpr std::size_t kMaxCalls = 8;               ///< of one answer; more is refused
inline constexpr std::size_t kMaxCompletion = 256 << 10;  ///< bytes of an answer's body

/// The request's body; temperature 0, no stream.
std::string completion_body(const CompletionRequest& request, const std::string& model, int max_tokens);

/// The body of an answer with status 200, whole or as a stream of events (some servers always stream).
/// kInvalid when it is neither, was cut off (no end of the stream) or holds no choice.
Result<Completion> parse_completion(std::string_view body, std::string_view content_type);

/// What an answer with another status means, in words for the user; `body` may hold the server's message.
Error status_error(int status, std::string_view body);

/// The ids of `GET /models`, in the server's order; at most 10,000.
Result<std::vector<std::string>> parse_models(std::string_view body);

}  // namespace docktor::llm
