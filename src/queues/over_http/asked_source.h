// A source that is asked over HTTP, whatever the kind: what to ask and what the answers mean is an Inquiry.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/source.h"
#include "queues/over_http/asker.h"

namespace docktor {

/// What is asked for one queue, and what the answers mean. Not thread-safe: one reading at a time, each is begin(), then
/// next() with the answers to what the step before asked for, until a sample or an error comes of it.
class Inquiry {
 public:
  using Requests = std::vector<HttpRequest>;
  using Step = std::variant<QueueSample, Requests>;
  /// For looks that wait: sends and gives the answers.
  using Ask = std::function<Result<Asker::Answers>(Requests)>;

  virtual ~Inquiry() = default;

  virtual Result<Step> begin(const Instant& now) = 0;
  virtual Result<Step> next(const Asker::Answers& answers, const Instant& now) = 0;
  /// Instead of next(), where one of them did not come.
  virtual void failed(const Error&) {}
  /// See Source::watch_gap.
  virtual std::string watch_gap() const = 0;
  /// For `config validate`.
  virtual std::vector<Finding> look(const Ask& ask) = 0;
};

/// Thread-safe.
class AskedSource final : public Source {
 public:
  using Make = std::function<std::unique_ptr<Inquiry>()>;

  /// `make` is called once for readings, and again for each check.
  AskedSource(std::shared_ptr<Asker> asker, Make make);
  ~AskedSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  std::string watch_gap() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;
  const std::shared_ptr<Asker> asker_;
  const Make make_;
  std::shared_ptr<Core> core_;
};

}  // namespace docktor
