// A conversation about docktor: plainly typed requests, or words that a model turns into operations.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.h"
#include "core/result.h"
#include "llm/chat_client.h"

namespace docktor {

/// Not thread-safe. What changes something is done only when `confirm` says yes, or with `autonomous`. A
/// model sees operations' results and what the user types, nothing else; its calls are checked against the
/// operations' schemas like anybody's.
class Talk {
 public:
  struct Options {
    Operator& operate;
    llm::ChatClient* model = nullptr;  ///< nothing: only plain requests
    bool autonomous = false;
    std::function<bool(const std::string& question)> confirm;
    std::function<void(const std::string& line)> trace;  ///< may be empty
  };
  explicit Talk(Options options);

  struct Answer {
    std::string text;
    bool done = false;  ///< the request was understood and carried out
  };
  Answer say(const std::string& line);

 private:
  Result<nlohmann::ordered_json> perform(const std::string& operation, const nlohmann::json& arguments);
  Answer plainly(const std::string& operation, const nlohmann::json& arguments);
  Answer by_model(const std::string& line);
  const std::vector<std::string>& services();
  void trim();

  Options options_;
  std::vector<std::string> services_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
};

/// An operation's result for people.
std::string told(const std::string& operation, const nlohmann::ordered_json& result);

}  // namespace docktor
