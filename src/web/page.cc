#include "web/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/json_text.h"
#include "core/text.h"

namespace docktor::web {
namespace {

constexpr std::array kFiles = std::to_array<PageFile>({
#include "page_files.inc"
});

constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view path) {
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

http::Response safe(std::string body, std::string_view type) {
  return {.body = std::move(body),
          .content_type = std::string(type),
          .headers = {{"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Cache-Control", "no-cache"}}};
}

std::string escaped(std::string_view text) { return markup_escaped(plain_text(text)); }

std::string row(const ServiceFigures& f) {
  std::string conditions;
  for (const auto& h : f.holdings)
    conditions += fmt::format("{}{}", conditions.empty() ? "" : "; ", info(h.condition).words);
  const auto backlog = f.latest.queue_stale ? std::nullopt : f.latest.get(Metric::kQueueBacklog);
  const bool waits = f.oldest_wait && !f.latest.queue_stale;
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{} of {} ({} to "
      "{})</td><td>{}</td></tr>\n",
      escaped(f.name), escaped(conditions.empty() ? "as it should be" : conditions),
      waits ? (f.oldest_is_guess ? "about " : "") + spoken_duration(seconds(*f.oldest_wait)) : "not known",
      backlog ? short_number(*backlog) : "not known", f.counts.ready, f.counts.current, f.bounds.min,
      f.bounds.max, escaped(f.decision ? f.decision->reason : "no decision yet"));
}

}  // namespace

std::span<const PageFile> page_files() { return kFiles; }

http::Response page_file(std::string_view path) {
  const auto* file = path == "/" ? &kFiles[0] : std::ranges::find(kFiles, path, &PageFile::path);
  if (file == kFiles.end()) return {.status = 404, .body = "no such file\n"};
  return safe(std::string(file->text), type_of(file->path));
}

http::Response plain_page(const std::vector<ServiceFiguresPtr>& services) {
  std::string body =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta http-equiv=\"refresh\" "
      "content=\"10\">"
      "<title>docktor</title><link rel=\"icon\" href=\"icon.svg\"><link rel=\"stylesheet\" "
      "href=\"page.css\"></head>\n"
      "<body><header><h1>docktor</h1></header><main><section><table><caption>Services, renewed each 10 "
      "s</caption>\n"
      "<thead><tr><th scope=\"col\">service</th><th scope=\"col\">state</th><th scope=\"col\">oldest "
      "wait</th>"
      "<th scope=\"col\">backlog</th><th scope=\"col\">replicas ready</th><th scope=\"col\">last "
      "decision</th></tr></thead>"
      "<tbody>\n";
  for (const auto& f : services) body += row(*f);
  return safe(body + "</tbody></table></section></main></body></html>\n", "text/html; charset=utf-8");
}

}  // namespace docktor::web
