// Asks an OpenAI-compatible server: chat completions and the list of models.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/spec.h"
#include "llm/completion.h"
#include "os/http_client.h"

namespace docktor::llm {

/// Thread-safe; callbacks come on a thread of its own and must not block nor destroy it. The key goes into
/// the request's header and nowhere else. Every answer has a deadline (spec.timeout) and a largest size.
class ChatClient {
 public:
  using Done = std::function<void(Result<Completion>)>;

  explicit ChatClient(LlmSpec spec);

  /// `done` is called exactly once. An engine that refuses a schema is asked again without it, now and later.
  void complete(const CompletionRequest& request, Done done);
  /// The same, waiting. `stop` ends it with kUnavailable.
  Result<Completion> complete(const CompletionRequest& request, const std::stop_token& stop = {});

  /// GET /models, waiting.
  Result<std::vector<std::string>> models(const std::stop_token& stop = {});

  const LlmSpec& spec() const { return spec_; }

 private:
  HttpRequest request_to(const std::string& path) const;
  void send(CompletionRequest request, bool with_schema, Done done);

  const LlmSpec spec_;
  std::atomic<bool> schema_refused_{false};
  HttpClient http_;  // last: its end calls what is left, which may look at the members above
};

/// Why nothing answers there, and what to start: for people, after a kUnavailable, kTimeout or kNotFound.
std::string what_to_start(const LlmSpec& spec);

}  // namespace docktor::llm
