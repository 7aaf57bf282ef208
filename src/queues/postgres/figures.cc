#include "queues/postgres/figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/text.h"
#include "queues/postgres/pg_session.h"

namespace docktor {

namespace {

constexpr double kMostCount = 9.2e18;

tl::unexpected<Error> wrong(std::string_view column, const std::string& text, std::string_view right) {
  return fail(ErrorCode::kInvalid, fmt::format("{} is {:?}: it must be {}", column, pg_line(text), right),
              true);
}

std::optional<double> number(const std::string& text) {
  return is_decimal_number(text) ? std::optional(std::strtod(text.c_str(), nullptr)) : std::nullopt;
}

// What stands there; nullptr for NULL and where there is no such column.
const std::string* cell(const PgRows& rows, std::size_t row, std::string_view column) {
  const int at = rows.column(column);
  if (at < 0) return nullptr;
  const auto& c = rows.rows[row][static_cast<std::size_t>(at)];
  return c ? &*c : nullptr;
}

}  // namespace

Result<std::optional<std::uint64_t>> pg_count(const PgRows& rows, std::size_t row, std::string_view column) {
  const auto* text = cell(rows, row, column);
  if (!text) return std::nullopt;
  const auto v = number(*text);
  if (!v || *v < 0 || *v > kMostCount) return wrong(column, *text, "a number from 0");
  return static_cast<std::uint64_t>(std::ceil(*v));
}

Result<std::optional<double>> pg_seconds(const PgRows& rows, std::size_t row, std::string_view column) {
  const auto* text = cell(rows, row, column);
  if (!text) return std::nullopt;
  const auto v = number(*text);
  if (!v || *v > 1e9) return wrong(column, *text, "seconds: extract(epoch from now() - min(...))");
  return std::max(0.0, *v);
}

Result<QueueSample> sample_of_query(const PgRows& given) {
  if (given.rows.empty())
    return fail(ErrorCode::kNotFound,
                "the query has no row (or one of more than 10 kB): write one that has a row always, as "
                "select count(*) does",
                true);
  if (given.rows.size() > 1)
    return fail(ErrorCode::kInvalid, "the query has several rows: write one that sums them up", true);
  PgRows rows = given;
  if (rows.columns.size() == 1) rows.columns.front() = "backlog";
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const auto& name = rows.columns[i];
    if (std::ranges::find(kFigureNames, name) == std::end(kFigureNames))
      return fail(ErrorCode::kInvalid,
                  fmt::format("the query's column {:?} is no figure; figures are {}", pg_line(name),
                              fmt::join(kFigureNames, ", ")),
                  true);
    if (std::ranges::count(rows.columns, name) > 1)
      return fail(ErrorCode::kInvalid, fmt::format("the query has {} twice", name), true);
  }
  QueueSample s;
  std::optional<std::uint64_t> backlog;
  const struct {
    std::string_view name;
    std::optional<std::uint64_t>* into;
  } counts[] = {{"backlog", &backlog},         {"in_hand", &s.num_ack_pending},
                {"scheduled", &s.scheduled},   {"dead", &s.dead},
                {"consumers", &s.consumers},   {"arrived", &s.totals.arrived},
                {"settled", &s.totals.settled}};
  for (const auto& c : counts) {
    auto v = pg_count(rows, 0, c.name);
    if (!v) return tl::unexpected(v.error());
    *c.into = *v;
  }
  if (!backlog) {
    const bool there = rows.column("backlog") >= 0;
    return fail(ErrorCode::kNotFound,
                there ? "backlog is NULL: write coalesce(..., 0) in the query where nothing means 0"
                      : "the query has no column backlog: write select count(*) as backlog, ...",
                true);
  }
  s.num_pending = *backlog;
  const auto age = pg_seconds(rows, 0, "oldest_age");
  if (!age) return tl::unexpected(age.error());
  if (*age) s.oldest_age = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(**age));
  return s;
}

std::string wrapped_query(std::string_view query) {
  while (!query.empty() &&
         (query.back() == ';' || query.back() == ' ' || query.back() == '\n' || query.back() == '\t'))
    query.remove_suffix(1);
  // The line end ends a comment, if the query ends with one.
  return fmt::format("select * from (\n{}\n) as figures where octet_length(figures::text) < 10000 limit 2",
                     query);
}

}  // namespace docktor
