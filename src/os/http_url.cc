#include "os/http_url.h"

#include <curl/curl.h>

#include <memory>

namespace docktor {
namespace {

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

std::string base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u;
    };
    const unsigned n = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (unsigned k = 0; k < 4; ++k) out += i + k <= text.size() ? kDigits[n >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://"))
    return fail(ErrorCode::kInvalid, "does not begin with http:// or https://");
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK)
    return fail(ErrorCode::kInvalid, "is no address; write http://HOST:PORT/PATH");
  HttpUrl out;
  out.tls = text.starts_with("https://");
  out.user = part_of(url.get(), CURLUPART_USER, CURLU_URLDECODE);
  out.password = part_of(url.get(), CURLUPART_PASSWORD, CURLU_URLDECODE);
  out.base = (out.tls ? "https://" : "http://") + part_of(url.get(), CURLUPART_HOST);
  if (const auto port = part_of(url.get(), CURLUPART_PORT); !port.empty()) out.base += ":" + port;
  out.path = part_of(url.get(), CURLUPART_PATH);
  if (out.path.empty()) out.path = "/";
  if (const auto query = part_of(url.get(), CURLUPART_QUERY); !query.empty()) out.path += "?" + query;
  return out;
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  return "Basic " + base64(std::string(user) + ":" + std::string(password));
}

}  // namespace docktor
