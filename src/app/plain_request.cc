#include "app/plain_request.h"

#include <algorithm>
#include <limits>

#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::json;

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c == ' ' || c == '\t' || c == '\r') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool is_length(std::string_view word) {
  return !word.empty() && word[0] >= '0' && word[0] <= '9' && std::ranges::all_of(word, [](char c) {
    return (c >= '0' && c <= '9') || c == 'h' || c == 'm' || c == 's' || c == 'd' || c == '.';
  });
}

std::optional<int> whole_value(std::string_view word) {
  return is_whole_number(word) ? whole_number(word, std::numeric_limits<int>::max()) : std::nullopt;
}

// The words behind the verb, taken one by one.
class Rest {
 public:
  Rest(std::vector<std::string> words, const std::vector<std::string>& services)
      : words_(std::move(words)), services_(services) {}

  bool done() const { return at_ == words_.size(); }
  std::optional<std::string> next() {
    if (done()) return std::nullopt;
    return words_[at_++];
  }
  // A service that there is; where there is only one, its name may be left out.
  bool service(json& arguments) {
    if (!done() && std::ranges::find(services_, words_[at_]) != services_.end()) {
      arguments["service"] = words_[at_++];
      return true;
    }
    if (services_.size() == 1 && (done() || is_length(words_[at_]))) {
      arguments["service"] = services_[0];
      return true;
    }
    return false;
  }
  bool length(json& arguments) {
    if (done()) return true;
    if (words_[at_] == "for") ++at_;
    if (done() || !is_length(words_[at_])) return false;
    arguments["for"] = words_[at_++];
    return true;
  }
  void reason(json& arguments) {
    std::string text;
    while (!done()) text += (text.empty() ? "" : " ") + words_[at_++];
    if (!text.empty()) arguments["reason"] = text;
  }

 private:
  std::vector<std::string> words_;
  const std::vector<std::string>& services_;
  std::size_t at_ = 1;
};

}  // namespace

std::optional<PlainRequest> plain_request(std::string_view line, const std::vector<std::string>& services) {
  auto words = words_of(line);
  if (words.empty()) return std::nullopt;
  const std::string verb = words[0];
  Rest rest(std::move(words), services);
  PlainRequest r;
  json& a = r.arguments;
  const auto end = [&]() -> std::optional<PlainRequest> {
    return rest.done() ? std::optional(r) : std::nullopt;
  };
  if (verb == "status" || verb == "proposals" || verb == "decisions" || verb == "why") {
    r.operation = verb == "why" ? "explain" : verb == "decisions" ? "list_decisions" : verb;
    if (rest.done() && (verb != "why" || services.size() != 1)) return r;
    if (!rest.service(a)) {
      if (verb != "why") return std::nullopt;
      // A decision's id has digits and a dash; a word of a question has not.
      const auto id = rest.next();
      const bool like_id =
          id && id->find('-') != std::string::npos && id->find_first_of("0123456789") != std::string::npos;
      if (!like_id) return std::nullopt;
      a["id"] = *id;
    }
    return end();
  }
  if (verb == "hold" || verb == "pause") {
    r.operation = "pause";
    if (!rest.service(a) || !rest.length(a)) return std::nullopt;
    return end();
  }
  if (verb == "resume") {
    r.operation = "resume";
    return rest.service(a) ? end() : std::nullopt;
  }
  if (verb == "scale") {
    r.operation = "scale";
    const bool named = rest.service(a);
    const auto n = rest.next();
    const auto replicas = n ? whole_value(*n) : std::nullopt;
    if (!named || !replicas || !rest.length(a)) return std::nullopt;
    a["replicas"] = *replicas;
    return end();
  }
  if (verb == "approve" || verb == "reject") {
    r.operation = verb;
    const auto id = rest.next();
    if (!id) return std::nullopt;
    a["id"] = *id;
    if (verb == "reject") rest.reason(a);
    return end();
  }
  return std::nullopt;
}

std::optional<PlainRequest> likely_request(std::string_view line, const std::vector<std::string>& services) {
  const auto words = words_of(line);
  if (words.empty() || (words[0] != "why" && words[0] != "Why")) return std::nullopt;
  PlainRequest r{"explain", json::object()};
  for (auto word : words) {
    while (!word.empty() && std::string_view("?.,!").find(word.back()) != std::string_view::npos)
      word.pop_back();
    if (std::ranges::find(services, word) != services.end()) r.arguments["service"] = word;
  }
  return r;
}

std::string plain_help() {
  return "  status [SERVICE]               what runs, and why nothing happens\n"
         "  why [SERVICE]                  the last decision with its numbers\n"
         "  decisions [SERVICE]            the last decisions\n"
         "  hold SERVICE [10m]             no scaling for so long, or until resume\n"
         "  scale SERVICE N [for 10m]      so many replicas\n"
         "  resume SERVICE                 the policy decides again\n"
         "  proposals, approve ID, reject ID [REASON]\n"
         "  help, quit\n";
}

}  // namespace docktor
