// The Adviser that asks the configured model.
#pragma once

#include <atomic>
#include <memory>

#include "core/adviser.h"
#include "llm/chat_client.h"

namespace docktor::llm {

/// Thread-safe. At most `kMostAtOnce` questions are on their way; further ones are answered with kExhausted
/// at once. Destroying it ends them with kUnavailable.
class ModelAdviser final : public Adviser {
 public:
  static constexpr int kMostAtOnce = 16;

  explicit ModelAdviser(LlmSpec spec);
  void ask(const AdviceQuestion& question, std::function<void(Result<Advice>)> done) override;
  void explain(const nlohmann::ordered_json& record, std::function<void(Result<std::string>)> done) override;

 private:
  template <class T>
  bool enter(const std::function<void(Result<T>)>& done);

  std::atomic<int> under_way_{0};
  ChatClient client_;
};

}  // namespace docktor::llm
