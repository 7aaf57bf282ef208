// Reads a queue's figures by instant queries, all of one instant of the server's clock.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "queues/over_http/asked_source.h"
#include "queues/over_http/figures.h"
#include "queues/prometheus/instant_answer.h"
#include "queues/prometheus/prometheus_spec.h"

namespace docktor {

class PrometheusInquiry final : public Inquiry {
 public:
  explicit PrometheusInquiry(PrometheusSpec spec);

  Result<Step> begin(const Instant& now) override;
  Result<Step> next(const Asker::Answers& answers, const Instant& now) override;
  std::string watch_gap() const override;
  std::vector<Finding> look(const Ask& ask) override;

 private:
  HttpRequest request(const std::string& query) const;
  Result<void> take(Figure figure, const HttpResponse& answer);
  Result<void> check_age(Figure figure, const HttpResponse& answer) const;
  Result<std::optional<InstantValue>> value_in(Figure figure, const HttpResponse& answer) const;
  Requests rest();

  const PrometheusSpec spec_;
  FigureSamples samples_;

  // Of the reading under way.
  bool first_ = true;
  std::string at_;  // the server's time of the backlog; empty: not told
  double at_seconds_ = 0;
  std::vector<Figure> asked_, aged_;  // what the answers of the second round are of, one after the other
  std::map<Figure, double> figures_;
};

}  // namespace docktor
