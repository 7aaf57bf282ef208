// A program outside docktor's tree: connects where nobody is, and must be told so in words.
#include <docktor/docktor.h>

#include <cstdio>

int main() {
  const auto connection =
      docktor::Connection::connect("nats://127.0.0.1:1", {.timeout = std::chrono::seconds(1)});
  if (connection) return 1;
  std::printf("%s\n", connection.error().message.c_str());
  return connection.error().code == docktor::ErrorCode::kUnavailable ? 0 : 1;
}
