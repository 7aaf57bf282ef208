#include "queues/postgres/framework_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "queues/postgres/figures.h"

namespace docktor {

namespace {

constexpr auto kAnchorMoves = std::chrono::seconds(10);
constexpr auto kBlind = std::chrono::seconds(60);
constexpr auto kTooLong = std::chrono::seconds(60);  // without an answer: what came meanwhile is not counted
constexpr std::size_t kMaxCounted = 20'000;          // queues
constexpr auto kNoId = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// {"a","b"}: a text[] of SQL.
std::string array_of(const std::map<std::string, int>& texts) {
  std::string out = "{";
  for (const auto& [t, n] : texts) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : t) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + '}';
}

}  // namespace

FrameworkTable::FrameworkTable(const PgFramework& framework, std::string schema, Now now)
    : framework_(framework),
      sql_(pg_statement(framework, schema)),
      now_(std::move(now)),
      began_(std::to_string(std::chrono::system_clock::now().time_since_epoch().count())) {}

void FrameworkTable::ask(PgConnection& connection, SteadyTime deadline, Done done) {
  std::shared_ptr<Batch> batch;
  {
    const std::lock_guard lock(mutex_);
    const bool joins = open_ != nullptr;
    if (!joins) open_ = std::make_shared<Batch>();
    open_->push_back(std::move(done));
    if (joins) return;
    batch = open_;
  }
  connection.send(
      {.sql = sql_, .strict = true}, kGather, deadline,
      [self = shared_from_this(), batch](const Result<PgRows>& rows) {
        std::vector<Done> asked;
        Result<std::shared_ptr<const PgSnapshot>> answer;
        {
          const std::lock_guard lock(self->mutex_);
          if (self->open_ == batch) self->open_.reset();  // it was never sent
          asked.swap(*batch);
          answer = rows ? self->snapshot(*rows) : tl::unexpected(rows.error());
        }
        for (const auto& d : asked) d(answer);
      },
      [self = shared_from_this(), batch](PgQuery& query) { self->fill(query, batch); });
}

std::uint64_t FrameworkTable::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void FrameworkTable::fill(PgQuery& query, const std::shared_ptr<Batch>& batch) {
  const std::lock_guard lock(mutex_);
  if (open_ == batch) open_.reset();
  ++asked_;
  if (anchor_ && now_() - answered_at_ > kTooLong) anchor_.reset();
  query.parameters = {all_ > 0 ? std::nullopt : std::optional(array_of(wanted_)),
                      std::to_string(anchor_.value_or(kNoId)), std::to_string(anchor_ ? late_ : kNoId)};
}

// mutex_ is held
Result<std::shared_ptr<const PgSnapshot>> FrameworkTable::snapshot(const PgRows& rows) {
  auto out = std::make_shared<PgSnapshot>();
  std::map<std::string, std::uint64_t> late;
  std::optional<std::uint64_t> newest;
  const int queue = rows.column("queue"), paused = rows.column("paused");
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    PgQueueFigures f;
    std::optional<std::uint64_t> backlog, added_late, id;
    const struct {
      std::string_view name;
      std::optional<std::uint64_t>* into;
    } counts[] = {{"backlog", &backlog},   {"in_hand", &f.in_hand}, {"scheduled", &f.scheduled},
                  {"retries", &f.retries}, {"added", &f.added},     {"added_late", &added_late},
                  {"newest", &id},         {"dead", &f.dead}};
    for (const auto& c : counts) {
      auto v = pg_count(rows, i, c.name);
      if (!v) return tl::unexpected(v.error());
      *c.into = *v;
    }
    const auto age = pg_seconds(rows, i, "oldest_age");
    if (!age) return tl::unexpected(age.error());
    f.oldest_age = *age;
    if (!backlog) return fail(ErrorCode::kInternal, "backlog is not told", true);
    f.backlog = *backlog;
    const auto& cells = rows.rows[i];
    f.paused = paused >= 0 && cells[static_cast<std::size_t>(paused)] == "t";
    const auto& name = cells[static_cast<std::size_t>(queue)];
    if (!name) {
      out->others = f;
      newest = id;
      continue;
    }
    late[*name] = added_late.value_or(0);
    out->queues.emplace(*name, f);
  }
  if (framework_.id_queue.empty())
    out->incarnation = began_;
  else
    count_arrivals(*out, late, newest);
  return out;
}

void FrameworkTable::begin_anew(std::uint64_t newest, SteadyTime now) {
  ++windows_;
  counted_.clear();
  anchor_ = late_ = newest;
  move_at_ = now + kAnchorMoves;
}

// mutex_ is held. The answer has, for each queue, the rows behind the anchor (added) and behind the next one (late).
void FrameworkTable::count_arrivals(PgSnapshot& out, const std::map<std::string, std::uint64_t>& late,
                                    std::optional<std::uint64_t> newest) {
  const auto now = now_();
  answered_at_ = now;
  const auto newest_id = newest.value_or(0);
  // The first answer counted nothing, as nothing was known to count from.
  if (!anchor_ || counted_.size() > kMaxCounted) begin_anew(newest_id, now);
  // Ids that went back (a table that was emptied, a copy that was restored) are counted from where they are.
  const bool back = newest_id < *anchor_;
  const bool moves = back || now >= move_at_;
  // A queue without a row has none behind the anchor either.
  for (const auto& [name, n] : wanted_) out.queues.try_emplace(name, out.others.value_or(PgQueueFigures{}));
  for (const auto& [name, c] : counted_) out.queues.try_emplace(name, out.others.value_or(PgQueueFigures{}));
  for (auto& [name, f] : out.queues) {
    auto& c = counted_[name];
    const auto since = f.added.value_or(0);
    if (since <
        c.since) {  // rows are gone that came within the last seconds: the framework deletes what is done
      c.blind_until = now + kBlind;
      c.before += c.since - since;
    }
    c.since = since;
    f.added = c.before + c.since;
    if (now < c.blind_until) f.added.reset();
    if (!moves) continue;
    const auto found = late.find(name);
    const auto kept = back || found == late.end() ? 0 : std::min(found->second, c.since);
    c.before += c.since - kept;
    c.since = kept;
  }
  if (moves) {
    anchor_ = back ? newest_id : late_;
    late_ = newest_id;
    move_at_ = now + kAnchorMoves;
  }
  out.incarnation = fmt::format("{} {}", began_, windows_);
}

void FrameworkTable::add(const std::vector<std::string>& queues) {
  const std::lock_guard lock(mutex_);
  all_ += queues.empty();
  for (const auto& q : queues) ++wanted_[q];
}

void FrameworkTable::remove(const std::vector<std::string>& queues) {
  const std::lock_guard lock(mutex_);
  all_ -= queues.empty();
  for (const auto& q : queues) {
    const auto found = wanted_.find(q);
    if (--found->second > 0) continue;
    wanted_.erase(found);
    if (all_ == 0) counted_.erase(q);
  }
}

}  // namespace docktor
