#include "web/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace docktor::web {

bool accepts_gzip(std::string_view accept_encoding) {
  const auto at = accept_encoding.find("gzip");
  if (at == std::string_view::npos) return false;
  auto rest = accept_encoding.substr(at + 4);
  rest = rest.substr(0, rest.find(','));
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

std::optional<std::string> gzip(const std::string& text) {
  z_stream z{};
  constexpr int kGzip = 15 + 16;
  if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return std::nullopt;
  // Figures shrink to a tenth: room for the worst case would be as large as the text once more.
  std::string out;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib does not write there
  z.avail_in = static_cast<uInt>(text.size());
  int done = Z_OK;
  while (done == Z_OK) {
    out.resize(out.size() + std::max<std::size_t>(16 << 10, out.size() / 2));
    z.next_out = reinterpret_cast<Bytef*>(out.data()) + z.total_out;
    z.avail_out = static_cast<uInt>(out.size() - z.total_out);
    done = deflate(&z, Z_FINISH);
  }
  out.resize(z.total_out);
  deflateEnd(&z);
  if (done != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace docktor::web
