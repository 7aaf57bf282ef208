// A queue of kind sqs under test, read as the controller reads it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "queues/sqs/sqs_inquiry.h"
#include "queues/sqs/sqs_kind.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

inline SqsSpec spec_at(const std::string& queue_url, Duration poll = std::chrono::milliseconds(1)) {
  SqsSpec s;
  s.url = parse_http_url(queue_url).value();
  s.queue_url = queue_url;
  s.fifo = queue_url.ends_with(".fifo");
  s.region = "eu-west-1";
  s.access_key = "AKIAX";
  s.secret_key = "s3cret";
  s.poll_interval = poll;
  return s;
}

class SqsReader final : public SourceReader {
 public:
  explicit SqsReader(const SqsSpec& spec)
      : source_(sqs_source(sqs_asker(askers_, spec, {}, [](const char*) { return std::string(); }), spec)) {}
  AskedSource& source() override { return *source_; }

 private:
  Askers askers_;
  std::unique_ptr<AskedSource> source_;
};

}  // namespace docktor::test
