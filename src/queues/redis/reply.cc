#include "queues/redis/reply.h"

#include <fmt/format.h>
#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace docktor {

namespace {

// hiredis builds its replies by these: ours go where they belong at once, and a length that a server only
// claims takes no memory.
Reply* place_for(const redisReadTask* task) {
  if (!task->parent) return new Reply;
  auto& items = static_cast<Reply*>(task->parent->obj)->items;
  if (items.size() <= static_cast<std::size_t>(task->idx))
    items.resize(static_cast<std::size_t>(task->idx) + 1);
  return &items[static_cast<std::size_t>(task->idx)];
}

void* on_string(const redisReadTask* task, char* text, std::size_t length) {
  Reply* r = place_for(task);
  r->type = task->type == REDIS_REPLY_ERROR    ? Reply::Type::kError
            : task->type == REDIS_REPLY_STATUS ? Reply::Type::kStatus
                                               : Reply::Type::kText;
  r->text.assign(text, length);
  return r;
}

void* on_array(const redisReadTask* task, int elements) {
  if (elements > ReplyReader::kMaxItems) return nullptr;
  Reply* r = place_for(task);
  r->type = Reply::Type::kArray;
  // Items are pointed to while deeper ones are read: they must not move.
  r->items.reserve(static_cast<std::size_t>(std::max(0, elements)));
  return r;
}

void* on_integer(const redisReadTask* task, long long value) {
  Reply* r = place_for(task);
  r->type = Reply::Type::kInteger;
  r->integer = value;
  return r;
}

void* on_nil(const redisReadTask* task) { return place_for(task); }

// Only roots are freed: items belong to them.
void free_reply(void* reply) { delete static_cast<Reply*>(reply); }

redisReplyObjectFunctions kFunctions = {on_string, on_array, on_integer, on_nil, free_reply};

}  // namespace

bool Reply::is_error(std::string_view code) const {
  return is_error() && text.starts_with(code) && (text.size() == code.size() || text[code.size()] == ' ');
}

std::optional<std::uint64_t> Reply::count() const {
  if (type == Type::kInteger && integer >= 0) return static_cast<std::uint64_t>(integer);
  if (type != Type::kText) return std::nullopt;
  std::uint64_t n = 0;
  const auto* end = text.data() + text.size();
  const auto [at, bad] = std::from_chars(text.data(), end, n);
  return bad == std::errc() && at == end ? std::optional(n) : std::nullopt;
}

const std::string* Reply::words() const {
  return type == Type::kText || type == Type::kStatus ? &text : nullptr;
}

const Reply* Reply::field(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (const auto* key = items[i].words(); key && *key == name) return &items[i + 1];
  }
  return nullptr;
}

std::optional<std::uint64_t> Reply::count(std::string_view name) const {
  const auto* value = field(name);
  return value ? value->count() : std::nullopt;
}

std::string Reply::text_of(std::string_view name) const {
  const auto* value = field(name);
  const auto* words = value ? value->words() : nullptr;
  return words ? *words : std::string();
}

std::string wire_of(const RedisCommand& command) {
  std::string out;
  const auto count = [&](char mark, std::size_t n) {
    const fmt::format_int digits(n);
    out.append(1, mark).append(digits.data(), digits.size()).append("\r\n");
  };
  count('*', command.size());
  for (const auto& part : command) {
    count('$', part.size());
    out.append(part).append("\r\n");
  }
  return out;
}

std::string one_line(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return out;
}

struct ReplyReader::Impl {
  redisReader* reader = redisReaderCreateWithFunctions(&kFunctions);
};

ReplyReader::ReplyReader() : impl_(std::make_unique<Impl>()) {}
ReplyReader::~ReplyReader() {
  if (impl_->reader) redisReaderFree(impl_->reader);
}

Result<void> ReplyReader::feed(std::string_view bytes) {
  if (!impl_->reader) return fail(ErrorCode::kExhausted, "no memory for a connection", true);
  unread_ += bytes.size();
  if (unread_ > kMaxBytes)
    return fail(ErrorCode::kExhausted, fmt::format("an answer of more than {} MiB", kMaxBytes >> 20), true);
  if (redisReaderFeed(impl_->reader, bytes.data(), bytes.size()) != 0)
    return fail(ErrorCode::kInternal, one_line(impl_->reader->errstr), true);
  return {};
}

Result<std::optional<Reply>> ReplyReader::next() {
  void* got = nullptr;
  if (redisReaderGetReply(impl_->reader, &got) != 0)
    return fail(ErrorCode::kInternal, one_line(impl_->reader->errstr), true);
  if (!got) return std::optional<Reply>();
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(got));
  unread_ = impl_->reader->len - impl_->reader->pos;
  return std::optional(std::move(*reply));
}

}  // namespace docktor
