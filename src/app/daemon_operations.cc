#include "app/daemon_operations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "app/words.h"
#include "core/json_text.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kLeastLength = 1;             // seconds
constexpr double kMostLength = 366 * 86400.0;  // a year: longer is a mistake, or a configuration

// The arguments of one call, whose types and ranges the schema vouches for.
struct Call {
  Controller& controller;
  const json& arguments;
  std::string by;

  // On one line, for status, log and a person's terminal.
  std::string text(const char* key) const { return plain_text(arguments.value(key, "")); }
  int count(const char* key) const { return arguments.value(key, 0); }
  Result<std::optional<Duration>> length() const {
    const std::string text = this->text("for");
    if (text.empty()) return std::optional<Duration>();
    const auto s = seconds_or_days(text);
    if (!s || *s < kLeastLength || *s > kMostLength) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("for is '{}'; give 90 (seconds), {}, at most a year", text, kLengths));
    }
    return std::optional<Duration>(seconds(*s));
  }
};

using Done = Result<ordered_json>;

Done said(const Result<std::string>& r) {
  if (!r) return tl::unexpected(r.error());
  return ordered_json{{"text", *r}};
}

// For what may be limited in time.
template <class Act>
Done for_a_while(const Call& c, Act&& act) {
  const auto length = c.length();
  if (!length) return tl::unexpected(length.error());
  return said(act(*length));
}

Done status(const Call& c) {
  const std::string service = c.text("service");
  auto services = c.controller.status(service);
  if (!service.empty() && services.empty()) {
    return fail(ErrorCode::kNotFound, fmt::format("no service '{}'; there are: {}", service,
                                                  fmt::join(c.controller.names(), ", ")));
  }
  return ordered_json{{"services", std::move(services)}};
}

struct Handler {
  std::string_view name;
  Done (*act)(const Call&);
};

constexpr std::array kHandlers{
    Handler{"status", status},
    Handler{"proposals",
            [](const Call& c) -> Done {
              return ordered_json{{"proposals", c.controller.proposals(c.text("service"))}};
            }},
    Handler{"propose",
            [](const Call& c) {
              return said(
                  c.controller.propose(c.text("service"), c.count("replicas"), c.text("reason"), c.by));
            }},
    Handler{"pause",
            [](const Call& c) {
              return for_a_while(c, [&](auto length) {
                return c.controller.pause(c.text("service"), length, c.text("reason"), c.by);
              });
            }},
    Handler{"resume", [](const Call& c) { return said(c.controller.resume(c.text("service"), c.by)); }},
    Handler{"scale",
            [](const Call& c) {
              return for_a_while(c, [&](auto length) {
                return c.controller.scale(c.text("service"), c.count("replicas"), length, c.text("reason"),
                                          c.by);
              });
            }},
    Handler{"set_bounds",
            [](const Call& c) {
              return for_a_while(c, [&](auto length) {
                return c.controller.set_bounds(
                    c.text("service"), {c.count("min_replicas"), c.count("max_replicas")}, length, c.by);
              });
            }},
    Handler{"reset_bounds",
            [](const Call& c) { return said(c.controller.reset_bounds(c.text("service"), c.by)); }},
    Handler{"approve", [](const Call& c) { return said(c.controller.approve(c.text("id"), c.by)); }},
    Handler{"reject",
            [](const Call& c) { return said(c.controller.reject(c.text("id"), c.text("reason"), c.by)); }},
};

}  // namespace

Result<ordered_json> operate(Controller& controller, const std::string& operation, const json& arguments,
                             const Asker& asker) {
  if (const auto fits = checked_operation(operation, arguments); !fits) return tl::unexpected(fits.error());
  const auto it = std::ranges::find(kHandlers, operation, &Handler::name);
  if (it == kHandlers.end())
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is answered from the journal, not by the daemon", operation));
  return it->act({controller, arguments, asker.text()});
}

}  // namespace docktor
