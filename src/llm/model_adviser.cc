#include "llm/model_adviser.h"

#include <fmt/format.h>

#include "llm/advice_text.h"
#include "llm/prompt.h"

namespace docktor::llm {
namespace {

constexpr std::size_t kMaxSentence = 400;

}  // namespace

ModelAdviser::ModelAdviser(LlmSpec spec) : client_(std::move(spec)) {}

template <class T>
bool ModelAdviser::enter(const std::function<void(Result<T>)>& done) {
  if (under_way_.fetch_add(1) < kMostAtOnce) return true;
  --under_way_;
  done(fail(ErrorCode::kExhausted, fmt::format("{} questions are under way already", kMostAtOnce), true));
  return false;
}

void ModelAdviser::ask(const AdviceQuestion& question, std::function<void(Result<Advice>)> done) {
  if (!enter<Advice>(done)) return;
  client_.complete(advice_request(question), [this, down = question.down,
                                              done = std::move(done)](Result<Completion> answer) {
    --under_way_;
    if (!answer)
      done(tl::unexpected(answer.error()));
    else if (answer->finish == "length")
      done(fail(ErrorCode::kInvalid, "the answer makes no sense: it was cut off at max_tokens"));
    else
      done(parse_advice(answer->content, down));
  });
}

void ModelAdviser::explain(const nlohmann::ordered_json& record,
                           std::function<void(Result<std::string>)> done) {
  if (!enter<std::string>(done)) return;
  client_.complete(explanation_request(record), [this, done = std::move(done)](Result<Completion> answer) {
    --under_way_;
    if (!answer) {
      done(tl::unexpected(answer.error()));
      return;
    }
    auto sentence = one_line(answer->content, kMaxSentence);
    if (sentence.empty())
      done(fail(ErrorCode::kInvalid, "the answer makes no sense: it is empty"));
    else
      done(std::move(sentence));
  });
}

}  // namespace docktor::llm
