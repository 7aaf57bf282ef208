// `docktor web`: the daemon's page on a port of this host, without one of the daemon's. It passes requests on to the
// daemon's unix socket, where the kernel's word counts: whoever has the token acts as the user who typed the command.
#include <fmt/format.h>
#include <signal.h>
#include <sys/random.h>

#include <array>
#include <memory>

#include "app/commands.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "http/server.h"
#include "os/http_client.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/site.h"

namespace docktor {
namespace {

std::string new_token() {
  std::array<unsigned char, 24> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  std::string text;
  for (const auto b : bytes) text += fmt::format("{:02x}", b);
  return text;
}

HttpRequest passed_on(const http::Request& r) {
  HttpRequest out{.method = r.method, .path = r.path, .body = r.body, .timeout = std::chrono::seconds(40)};
  char before = '?';
  for (const auto& [key, value] : r.query) {
    out.path += fmt::format("{}{}={}", before, url_encoded(key), url_encoded(value));
    before = '&';
  }
  if (const auto last = r.header("last-event-id"); !last.empty() && last.size() < 100)
    out.headers.push_back("Last-Event-ID: " + last);
  if (r.body.empty() && r.method == "POST") out.body = "{}";
  return out;
}

std::string encoded_path(const std::string& path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    out += url_encoded(std::string_view(path).substr(at, end - at));
    if (end < path.size()) out += '/';
    at = end + 1;
  }
  return out;
}

http::Response pass_on(HttpClient& daemon, const http::Request& request) {
  auto out = passed_on(request);
  out.path.replace(0, request.path.size(), encoded_path(request.path));
  if (request.path == "/api/v1/events") {
    out.timeout = Duration::zero();
    http::Response r{.content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}};
    r.stream = [&daemon, out](const std::shared_ptr<http::EventStream>& stream) {
      daemon.submit(
          out, [stream](const Result<HttpResponse>&) { stream->end(); },
          [stream](std::string_view piece) { return stream->send(piece); });
    };
    return r;
  }
  const auto answer = daemon.send(out);
  if (!answer)
    return web::problem(503, "the daemon does not answer: " + answer.error().message, "unavailable", true);
  const auto type = answer->headers.find("content-type");
  return {.status = answer->status,
          .body = answer->body,
          .content_type = type == answer->headers.end() ? "application/json" : type->second,
          .headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
}

}  // namespace

int web_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    return complain(chosen.error().message, kExitUsage);
  }
  if (!chosen->running) {
    say(stderr, "docktor: {}\n", no_daemon_text(chosen->instance));
    return kExitNotRunning;
  }
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  HttpSpec spec;
  const std::string token = new_token();
  if (token.empty()) {
    say(stderr, "docktor: the system gives no random bytes for a token (getrandom)\n");
    return kExitFailed;
  }
  spec.tokens = {{"web", Secret{token}, true}};
  HttpClient daemon({.base_url = "http://localhost", .unix_socket = chosen->instance.http_socket_file()});
  http::Handler handler;
  handler.refuse = [](int status, const std::string& why) { return web::problem(status, why); };
  handler.at_once = [&spec](http::Request r) -> std::optional<http::Response> {
    if (!web::host_is_ours(r, spec)) return web::problem(421, "ask for 127.0.0.1");
    const bool file = r.method == "GET" && web::page_file(r.path).status == 200;
    if (file) return web::page_file(r.path);
    r.loopback = false;  // other users of this host are strangers here
    const auto access = web::access_of(r, spec, r.method == "GET" ? web::Need::kLook : web::Need::kAct);
    if (access.status == 401)
      return web::problem(401,
                          "open the address that `docktor web` wrote: the token stands in it, and a browser "
                          "needs script to send it");
    if (access.status != 0) return web::problem(access.status, access.why);
    return std::nullopt;
  };
  handler.answer = [&daemon](const http::Request& r) { return pass_on(daemon, r); };
  auto server = http::HttpListener::listen(fmt::format("127.0.0.1:{}", cli.port), handler);
  if (!server) {
    say(stderr, "docktor: {}{}\n", server.error().message,
        server.error().code == ErrorCode::kConflict ? ": choose another port with --port" : "");
    return kExitFailed;
  }
  say(stdout,
      "docktor's page: http://127.0.0.1:{}/#token={}\nThe address is for you alone: whoever has it acts as "
      "you. Ctrl-C "
      "ends it.\n",
      (*server)->port(), token);
  std::fflush(stdout);
  int signal = 0;
  ::sigwait(&set, &signal);
  return 0;
}

}  // namespace docktor
