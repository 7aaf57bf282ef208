// What a receiver of notifications answers: status, headers and body as they come.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "notify/answer.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace docktor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.substr(0, text.find('\n'));
  const std::string_view body = line.size() < text.size() ? text.substr(line.size() + 1) : std::string_view{};
  for (const int status : {200, 302, 404, 410, 429, 503}) {
    const HttpResponse answer{status, {{"retry-after", std::string(line)}}, std::string(body)};
    const auto verdict = notify::judge(answer, time_at(1'000'000), "/services/verysecret");
    require((verdict.what == notify::Verdict::What::kTaken) == verdict.why.empty());
    require(!verdict.wait || (*verdict.wait >= Duration::zero() && *verdict.wait <= notify::kLongestWait));
    require(verdict.why.find("verysecret") == std::string::npos);
    for (const char c : verdict.why) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  return 0;
}
