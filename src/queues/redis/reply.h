// What a Redis server answers, and how it is read off the wire (hiredis's parser, with bounds of our own).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace docktor {

/// One command: its name and arguments.
using RedisCommand = std::vector<std::string>;

struct Reply {
  enum class Type { kNil, kText, kStatus, kError, kInteger, kArray };
  Type type = Type::kNil;
  std::int64_t integer = 0;
  std::string text;  ///< of a text, a status, an error
  std::vector<Reply> items;

  bool is_nil() const { return type == Type::kNil; }
  bool is_array() const { return type == Type::kArray; }
  bool is_error() const { return type == Type::kError; }
  /// Of an error: whether it begins with this word ("NOPERM", "LOADING").
  bool is_error(std::string_view code) const;

  /// A number that is not negative, as an integer or as text; nothing for all else, nil included.
  std::optional<std::uint64_t> count() const;
  /// A text or a status; nullptr for all else.
  const std::string* words() const;

  /// Of an array of names and values: the value of that name; nullptr where there is none.
  const Reply* field(std::string_view name) const;
  std::optional<std::uint64_t> count(std::string_view name) const;
  /// Empty where it is absent or no text.
  std::string text_of(std::string_view name) const;
};

/// The bytes of a command on the wire.
std::string wire_of(const RedisCommand& command);

/// Text from a server as one printable line of at most 200 bytes, for messages.
std::string one_line(std::string_view text);

/// Not thread-safe. A reply of more than kMaxBytes, with more than kMaxItems in one array, or nested deeper than
/// hiredis allows (7) is an error, after which the reader is of no use any more.
class ReplyReader {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr int kMaxItems = 100'000;

  ReplyReader();
  ~ReplyReader();

  Result<void> feed(std::string_view bytes);
  /// The next whole reply; nothing while there is none.
  Result<std::optional<Reply>> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::size_t unread_ = 0;  // bytes since the last whole reply
};

}  // namespace docktor
