// One receiver: what it is to be told, what waits, what failed. Pure: who holds it brings time and carries requests.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "notify/answer.h"
#include "notify/render.h"
#include "notify/watch.h"

namespace docktor::notify {

/// Not thread-safe.
///
/// What stands (Watch) and what was told are compared at each look: a difference is an event that waits to be sent. So
/// nothing is lost while a receiver is away, over a reload or a restart, and nothing is told twice.
class Channel {
 public:
  static constexpr std::size_t kMostWaiting = 256;
  static constexpr auto kBetween = std::chrono::seconds(1);
  static constexpr auto kTimeout = std::chrono::seconds(10);
  static constexpr auto kBeat = std::chrono::minutes(1);        ///< a heartbeat's, unless it says otherwise
  static constexpr auto kAlertAgain = std::chrono::minutes(1);  ///< Alertmanager forgets what is not repeated
  static constexpr std::array<std::chrono::seconds, 5> kRetries{
      std::chrono::seconds(5), std::chrono::seconds(30), std::chrono::minutes(2), std::chrono::minutes(10),
      std::chrono::hours(1)};

  /// A line for the log: something began to be wrong, or is well again.
  struct Note {
    bool warning = true;
    std::string text;
  };

  /// `run` is unique to this run of the daemon.
  Channel(ChannelSpec spec, Address address, Sender sender, std::string run, unsigned seed);

  /// A reload: what waits goes to the new address, and so does what is under way, whose answer must not be handed in any
  /// more; a receiver that was gone is tried again.
  void change(ChannelSpec spec, Address address, Time now);

  /// Another docktor tells of what stands: that is only watched here, and what was not sent yet is the other one's to tell.
  /// What happens here is told all the same.
  void follow();
  /// This one tells from now on. `told`: what told() of the other one was; anything else where that is not known.
  void lead(const nlohmann::json& told, Time now);

  void look(const Sight& sight);
  /// Of docktor itself: started, stopped.
  void tell(std::string_view event, const std::string& detail, Time now);

  /// The request to send now; then answered() must be called. `alive`: the loop turns and this one leads, for a heartbeat. `by_wall`: so much
  /// later do clocks on the wall show a time than it is; receivers go by them, also for the signature.
  std::optional<HttpRequest> due(Time now, bool alive, Duration by_wall = {});
  void answered(const Result<HttpResponse>& answer, Time now);
  /// When due() may have something: nothing while a request is under way.
  std::optional<Time> next() const;

  bool busy() const { return sending_; }
  bool waits() const { return !waiting_.empty() || batch_; }
  const ChannelSpec& spec() const { return spec_; }
  const Address& address() const { return address_; }
  ChannelFigures figures() const;
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

  /// What the receiver knows to stand, for the disk; and back, before a look.
  nlohmann::json told() const;
  void restore(const nlohmann::json& told, Time now);
  /// told() is another than at the last call.
  bool told_changed() { return std::exchange(told_changed_, false); }

 private:
  struct Told {
    EventInfo info;
    Time since{}, last{};
    bool arrived = false;
  };
  struct Batch {
    std::string id;
    std::vector<Event> events;
    std::size_t tries = 0;
    Time due{};
  };

  void put(Event e);
  void put_notes(const Sight& sight);
  void put_begun(const Sight& sight);
  void put_ended(const Sight& sight);
  bool waits_for(const Key& key) const;
  void keep_what_happened(Batch& batch);
  void arrived(const Batch& batch);
  void failed(const std::string& why, bool for_good);
  Duration repeat() const;
  std::string new_id();

  ChannelSpec spec_;
  Address address_;
  Sender sender_;
  const std::string run_;
  Watch watch_;
  std::map<Key, Told> told_;
  bool told_changed_ = false;
  bool leads_ = true;
  std::deque<Event> waiting_;
  std::optional<Batch> batch_;  ///< under way, or to be tried again
  bool sending_ = false;
  bool gone_ = false;
  Time next_send_{}, next_beat_{};
  std::uint64_t next_id_ = 0;
  ChannelFigures figures_;
  std::vector<Note> notes_;
  std::minstd_rand random_;
};

}  // namespace docktor::notify
