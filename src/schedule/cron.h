// When something is due by the calendar: the five fields of crontab(5).
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// Minutes of local days. Immutable once made.
class Cron {
 public:
  static constexpr int kMinutesOfDay = 24 * 60;

  /// "0 8 * * 1-5": minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). Each is `*`, a
  /// number, a range, either with a step (`*/5`, `8-18/2`), or a list of these; months and days of the week also by
  /// their first three letters. Or @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually. kInvalid with
  /// what is wrong, also for a day that never comes (30 February).
  static Result<Cron> parse(std::string_view text);

  /// Whether it is due on such a day: `month` from 1, `day` of the month from 1, `weekday` from 0 (Sunday). As in cron,
  /// where both days are restricted either suffices.
  bool on(unsigned month, unsigned day, unsigned weekday) const;

  /// On a day when it is due: the first minute of the day at or after `from`, the last at or before `to`.
  std::optional<int> first(int from) const;
  std::optional<int> last(int to) const;

 private:
  bool at(int minute) const;
  bool ever_comes() const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace docktor
