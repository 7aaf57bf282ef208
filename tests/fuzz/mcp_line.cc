// Any bytes as a line of the protocol: every message that comes out can be answered in one line of JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace docktor::mcp;
  const Line line = parse_line({reinterpret_cast<const char*>(data), size});
  if (line.messages.empty()) std::abort();
  for (const Message& m : line.messages) {
    if (!m.params.is_object()) std::abort();
    const std::string answer = m.kind == Message::Kind::kBad
                                   ? error_line(m.id, m.error_code, m.error_text)
                                   : result_line(m.id, {{"version", m.version()}, {"method", m.method}});
    if (answer.find('\n') != std::string::npos || !nlohmann::json::accept(answer)) std::abort();
  }
  return 0;
}
