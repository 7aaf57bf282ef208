// A queue of kind prometheus under test, read as the controller reads it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "queues/prometheus/prometheus_inquiry.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

class PrometheusReader final : public SourceReader {
 public:
  explicit PrometheusReader(const PrometheusSpec& spec)
      : source_(asker_of(askers_, spec.login, {}),
                [spec] { return std::make_unique<PrometheusInquiry>(spec); }) {}
  AskedSource& source() override { return source_; }

 private:
  Askers askers_;
  AskedSource source_;
};

inline PrometheusSpec spec_at(const std::string& url, const std::string& query) {
  PrometheusSpec s;
  s.login.url = parse_http_url(url).value();
  s.queries = {{Figure::kBacklog, query}};
  s.scrape_interval = std::chrono::milliseconds(200);
  return s;
}

}  // namespace docktor::test
