// Reads a queue's figures out of one JSON document.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queues/http/http_spec.h"
#include "queues/over_http/asked_source.h"
#include "queues/over_http/figures.h"

namespace docktor {

class HttpInquiry final : public Inquiry {
 public:
  explicit HttpInquiry(HttpQueueSpec spec);

  Result<Step> begin(const Instant& now) override;
  Result<Step> next(const Asker::Answers& answers, const Instant& now) override;
  std::string watch_gap() const override;
  std::vector<Finding> look(const Ask& ask) override;

 private:
  Result<void> take(const HttpResponse& answer, const Instant& now);

  const HttpQueueSpec spec_;
  FigureSamples samples_;
  std::map<Figure, double> figures_;
};

}  // namespace docktor
