#include "web/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "control/desired.h"
#include "core/json_text.h"
#include "core/record.h"
#include "core/text.h"
#include "metrics/text.h"
#include "web/gzip.h"
#include "web/openapi.h"
#include "web/page.h"
#include "web/routes.h"

namespace docktor::web {
namespace {

using http::Request;
using http::Response;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kLongestTurn = 5;  // seconds in which the loop must have turned
constexpr std::size_t kLeastZipped = 4 << 10;
constexpr std::size_t kUsualPoints = 360, kMostPoints = 2000;  // of a history

Response as_json(const ordered_json& j) {
  return {.body = to_line(j) + "\n",
          .content_type = "application/json",
          .headers = {{"Cache-Control", "private, no-cache"}}};
}

Response with_plain_safety(Response r) {
  r.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return r;
}

Response zipped_where_asked(Response r, const Request& request) {
  if (r.body.size() <= kLeastZipped || !accepts_gzip(request.header("accept-encoding"))) return r;
  if (auto zipped = gzip(r.body)) {
    r.body = std::move(*zipped);
    r.headers.emplace_back("Content-Encoding", "gzip");
    r.headers.emplace_back("Vary", "Accept-Encoding");
  }
  return r;
}

// A proxy may pass paths on as it was asked for them: that of public_url comes before ours then. What is an address without it
// stays one, whatever that path is.
std::string_view base_path(std::string_view public_url) {
  const auto name = public_url.find("://");
  const auto path = name == std::string_view::npos ? name : public_url.find('/', name + 3);
  return path == std::string_view::npos ? std::string_view() : public_url.substr(path);
}

bool is_address(const Request& request) {
  const auto found = match(request.method, request.path);
  return found.route || !found.allowed.empty();
}

// Weak, since it is the same whether the body is zipped; of this process, which is what it is compared within.
Response unless_known(Response r, const Request& request) {
  const bool fits = r.status == 200 && !r.stream && (request.method == "GET" || request.method == "HEAD");
  if (!fits || r.content_type != "application/json") return r;
  const auto tag = fmt::format("W/\"{:016x}\"", std::hash<std::string_view>()(r.body));
  const auto known = request.header("if-none-match");
  if (known == "*" || known.find(tag) != std::string::npos) {
    r.status = 304;
    r.body.clear();
  }
  r.headers.emplace_back("ETag", tag);
  return r;
}

struct Stretch {
  double from = 0, to = 0;  // Unix seconds
  std::optional<std::size_t> points;
  bool recorded = false;  // what is not in memory is read from the journal, too
};

Result<Stretch> stretch_of(const Request& request, double now) {
  Stretch s{now - 3600, now + 1, std::nullopt};
  for (const auto& [key, text] : request.query) {
    if (key == "points") {
      if (!is_whole_number(text) || text.size() > 4 || std::stoul(text) < 2 || std::stoul(text) > kMostPoints)
        return fail(ErrorCode::kInvalid, fmt::format("points is a whole number from 2 to {}", kMostPoints));
      s.points = std::stoul(text);
      continue;
    }
    if (key != "from" && key != "to")
      return fail(ErrorCode::kInvalid, fmt::format("unknown '{}'; there are: from, to (Unix seconds), points",
                                                   plain_text(key.substr(0, 100))));
    if (!is_decimal_number(text) || text.size() > 20)
      return fail(ErrorCode::kInvalid, fmt::format("{} is not a number of Unix seconds", key));
    (key == "from" ? s.from : s.to) = std::strtod(text.c_str(), nullptr);
    s.recorded = s.recorded || key == "from";
  }
  s.from = std::clamp(s.from, 0.0, 9e9);
  s.to = std::clamp(s.to, 0.0, 9e9);
  return s;
}

}  // namespace

http::Handler Site::handler() {
  return {.at_once = [this](const Request& r) -> std::optional<Response> {
            if (auto moved = to_the_base(r)) return moved;
            return at_once(within_base(r));
          },
          .answer = [this](const Request& r) { return answer(within_base(r)); },
          .refuse =
              [this](int status, const std::string& why) {
                count("", status);
                return problem(status, why);
              }};
}

void Site::allow(const HttpSpec& spec) {
  {
    const std::lock_guard lock(mutex_);
    if (spec_ == spec) return;
    spec_ = spec;
  }
  feed_.end_all();  // a stream was opened with what may be no token any more
}

void Site::reloaded(bool taken, double at) {
  const std::lock_guard lock(mutex_);
  reload_ok_ = taken;
  if (taken) reload_at_ = at;
}

void Site::count_with(std::function<std::pair<std::size_t, std::size_t>()> connections) {
  const std::lock_guard lock(mutex_);
  connections_ = std::move(connections);
}

void Site::notifications_with(Channels channels) {
  const std::lock_guard lock(mutex_);
  channels_ = std::move(channels);
}

HttpSpec Site::spec() const {
  const std::lock_guard lock(mutex_);
  return spec_;
}

// The page's addresses are relative: without a slash at the end they would lead elsewhere.
std::optional<Response> Site::to_the_base(const Request& request) const {
  const auto s = spec();
  const auto base = base_path(s.public_url);
  if (base.empty() || request.path != base || is_address(request) || !host_is_ours(request, s))
    return std::nullopt;
  return Response{.status = 308, .headers = {{"Location", std::string(base) + "/"}}};
}

Request Site::within_base(Request request) const {
  const auto url = spec().public_url;
  const auto base = base_path(url);
  if (!base.empty() && !is_address(request) && request.path.starts_with(base) &&
      request.path.substr(base.size()).starts_with('/'))
    request.path.erase(0, base.size());
  return request;
}

// By the route's template: a path from outside would be a label without end.
void Site::count(const std::string& handler, int status) {
  const std::lock_guard lock(mutex_);
  ++counts_[{handler, status}];
}

std::optional<Response> Site::at_once(const Request& request) {
  const auto found = match(request.method, request.path);
  const auto done = [&](Response r) {
    r = unless_known(std::move(r), request);
    count(found.route ? std::string(found.route->pattern) : "", r.status);
    return with_plain_safety(std::move(r));
  };
  const auto access = access_of(request, spec(), found.route ? found.route->need : Need::kLook);
  if (access.status != 0) {
    auto r = problem(access.status, access.why);
    if (access.status == 401) r.headers.emplace_back("WWW-Authenticate", "Bearer");
    return done(std::move(r));
  }
  if (!found.route && found.allowed.empty())
    return done(problem(404, "there is no such address; /api/v1/openapi.json lists all", "not_found"));
  if (!found.route) {
    auto r = problem(405, fmt::format("{} takes {}", request.path.substr(0, 100), found.allowed));
    r.headers.emplace_back("Allow", found.allowed);
    return done(std::move(r));
  }
  // What needs neither the loop nor a file is answered here, so that it is whatever else is asked.
  constexpr std::array<std::string_view, 8> kQuick{"page",    "plain", "health", "ready",
                                                   "openapi", "about", "events", "desired"};
  if (std::ranges::find(kQuick, found.route->own) == kQuick.end()) return std::nullopt;
  return done(own(found.route->own, request, access, found.arguments));
}

Response Site::answer(const Request& request) {
  const auto found = match(request.method, request.path);
  const auto access = access_of(request, spec(), found.route->need);
  auto r = [&]() -> Response {
    if (found.route->operation.empty()) return own(found.route->own, request, access, found.arguments);
    const auto all = operations();
    const auto& operation = *std::ranges::find(all, found.route->operation, &Operation::name);
    const auto arguments = arguments_of(request, operation, found.arguments);
    if (!arguments) return problem(arguments.error());
    const auto done = backend_.call(operation.name, *arguments, access.by);
    return done ? as_json(*done) : problem(done.error());
  }();
  r = unless_known(std::move(r), request);
  count(std::string(found.route->pattern), r.status);
  return with_plain_safety(std::move(r));
}

Response Site::own(std::string_view what, const Request& request, const Access& access,
                   const std::map<std::string, std::string>& path) {
  if (what == "page") return zipped_where_asked(page_file(request.path), request);
  if (what == "plain") return plain_page(board_.services());
  if (what == "health") return health();
  if (what == "ready") return ready();
  if (what == "metrics") return metrics(request);
  if (what == "openapi") return as_json(openapi(backend_.version));
  if (what == "history") return history(request, path.at("service"));
  if (what == "desired") return desired(path.at("service"));
  if (what == "about") {
    return as_json({{"version", backend_.version},
                    {"mode", backend_.manual ? "MANUAL" : "AUTONOMOUS"},
                    {"by", access.by},
                    {"may_act", access.may_act}});
  }
  if (what == "events") {
    Response r{.content_type = "text/event-stream",
               .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}};
    r.stream = [this, last = request.header("last-event-id")](std::shared_ptr<http::EventStream> s) {
      feed_.add(std::move(s), last);
    };
    return r;
  }
  const auto done = backend_.call(std::string(what), json::object(), access.by);  // config, reload
  return done ? as_json(*done) : problem(done.error());
}

Response Site::health() const {
  if (const double idle = board_.idle(); idle > kLongestTurn)
    return {.status = 503,
            .body = fmt::format("the loop has not turned for {:.0f} s\n", std::min(idle, 1e6))};
  return {.body = "healthy\n"};
}

Response Site::ready() const {
  std::string missing;
  const auto services = board_.services();
  for (const auto& f : services) {
    if (!f->not_ready.empty()) missing += fmt::format("{}: {}\n", f->name, plain_text(f->not_ready));
  }
  if (services.empty()) missing = "no service has begun yet\n";
  if (!missing.empty()) return {.status = 503, .body = missing};
  return {.body = "ready\n"};
}

// Without a number that can be trusted an error: whoever asks then keeps what there is (an HPA), or takes its fallback (KEDA).
Response Site::desired(const std::string& service) const {
  const auto f = board_.service(service);
  if (!f)
    return problem(404, fmt::format("no service '{}'", plain_text(service.substr(0, 100))), "not_found");
  const auto n = board_.idle() > kLongestTurn ? std::nullopt : desired_replicas(*f);
  if (!n)
    return problem(503, fmt::format("no fresh decision on {}: {}", f->name,
                                    !f->not_ready.empty() ? plain_text(f->not_ready)
                                    : !f->decision        ? "none was made yet"
                                                          : "its figures are old"));
  return as_json({{"service", f->name},
                  {"desired", *n},
                  {"current", f->counts.current},
                  {"reason", f->decision->reason}});
}

Response Site::metrics(const Request& request) const {
  namespace m = docktor::metrics;
  m::World world;
  world.services = board_.services();
  world.daemon = board_.daemon();
  world.version = backend_.version;
  world.process = m::this_process();
  world.reduced = world.services.size() > m::kMostWhole;
  {
    const std::lock_guard lock(mutex_);
    world.reload_ok = reload_ok_;
    world.reload_at = reload_at_;
    world.http_requests = counts_;
    if (channels_) world.channels = channels_();
    if (connections_) std::tie(world.http_connections, world.http_streams) = connections_();
  }
  const auto format = m::format_for(request.header("accept"));
  return zipped_where_asked(
      {.body = m::to_text(world, format), .content_type = std::string(m::content_type(format))}, request);
}

Response Site::history(const Request& request, const std::string& service) const {
  const auto figures = board_.service(service);
  if (!figures)
    return problem(404, fmt::format("no service '{}'", plain_text(service.substr(0, 100))), "not_found");
  const auto asked = stretch_of(request, to_seconds(figures->at));
  if (!asked) return problem(asked.error());
  const Time from = time_at(asked->from), to = time_at(asked->to);
  auto points = board_.history(service, from, to);
  // What is kept in memory begins with the daemon, and reaches back a day at most.
  const double began = to_seconds(board_.began());
  const double memory = points.empty() ? asked->to : began + static_cast<double>(points.front().t);
  if (asked->recorded && memory > asked->from + to_seconds(Board::kCoarse) && backend_.recorded) {
    const auto share = (memory - asked->from) / std::max(asked->to - asked->from, 1.0);
    const auto most = std::max(2.0, share * static_cast<double>(asked->points.value_or(kUsualPoints)));
    auto older = backend_.recorded(service, from, time_at(memory), static_cast<std::size_t>(most));
    if (!older) return problem(older.error());
    points.insert(points.begin(), older->begin(), older->end());
  }
  if (asked->points) {
    HistorySteps steps(static_cast<float>(asked->from - began), static_cast<float>(asked->to - began),
                       *asked->points);
    for (const auto& p : points) steps.put(p);
    points = steps.done();
  }
  ordered_json j = {{"service", service}, {"points", ordered_json::array()}};
  j["columns"] = {"t",       "backlog", "rate_in", "rate_out", "oldest_wait",
                  "current", "ready",   "target",  "min",      "max"};
  for (const auto& p : points) {
    auto row = ordered_json::array({std::round((began + static_cast<double>(p.t)) * 10) / 10});
    for (const float v :
         {p.backlog, p.rate_in, p.rate_out, p.oldest_wait, p.current, p.ready, p.target, p.min, p.max})
      row.push_back(std::isfinite(v) ? ordered_json(std::round(static_cast<double>(v) * 1000) / 1000)
                                     : ordered_json());
    j["points"].push_back(std::move(row));
  }
  return as_json(j);
}

}  // namespace docktor::web
