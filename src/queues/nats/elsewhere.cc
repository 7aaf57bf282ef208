#include "queues/nats/elsewhere.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace docktor {
namespace {

nlohmann::json value_at(const nlohmann::json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() ? *it : nlohmann::json();
}

// Only names of a plain shape are repeated.
std::string plain_name(const nlohmann::json& v) {
  const std::string name = v.is_string() ? v.get<std::string>() : std::string();
  const bool plain = name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
                       return std::isalnum(c) || c == '-' || c == '_';
                     });
  return plain ? name : std::string();
}

// JetStream tells its own domain in the account's information.
std::string own_domain(const std::string& info) {
  const auto domain = plain_name(value_at(nlohmann::json::parse(info, nullptr, false), "domain"));
  if (domain.empty()) return {};
  return fmt::format("its JetStream is domain {}: where the stream is in another domain, write queue.domain",
                     domain);
}

// STATZ, which needs no system account, is answered by this server or by one beyond a leaf link, whichever is
// first: that there is a link, or the domain beyond it.
std::string linked_domain(const std::string& statz) {
  const auto answer = nlohmann::json::parse(statz, nullptr, false);
  if (const auto domain = plain_name(value_at(value_at(answer, "server"), "domain")); !domain.empty())
    return fmt::format("a server that it is linked to has JetStream in domain {}: write queue.domain",
                       domain);
  const auto data = value_at(answer, "data");
  for (const char* key : {"account_statz", "accounts"}) {
    const auto accounts = value_at(data, key);
    for (const auto& account : accounts) {
      const auto links = value_at(account, "leafnodes");
      if (links.is_number_integer() && links.get<std::int64_t>() > 0)
        return "it has a leaf link: where JetStream is in a domain beyond it, write queue.domain";
    }
  }
  return {};
}

}  // namespace

void Elsewhere::look(SteadyTime deadline, std::function<void()> done) {
  if (!ask_ || (looked_ && waiters_.empty())) return done();
  waiters_.push_back(std::move(done));
  if (looked_) return;  // the answer is under way
  looked_ = true;
  const auto until = std::min(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  ask_("$JS.API.INFO", until, [this, until](const Result<std::string>& info) {
    if (auto own = info ? own_domain(*info) : std::string(); !own.empty()) return know(std::move(own));
    ask_("$SYS.REQ.ACCOUNT.PING.STATZ", until,
         [this](const Result<std::string>& statz) { know(statz ? linked_domain(*statz) : std::string()); });
  });
}

void Elsewhere::know(std::string text) {
  text_ = std::move(text);
  looked_ = connected_();  // else it is of a connection that is gone
  for (const auto& done : std::exchange(waiters_, {})) done();
}

void Elsewhere::forget() {
  looked_ = false;
  text_.clear();
}

}  // namespace docktor
