// Several queues of one service as one source: asks all of them, and answers with their sum.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/source.h"

namespace docktor {

/// A sum of which a part is missing is no sum: where one queue does not answer, or is not there, there is no `queue`,
/// `part_missing` names it, and `part_waits` says what the others hold. Has no thread of its own; thread-safe as they are.
class SeveralQueues final : public Source {
 public:
  struct Part {
    std::string name;
    std::unique_ptr<Source> source;
  };
  /// At least one, of different names.
  explicit SeveralQueues(std::vector<Part> parts);

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  void watch(std::function<void()> on_message) override;
  std::string watch_gap() const override;
  std::string unfit_for_zero() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  const std::vector<Part> parts_;
};

}  // namespace docktor
