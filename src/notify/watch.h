// Which conditions stand: seen for long enough to be worth a message, and over only when they have been gone for as long.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "notify/event.h"

namespace docktor::notify {

/// Of one channel. Pure: time comes with each look. Not thread-safe.
///
/// What comes and goes is not told each time: whenever a trouble is back within kAgain of its last end, its next end must
/// have held for twice as long, up to kLongest.
class Watch {
 public:
  static constexpr auto kAgain = std::chrono::minutes(15);
  static constexpr auto kLongest = std::chrono::minutes(16);
  static constexpr auto kQuiet = std::chrono::hours(1);           ///< then a flapping one is forgotten
  static constexpr auto kLasts = std::chrono::minutes(10);        ///< without another, a happening is over
  static constexpr auto kSureAtStart = std::chrono::seconds(30);  ///< until all services are known again
  static constexpr double kBusy = 1000;  ///< messages of a day: less is no news when it stops

  enum class State {
    kRising,    ///< not for long enough yet
    kStanding,  ///< to be told
    kOver,      ///< kept for a while, should it come back
  };
  struct Track {
    EventInfo info;
    State state = State::kRising;
    Time since{};       ///< when it began
    Time held{};        ///< when it was last seen, while it stands
    Time ended{};       ///< when it stood last; 0: never
    Duration settle{};  ///< it must be over for so long
    bool seen = false;  ///< in this look
    std::string detail;
    ServiceFiguresPtr figures;
  };

  explicit Watch(const ChannelSpec& spec) { change(spec); }

  /// From now on; what stands goes on.
  void change(const ChannelSpec& spec);
  /// It stood when docktor ended, or for the one that told before: until it is seen to be over, it still does.
  void restore(const EventInfo& info, const std::string& service, Time since, Time now);
  void look(const Sight& sight);

  const std::map<Key, Track>& tracks() const { return tracks_; }

 private:
  struct Counts {
    double dead = 0, dead_before = 0;  ///< before: when the trouble began
    std::uint64_t failed = 0, done = 0;
    std::optional<Time> dead_at, failed_at;
    std::string failure;
    std::deque<std::pair<Time, double>> arrivals;  ///< a point each five minutes, of 25 hours
    bool known = false;
  };

  void see(const EventInfo& info, const std::string& service, std::optional<bool> holds, std::string detail,
           const ServiceFiguresPtr& figures, Time now);
  void look_at(const ServiceFiguresPtr& f, Time now);
  void count(const ServiceFiguresPtr& f, Time now);
  std::optional<bool> silent(Counts& c, const ServiceFigures& f, Time now) const;
  void move(Time now);

  ChannelSpec spec_;
  std::vector<EventInfo> wanted_;
  std::map<Key, Track> tracks_;
  std::map<std::string, Counts> counts_;
};

/// The table's row; nullopt for an unknown name.
std::optional<EventInfo> event_named(std::string_view name);

}  // namespace docktor::notify
