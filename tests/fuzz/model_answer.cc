// What a model's server sends, whole: the completion's body, then the answer within as advice of either kind.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "llm/advice_text.h"
#include "llm/completion.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void take(std::string_view text) {
  using namespace docktor;
  for (const bool down : {true, false}) {
    const auto a = llm::parse_advice(text, down);
    if (!a) {
      require(a.error().code == ErrorCode::kInvalid && !a.error().message.empty());
      continue;
    }
    require(a->kind != AdviceKind::kWithdraw);
    require(down ? a->kind != AdviceKind::kAdd
                 : a->kind != AdviceKind::kDelay && a->kind != AdviceKind::kCancel);
    require(a->replicas >= 0 && a->replicas <= llm::kMostAdvisedReplicas);
    require(a->delay >= Duration::zero() && a->delay <= std::chrono::seconds(llm::kMostAdvisedSeconds));
    require(a->reason.size() <= kMaxAdviceReason);
    for (const char c : a->reason) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    // What was taken survives the journal.
    const auto back = advice_from_json(nlohmann::ordered_json::parse(to_json(*a).dump()));
    require(back && *back == *a);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  take(text);
  for (const char* type : {"application/json", "text/event-stream"}) {
    if (const auto c = docktor::llm::parse_completion(text, type)) {
      require(c->calls.size() <= docktor::llm::kMaxCalls);
      take(c->content);
    }
  }
  static_cast<void>(docktor::llm::parse_models(text));
  static_cast<void>(docktor::llm::status_error(500, text));
  return 0;
}
