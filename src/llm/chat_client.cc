#include "llm/chat_client.h"

#include <fmt/format.h>

#include <future>

#include "core/text.h"

namespace docktor::llm {
namespace {

constexpr std::size_t kMaxModelList = 4 << 20;

std::string content_type(const HttpResponse& r) {
  const auto it = r.headers.find("content-type");
  return it == r.headers.end() ? "" : it->second;
}

}  // namespace

ChatClient::ChatClient(LlmSpec spec)
    : spec_(std::move(spec)), http_(HttpServer{.base_url = spec_.base_url}) {}

HttpRequest ChatClient::request_to(const std::string& path) const {
  HttpRequest r;
  r.path = path;
  r.timeout = spec_.timeout;
  r.connect_timeout = std::min<Duration>(spec_.timeout, std::chrono::seconds(5));
  r.max_body = kMaxCompletion;
  if (!spec_.api_key.empty()) r.headers.push_back("Authorization: Bearer " + spec_.api_key.value);
  return r;
}

void ChatClient::send(CompletionRequest request, bool with_schema, Done done) {
  CompletionRequest plain = request;
  if (!with_schema) plain.schema = nullptr;
  HttpRequest r = request_to("/chat/completions");
  r.method = "POST";
  r.body = completion_body(plain, spec_.model, spec_.max_tokens);
  http_.submit(std::move(r), [this, request = std::move(request), with_schema,
                              done = std::move(done)](Result<HttpResponse> answer) mutable {
    if (!answer) {
      done(tl::unexpected(answer.error()));
      return;
    }
    const bool refused = answer->status == 400 || answer->status == 422;
    if (refused && with_schema && !request.schema.is_null()) {
      schema_refused_ = true;
      send(std::move(request), false, std::move(done));
      return;
    }
    if (answer->status != 200) {
      done(tl::unexpected(status_error(answer->status, answer->body)));
      return;
    }
    done(parse_completion(answer->body, content_type(*answer)));
  });
}

void ChatClient::complete(const CompletionRequest& request, Done done) {
  send(request, !schema_refused_, std::move(done));
}

Result<Completion> ChatClient::complete(const CompletionRequest& request, const std::stop_token& stop) {
  auto answer = std::make_shared<std::promise<Result<Completion>>>();
  auto future = answer->get_future();
  complete(request, [answer](Result<Completion> r) { answer->set_value(std::move(r)); });
  // The client itself ends every request by its timeout, and a second one without a schema by another.
  while (future.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "stopped", true);
  }
  return future.get();
}

Result<std::vector<std::string>> ChatClient::models(const std::stop_token& stop) {
  HttpRequest r = request_to("/models");
  r.max_body = kMaxModelList;
  const auto answer = http_.send(std::move(r), stop);
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) return tl::unexpected(status_error(answer->status, answer->body));
  return parse_models(answer->body);
}

std::string what_to_start(const LlmSpec& spec) {
  const auto url = redacted_url(spec.base_url);
  if (spec.provider == "dmr") {
    return fmt::format(
        "no model answers at {}; start Docker Model Runner (`docker desktop enable model-runner --tcp "
        "12434`, or "
        "`docker model install-runner` on a server), then `docker model pull {}`; or name another server "
        "with "
        "llm.base_url",
        url, spec.model.empty() ? "MODEL" : spec.model);
  }
  return fmt::format(
      "no model answers at {}; start a server that speaks OpenAI's API there (for example `llama-server -m "
      "MODEL.gguf --port 8080`, with base_url http://localhost:8080/v1), or correct llm.base_url",
      url);
}

}  // namespace docktor::llm
