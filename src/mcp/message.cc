#include "mcp/message.h"

#include <fmt/format.h>

#include <algorithm>

namespace docktor::mcp {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kMaxId = 256;
constexpr std::size_t kMaxMethod = 256;

std::string dumped(const ordered_json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

Message bad(int code, std::string text, json id = nullptr) {
  Message m;
  m.error_code = code;
  m.error_text = std::move(text);
  m.id = std::move(id);
  return m;
}

bool is_id(const json& id) {
  return id.is_number_integer() || (id.is_string() && id.get_ref<const std::string&>().size() <= kMaxId);
}

Message message_of(const json& j) {
  if (!j.is_object()) return bad(kInvalidRequest, "a message is one JSON object: {\"jsonrpc\":\"2.0\",...}");
  const auto find = [&](const char* key) { return j.find(key); };
  const auto id = find("id");
  const bool has_id = id != j.end();
  const json known_id = has_id && is_id(*id) ? *id : json();
  const auto rpc = find("jsonrpc");
  if (rpc == j.end() || *rpc != "2.0") return bad(kInvalidRequest, "jsonrpc must be \"2.0\"", known_id);
  const auto method = find("method");
  if (method == j.end() && (j.contains("result") || j.contains("error"))) {
    Message m;
    m.kind = Message::Kind::kIgnored;
    return m;
  }
  if (method == j.end() || !method->is_string() || method->get_ref<const std::string&>().size() > kMaxMethod)
    return bad(kInvalidRequest, "method must be a text", known_id);
  if (has_id && !is_id(*id)) return bad(kInvalidRequest, "id must be a text or a whole number");
  Message m;
  m.kind = has_id ? Message::Kind::kRequest : Message::Kind::kNotification;
  m.id = known_id;
  m.method = method->get<std::string>();
  if (const auto params = find("params"); params != j.end()) {
    if (!params->is_object()) {
      return has_id ? bad(kInvalidParams, "params must be an object", known_id)
                    : bad(kInvalidRequest, "params must be an object");
    }
    m.params = *params;
  }
  return m;
}

}  // namespace

std::string Message::version() const {
  const auto meta = params.find("_meta");
  if (meta == params.end() || !meta->is_object()) return {};
  const auto version = meta->find("io.modelcontextprotocol/protocolVersion");
  if (version == meta->end()) return {};
  return version->is_string() ? version->get<std::string>().substr(0, 64) : "?";
}

Line parse_line(std::string_view line) {
  Line out;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
    out.messages.emplace_back();
    out.messages.back().kind = Message::Kind::kIgnored;
    return out;
  }
  if (line.size() > kMaxLine) {
    out.messages.push_back(bad(kInvalidRequest, fmt::format("a line of more than {} bytes", kMaxLine)));
    return out;
  }
  bool deep = false;
  // What lies deeper than anything of the protocol is dropped while it is read: it could exhaust the stack
  // later.
  const auto keep = [&](int depth, json::parse_event_t, json&) {
    deep = deep || depth > kMaxDepth;
    return depth <= kMaxDepth;
  };
  const json j = json::parse(line, keep, false);
  if (j.is_discarded()) {
    out.messages.push_back(bad(kParseError, "not JSON; one object a line is expected"));
  } else if (deep) {
    out.messages.push_back(bad(kInvalidRequest, fmt::format("nested deeper than {} levels", kMaxDepth)));
  } else if (j.is_array() && !j.empty() && j.size() <= kMaxBatch) {
    out.batch = true;
    for (const auto& one : j) out.messages.push_back(message_of(one));
  } else {
    out.messages.push_back(message_of(j));
  }
  return out;
}

std::string result_line(const json& id, ordered_json result) {
  return dumped({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

std::string error_line(const json& id, int code, const std::string& text, const ordered_json& data) {
  ordered_json error = {{"code", code}, {"message", text}};
  if (!data.is_null()) error["data"] = data;
  return dumped({{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}});
}

}  // namespace docktor::mcp
