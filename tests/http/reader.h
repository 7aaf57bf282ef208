// A queue of kind http under test, read as the controller reads it.
#pragma once

#include <memory>

#include "queues/http/http_inquiry.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

class HttpReader final : public SourceReader {
 public:
  explicit HttpReader(const HttpQueueSpec& spec, Askers& askers = shared())
      : source_(asker_of(askers, spec.login, {}), [spec] { return std::make_unique<HttpInquiry>(spec); }) {}
  AskedSource& source() override { return source_; }

  static Askers& shared() {
    static Askers askers;
    return askers;
  }

 private:
  AskedSource source_;
};

}  // namespace docktor::test
