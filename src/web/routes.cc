#include "web/routes.h"

#include <array>
#include <vector>

namespace docktor::web {
namespace {

using enum Need;

// clang-format off: a table.
constexpr std::array kRoutes = std::to_array<Route>({
    {"GET", "/", "", "page", kNothing, "The page; it asks for a token where one is needed."},
    {"GET", "/index.html", "", "page", kNothing, "The page."},
    {"GET", "/page.js", "", "page", kNothing, "The page's script."},
    {"GET", "/chart.js", "", "page", kNothing, "The page's charts."},
    {"GET", "/page.css", "", "page", kNothing, "The page's style."},
    {"GET", "/icon.svg", "", "page", kNothing, "The page's icon."},
    {"GET", "/icon-trouble.svg", "", "page", kNothing, "The page's icon when a service is in trouble."},
    {"GET", "/plain", "", "plain", kLook, "A table for browsers without script."},
    {"GET", "/healthz", "", "health", kNothing, "200 while the daemon's loop turns, else 503."},
    {"GET", "/readyz", "", "ready", kNothing, "200 once every queue and target answers, else 503 with what is missing."},
    {"GET", "/metrics", "", "metrics", kLook, "Figures for Prometheus."},
    {"GET", "/api/v1/openapi.json", "", "openapi", kLook, "This description."},
    {"GET", "/api/v1/about", "", "about", kLook, "Version, mode, and whether the one who asks may act."},
    {"GET", "/api/v1/config", "", "config", kLook, "The configuration in effect; secrets are ***."},
    {"POST", "/api/v1/reload", "", "reload", kAct, "Reads the configuration again; a bad one changes nothing."},
    {"GET", "/api/v1/events", "", "events", kLook, "A stream of server-sent events: service, decision."},
    {"GET", "/api/v1/services", "status", "", kLook, ""},
    {"GET", "/api/v1/services/{service}", "status", "", kLook, ""},
    {"GET", "/api/v1/services/{service}/history", "", "history", kLook,
     "Waits, backlog, rates, replicas. From `from` to `to` (Unix seconds): each 5 s in the last hour, each minute in the last day, what is "
     "older or from before the daemon's start from the journal; in `points` steps where that is given. Without `from` the last hour, "
     "as far as the daemon remembers it: cheap enough to be asked each second."},
    {"GET", "/api/v1/services/{service}/savings", "savings", "", kLook, ""},
    {"GET", "/api/v1/services/{service}/desired", "", "desired", kLook,
     "How many replicas the last decision asks for, as a plain number for another autoscaler; 503 where it rests on no fresh data."},
    {"GET", "/api/v1/services/{service}/decisions", "list_decisions", "", kLook, ""},
    {"POST", "/api/v1/services/{service}/pause", "pause", "", kAct, ""},
    {"POST", "/api/v1/services/{service}/resume", "resume", "", kAct, ""},
    {"POST", "/api/v1/services/{service}/scale", "scale", "", kAct, ""},
    {"POST", "/api/v1/services/{service}/bounds", "set_bounds", "", kAct, ""},
    {"DELETE", "/api/v1/services/{service}/bounds", "reset_bounds", "", kAct, ""},
    {"POST", "/api/v1/services/{service}/propose", "propose", "", kAct, ""},
    {"POST", "/api/v1/services/{service}/simulate", "simulate", "", kLook, ""},
    {"POST", "/api/v1/services/{service}/decide", "decide", "", kLook, ""},
    {"GET", "/api/v1/decisions", "list_decisions", "", kLook, ""},
    {"GET", "/api/v1/decisions/{id}", "explain", "", kLook, ""},
    {"GET", "/api/v1/proposals", "proposals", "", kLook, ""},
    {"POST", "/api/v1/proposals/{id}/approve", "approve", "", kAct, ""},
    {"POST", "/api/v1/proposals/{id}/reject", "reject", "", kAct, ""},
});
// clang-format on

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = path.find('/');
    parts.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return parts;
}

std::optional<std::map<std::string, std::string>> fit(std::string_view pattern, std::string_view path) {
  const auto a = parts_of(pattern), b = parts_of(path);
  if (a.size() != b.size()) return std::nullopt;
  std::map<std::string, std::string> arguments;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].starts_with('{')) {
      if (b[i].empty()) return std::nullopt;
      arguments.emplace(a[i].substr(1, a[i].size() - 2), b[i]);
    } else if (a[i] != b[i]) {
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

Match match(std::string_view method, std::string_view path) {
  Match found;
  if (!path.starts_with('/')) return found;
  if (method == "HEAD") method = "GET";
  for (const auto& r : kRoutes) {
    auto arguments = fit(r.pattern, path);
    if (!arguments) continue;
    if (r.method == method) return {&r, std::move(*arguments), ""};
    found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(r.method);
  }
  return found;
}

}  // namespace docktor::web
