#include "queues/redis/stream_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/text.h"

namespace docktor {

namespace {

struct EntryId {
  std::uint64_t ms = 0, seq = 0;
  auto operator<=>(const EntryId&) const = default;
};

std::optional<EntryId> parse_id(std::string_view text) {
  EntryId id;
  const auto* end = text.data() + text.size();
  auto [at, bad] = std::from_chars(text.data(), end, id.ms);
  if (bad != std::errc() || at == end || *at != '-') return std::nullopt;
  const auto seq = std::from_chars(at + 1, end, id.seq);
  return seq.ec == std::errc() && seq.ptr == end ? std::optional(id) : std::nullopt;
}

// The id behind this one; "(id" is not known before Redis 6.2.
std::string behind_id(std::string_view text) {
  auto id = parse_id(text).value_or(EntryId{});
  if (++id.seq == 0) ++id.ms;
  return fmt::format("{}-{}", id.ms, id.seq);
}

// An id that the server made begins with its clock's milliseconds; one of the user's own may be anything.
std::optional<Duration> age_of(std::string_view text, Time now) {
  const auto id = parse_id(text);
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  constexpr std::int64_t kYears = std::int64_t{10} * 365 * 86'400 * 1000, kMinute = 60'000;
  if (!id || id->ms > static_cast<std::uint64_t>(now_ms + kMinute)) return std::nullopt;
  const auto age = now_ms - static_cast<std::int64_t>(id->ms);
  if (age > kYears) return std::nullopt;
  return std::chrono::milliseconds(std::max<std::int64_t>(0, age));
}

// Of an entry as XRANGE and XINFO have it; empty where it is none.
std::string id_of(const Reply* entry) {
  const auto* id = !entry || entry->items.empty() ? nullptr : entry->items.front().words();
  return id && parse_id(*id) ? *id : std::string();
}

const Reply* group_of(const Reply& groups, const std::string& name) {
  for (const auto& g : groups.items) {
    if (g.text_of("name") == name) return &g;
  }
  return nullptr;
}

std::size_t bytes_of(const Reply& reply) {
  std::size_t bytes = reply.text.size();
  for (const auto& item : reply.items) bytes += bytes_of(item);
  return bytes;
}

bool no_such_key(const Reply& r) { return r.is_error() && r.text == "ERR no such key"; }

}  // namespace

Layout::Commands StreamLayout::begin(Time now) {
  now_ = now;
  // No answer came: it may have been too long.
  if (std::exchange(ranging_, false) && !lag_known_) page_ = std::max(1, page_ / 8);
  return send({{"XINFO", "STREAM", stream_}, {"XINFO", "GROUPS", stream_}});
}

Result<Layout::Step> StreamLayout::next(const RedisAnswer& answer) {
  return ranging_ ? range_read(answer) : group_read(answer);
}

Result<Layout::Step> StreamLayout::group_read(const RedisAnswer& answer) {
  const auto& place = answer.server->place;
  readable_ = false;
  if (no_such_key(answer.replies.front())) {
    readable_ = true;
    last_id_ = "0-0";
    unfit_.clear();
    return fail(
        ErrorCode::kNotFound,
        fmt::format("stream {} does not exist yet in database {} of {}: the first XADD makes it; check the "
                    "stream's name and the database's number if it should be there",
                    stream_, answer.server->db, place),
        true);
  }
  Counts counts(answer, sent_);
  const auto* stream = counts.reply();
  const auto* groups = counts.reply();
  if (counts.error()) return tl::unexpected(*counts.error());
  const auto length = stream->count("length");
  const auto last = stream->text_of("last-generated-id");
  if (!length || !parse_id(last)) {
    return fail(ErrorCode::kInternal,
                fmt::format("{}: the answer to XINFO STREAM has no {}", place,
                            length ? "last-generated-id" : "length"),
                true);
  }
  readable_ = true;
  last_id_ = last;
  const auto* group = group_of(*groups, group_);
  if (!group) {
    unfit_ = fmt::format(
        "group {} of stream {} does not exist yet: one replica is kept, which has to make it, since what "
        "comes before that the group may never get",
        group_, stream_);
    return fail(
        ErrorCode::kNotFound,
        fmt::format(
            "stream {} on {} has no group {}: a worker has to make it as it starts, and docktor starts "
            "the first one where it may; those that run already do not make it again (the stream was "
            "deleted?): start them anew, or make it yourself: XGROUP CREATE {} {} 0",
            stream_, place, group_, stream_, group_),
        true);
  }
  unfit_.clear();
  const auto pending = group->count("pending");
  const auto delivered = group->text_of("last-delivered-id");
  if (!pending || !parse_id(delivered)) {
    return fail(ErrorCode::kInternal,
                fmt::format("{}: the answer to XINFO GROUPS has no {}", place,
                            pending ? "last-delivered-id" : "pending"),
                true);
  }
  const auto lag = group->count("lag");
  sample_ = {};
  sample_.num_ack_pending = pending;
  sample_.consumers = group->count("consumers");
  sample_.redelivered_after = claim_after_;
  sample_.totals.incarnation = answer.server->run_id;
  sample_.totals.arrived = stream->count("entries-added");
  sample_.totals.delivered = group->count("entries-read");
  const bool moved = behind_.after != delivered || *length < behind_.length;
  if (moved) behind_ = {delivered, delivered, 0, *length, {}};
  behind_.length = *length;
  // Where the oldest one that waited was trimmed away (MAXLEN), the stream's first entry is it now.
  if (auto first = id_of(stream->field("first-entry"));
      !behind_.first.empty() && parse_id(behind_.first) < parse_id(first))
    behind_.first = std::move(first);
  lag_known_ = true;
  if (delivered == last)
    sample_.num_pending = 0;
  else if (lag)
    sample_.num_pending = std::min(*lag, *length);  // what was trimmed away is in the lag of Redis 7
  else
    lag_known_ = false;
  if (lag_known_ && (sample_.num_pending == 0 || !behind_.first.empty() || !may_range_)) return finish();
  ranging_ = true;
  const auto from = lag_known_ ? behind_.after : behind_.counted_to;
  return send({{"XRANGE", stream_, behind_id(from), "+", "COUNT",
                lag_known_ ? "1" : std::to_string(page_for(*stream))}});
}

// The oldest and the newest entry say how large one is.
int StreamLayout::page_for(const Reply& stream) const {
  std::size_t largest = 1;
  for (const char* entry : {"first-entry", "last-entry"}) {
    if (const auto* e = stream.field(entry)) largest = std::max(largest, bytes_of(*e));
  }
  return std::clamp(static_cast<int>(std::min<std::size_t>(kPageBytes / largest, kPage)), 1, page_);
}

Result<Layout::Step> StreamLayout::range_read(const RedisAnswer& answer) {
  const auto& reply = answer.replies.front();
  ranging_ = false;
  if (lag_known_ && reply.is_error("NOPERM")) {  // the age alone
    may_range_ = false;
    return finish();
  }
  Counts counts(answer, sent_);
  if (!counts.reply()) {
    auto error = *counts.error();
    if (reply.is_error("NOPERM"))
      error.message += "; the server does not know the group's lag now, so that docktor has to count";
    return tl::unexpected(std::move(error));
  }
  if (!reply.items.empty() && behind_.first.empty()) behind_.first = id_of(&reply.items.front());
  if (!lag_known_) {
    if (!reply.items.empty()) {
      if (auto id = id_of(&reply.items.back()); !id.empty()) behind_.counted_to = std::move(id);
    }
    behind_.count += reply.items.size();
    page_ = std::min(kPage, page_ * 2);
    sample_.num_pending = std::min(behind_.count, behind_.length);
  }
  return finish();
}

Layout::Step StreamLayout::finish() {
  if (sample_.num_pending > 0 && !behind_.first.empty()) sample_.oldest_age = age_of(behind_.first, now_);
  return std::move(sample_);
}

std::vector<Layout::Wake> StreamLayout::wakes() const {
  if (!readable_) return {};
  return {{stream_, last_id_.empty() ? "$" : last_id_}};
}

std::vector<Finding> StreamLayout::look(const Ask& ask) {
  std::vector<Finding> out;
  const auto warn = [&](std::string what, std::string cure) {
    out.push_back({Severity::kWarning, std::move(what), std::move(cure)});
  };
  const auto now = Time(std::chrono::system_clock::now().time_since_epoch());
  const auto answer = ask(begin(now));
  if (!answer) return {{Severity::kError, answer.error().message, {}}};
  const auto step = next(*answer);
  if (!step && step.error().code == ErrorCode::kNotFound) {
    warn(step.error().message, "");
    return out;
  }
  if (!step) return {{Severity::kError, step.error().message, {}}};
  const auto& stream = answer->replies[0];
  const auto& group = *group_of(answer->replies[1], group_);
  out.push_back(
      {Severity::kOk, fmt::format("stream {} exists: {} entries", stream_, *stream.count("length")), {}});
  out.push_back(
      {Severity::kOk,
       fmt::format("group {} exists: {} waiting, {} in hand, {} consumers", group_,
                   lag_known_ ? std::to_string(sample_.num_pending) : std::string("an unknown number"),
                   *group.count("pending"), group.count("consumers").value_or(0)),
       {}});
  if (!sample_.totals.arrived) {
    warn(fmt::format("Redis {} does not tell how many entries came: there are no rates, so rules work and an "
                     "objective "
                     "does not",
                     answer->server->version),
         "use Redis 7 or later");
  }
  const auto more = ask({{"XRANGE", stream_, "+", "+", "COUNT", "1"}});
  if (!more) return out;
  if (more->replies[0].is_error("NOPERM")) {
    if (lag_known_)
      warn(
          "this user may not use XRANGE: the age of the oldest entry is not known, nor is the backlog after "
          "a restart of "
          "the server",
          "allow it: ACL SETUSER NAME +xrange");
    else
      out.push_back(
          {Severity::kError,
           "the server does not know the group's lag now, and this user may not use XRANGE to count",
           "allow it: ACL SETUSER NAME +xrange"});
  }
  return out;
}

}  // namespace docktor
