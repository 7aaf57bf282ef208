// A stream of server-sent events, piece by piece as it comes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace docktor::top {

/// Not thread-safe. Lines without end are bounded: then the stream is broken.
class EventReader {
 public:
  static constexpr std::size_t kMostLine = 1 << 20;
  using Take = std::function<void(const std::string& event, const std::string& data)>;

  explicit EventReader(Take take) : take_(std::move(take)) {}

  /// False once a line is longer than kMostLine.
  bool feed(std::string_view piece);

 private:
  void line(std::string_view text);

  Take take_;
  std::string rest_, event_, data_;
};

}  // namespace docktor::top
