// One line of the protocol as a value: JSON-RPC 2.0, read strictly, whatever the line holds. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor::mcp {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kUnsupportedVersion = -32022;
inline constexpr int kBusy = -32000;

inline constexpr std::size_t kMaxLine = 4u << 20;  ///< bytes; a longer line is refused, not kept
inline constexpr int kMaxDepth = 64;               ///< of nested objects and lists
inline constexpr std::size_t kMaxBatch = 64;       ///< messages of one line (2025-03-26 alone has batches)

struct Message {
  enum class Kind {
    kRequest,       ///< wants an answer
    kNotification,  ///< never gets one
    kIgnored,       ///< an answer to something we never asked, or an empty line
    kBad,           ///< error_code and error_text are the answer
  };
  Kind kind = Kind::kBad;
  nlohmann::json id;  ///< a text or a whole number; null where there is none
  std::string method;
  nlohmann::json params = nlohmann::json::object();  ///< always an object
  int error_code = 0;
  std::string error_text;

  /// The version that a modern request names in its _meta; empty for one of the older eras.
  std::string version() const;
};

struct Line {
  std::vector<Message> messages;
  bool batch = false;
};

/// Never throws, whatever bytes the line holds; at least one message comes out.
Line parse_line(std::string_view line);

std::string result_line(const nlohmann::json& id, nlohmann::ordered_json result);
std::string error_line(const nlohmann::json& id, int code, const std::string& text,
                       const nlohmann::ordered_json& data = nullptr);

}  // namespace docktor::mcp
