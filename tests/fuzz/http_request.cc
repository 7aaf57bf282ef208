// Any bytes as a request, once libmicrohttpd has split its head: who may ask, which route it is, and its body as the arguments of an
// operation. Whatever comes is answered, in JSON, and what is let through fits the operation's schema.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "web/guard.h"
#include "web/routes.h"
#include "web/site.h"

namespace {

using namespace docktor;

// Up to `end`, which is taken away, too.
std::string take(std::string_view& rest, std::string_view end) {
  const auto at = rest.find(end);
  std::string text(rest.substr(0, at));
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + end.size());
  return text;
}

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_json(const http::Response& r) {
  must(r.status >= 400 && r.status < 600 && nlohmann::json::accept(r.body) &&
       r.body.find('\n') == r.body.size() - 1);
}

}  // namespace

// METHOD PATH?KEY=VALUE&..., headers, an empty line, the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  http::Request request;
  request.method = take(rest, " ");
  std::string line = take(rest, "\n");
  std::string_view address(line);
  request.path = take(address, "?");
  while (!address.empty()) {
    const auto key = take(address, "=");
    request.query[key] = take(address, "&");
  }
  for (std::string header = take(rest, "\n"); !header.empty(); header = take(rest, "\n")) {
    std::string_view value(header);
    const auto name = take(value, ": ");
    request.headers[name] = std::string(value);
  }
  request.body = std::string(rest);
  request.loopback = size % 2 == 0;

  HttpSpec spec;
  spec.hosts = {"docktor.lan"};
  spec.tokens = {{"ann", Secret{"act-act-act-act-act-act-act-act-act-act"}, true}};
  const auto found = web::match(request.method, request.path);
  const auto access = web::access_of(request, spec, found.route ? found.route->need : web::Need::kLook);
  if (access.status != 0) must_be_json(web::problem(access.status, access.why));
  if (!found.route || found.route->operation.empty()) return 0;
  for (const auto& operation : operations()) {
    if (operation.name != found.route->operation) continue;
    const auto arguments = web::arguments_of(request, operation, found.arguments);
    if (arguments)
      must(checked_operation(operation.name, *arguments).has_value());
    else
      must_be_json(web::problem(arguments.error()));
  }
  return 0;
}
