#include "llm/completion.h"

#include <fmt/format.h>

#include "core/json_text.h"
#include "llm/advice_text.h"

namespace docktor::llm {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kMaxModels = 10'000;

const json* member(const json& j, const char* key) {
  if (!j.is_object()) return nullptr;
  const auto it = j.find(key);
  return it == j.end() || it->is_null() ? nullptr : &*it;
}

std::string text_of(const json& j, const char* key) {
  const json* v = member(j, key);
  return v && v->is_string() ? v->get<std::string>() : std::string();
}

const json* first_choice(const json& j) {
  const json* choices = member(j, "choices");
  return choices && choices->is_array() && !choices->empty() ? &(*choices)[0] : nullptr;
}

// Adds a message's, or a delta's, tool calls; pieces of one call share their index.
bool add_calls(const json& message, Completion& into) {
  const json* calls = member(message, "tool_calls");
  if (!calls || !calls->is_array()) return true;
  for (std::size_t i = 0; i < calls->size(); ++i) {
    const json& c = (*calls)[i];
    std::size_t at = i;
    if (const json* index = member(c, "index"); index && index->is_number_unsigned())
      at = index->get<std::size_t>();
    if (at >= kMaxCalls) return false;
    if (into.calls.size() <= at) into.calls.resize(at + 1);
    ToolCall& call = into.calls[at];
    if (const auto id = text_of(c, "id"); !id.empty()) call.id = id;
    if (const json* f = member(c, "function")) {
      if (const auto name = text_of(*f, "name"); !name.empty()) call.name = name;
      call.arguments += text_of(*f, "arguments");
    }
  }
  return true;
}

tl::unexpected<Error> bad(std::string what) {
  return fail(ErrorCode::kInvalid, "the answer makes no sense: " + std::move(what));
}

Result<Completion> finished(Completion c, bool calls_ok) {
  if (!calls_ok) return bad(fmt::format("it calls more than {} functions at once", kMaxCalls));
  std::erase_if(c.calls, [](const ToolCall& call) { return call.name.empty(); });
  return c;
}

Result<Completion> parse_stream(std::string_view body) {
  Completion c;
  bool ended = false, any = false, calls_ok = true;
  while (!body.empty() && !ended) {
    const auto newline = body.find('\n');
    std::string_view line = body.substr(0, newline);
    body = newline == std::string_view::npos ? std::string_view{} : body.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line == "[DONE]") {
      ended = true;
      break;
    }
    const json event = parse_json(line);
    const json* choice = first_choice(event);
    if (!choice) continue;
    any = true;
    if (const json* delta = member(*choice, "delta")) {
      c.content += text_of(*delta, "content");
      calls_ok = add_calls(*delta, c) && calls_ok;
    }
    if (const auto finish = text_of(*choice, "finish_reason"); !finish.empty()) c.finish = finish;
  }
  if (!any) return bad("its stream of events holds no choice");
  if (!ended && c.finish.empty()) return bad("its stream of events was cut off");
  return finished(std::move(c), calls_ok);
}

}  // namespace

std::string completion_body(const CompletionRequest& request, const std::string& model, int max_tokens) {
  ordered_json j = {{"model", model},
                    {"messages", request.messages},
                    {"temperature", 0},
                    {"max_tokens", max_tokens},
                    {"stream", false}};
  if (!request.schema.is_null()) {
    j["response_format"] = {
        {"type", "json_schema"},
        {"json_schema", {{"name", "answer"}, {"strict", true}, {"schema", request.schema}}}};
  }
  if (!request.tools.is_null()) j["tools"] = request.tools;
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Completion> parse_completion(std::string_view body, std::string_view content_type) {
  if (body.size() > kMaxCompletion) return bad(fmt::format("it is larger than {} bytes", kMaxCompletion));
  if (content_type.starts_with("text/event-stream") || body.starts_with("data:")) return parse_stream(body);
  const json j = parse_json(body);
  if (j.is_discarded()) return bad("it is not JSON, or was cut off");
  const json* choice = first_choice(j);
  const json* message = choice ? member(*choice, "message") : nullptr;
  if (!message) return bad("it holds no choice with a message");
  Completion c;
  c.content = text_of(*message, "content");
  c.finish = text_of(*choice, "finish_reason");
  const bool calls_ok = add_calls(*message, c);
  return finished(std::move(c), calls_ok);
}

Error status_error(int status, std::string_view body) {
  const json j = parse_json(body);
  std::string said;
  if (const json* error = member(j, "error"))
    said = error->is_string() ? error->get<std::string>() : text_of(*error, "message");
  if (said.empty()) said = text_of(j, "message");
  said = one_line(said, 200);
  const auto text = [&](std::string_view what) {
    return fmt::format("HTTP {}: {}{}", status, what, said.empty() ? "" : fmt::format(" (\"{}\")", said));
  };
  if (status == 401 || status == 403)
    return {ErrorCode::kDenied,
            text("the key is not accepted; set api_key, api_key_file or the provider's variable"), false};
  if (status == 404)
    return {ErrorCode::kNotFound,
            text("no such model or address; `docktor config list-models` shows what there is"), false};
  if (status == 429) return {ErrorCode::kExhausted, text("too many requests, or no quota left"), true};
  if (status >= 500) return {ErrorCode::kUnavailable, text("the server failed"), true};
  return {ErrorCode::kInvalid, text("the server refused the request"), false};
}

Result<std::vector<std::string>> parse_models(std::string_view body) {
  const json j = parse_json(body);
  const json* list = j.is_array() ? &j : member(j, "data");
  if (!list) list = member(j, "models");
  if (!list || !list->is_array()) return bad("it is no list of models");
  std::vector<std::string> ids;
  for (const auto& m : *list) {
    if (ids.size() >= kMaxModels) break;
    auto id = m.is_string() ? m.get<std::string>() : text_of(m, "id");
    if (id.empty()) id = text_of(m, "name");
    if (id = one_line(id, 255); !id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace docktor::llm
