// Tells people and machines of trouble: looks at the board once a second, and carries what channels want sent.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/lease.h"
#include "core/notify_spec.h"
#include "notify/channel.h"

namespace docktor::notify {

/// Thread-safe. One thread of its own, and one for each receiver that was told something: a receiver that hangs delays
/// neither the loop, nor another channel. Without channels there is no thread.
class Notifier {
 public:
  struct Options {
    const Board& board;
    const Clock& clock;
    Sender sender;
    std::string run_id;
    std::string file;  ///< what receivers were told, over a restart
    std::function<void(bool warning, const std::string& line)> log;
  };

  explicit Notifier(Options options);
  ~Notifier();

  /// Several daemons share the services: the one that has the lease tells, and leaves to the next what it told. The lease
  /// outlives this. Before apply().
  void share(Lease* lease);
  /// Who is told from now on: at start and after each reload. Channels are the same by their name.
  void apply(const std::vector<ChannelSpec>& specs);
  /// Why the last reload was refused; empty when it was taken.
  void reloaded(const std::string& error);
  /// Of docktor itself: "started", "stopped".
  void tell(std::string_view event, const std::string& detail);
  /// Sends what can be sent at once, for two seconds at most, and ends.
  void close();

  std::vector<ChannelFigures> figures() const;

 private:
  struct Carrier;
  void run();
  void turn(Time now);
  void send(const std::string& name, Carrier& c, Time now);
  void take_answers(Time now);
  void look_at_lease(Time now);
  std::string to_save();
  void do_aside(std::unique_lock<std::mutex>& lock);
  Time next(Time now) const;
  static bool pending(const Carrier& c, Time now);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::unique_ptr<Carrier>> carriers_;
  std::vector<std::string> order_;
  struct Answer {
    std::string name;
    std::uint64_t number;
    Result<HttpResponse> response;
  };
  std::vector<Answer> answers_;
  std::vector<std::unique_ptr<HttpClient>> retired_;
  std::vector<Channel::Note> notes_;
  nlohmann::json kept_;  ///< the file, as it was at start
  std::string reload_error_;
  std::uint64_t last_note_ = 0, next_number_ = 1;
  Time looked_{};
  Lease* lease_ = nullptr;
  bool leads_ = true;  ///< as last seen
  bool closing_ = false;
  std::thread thread_;
};

/// Sends one test message through a channel and waits for the answer, 10 s at most: what the receiver said, or the
/// reason why it did not arrive.
Result<std::string> send_test(const ChannelSpec& spec, const Sender& sender, Time now);

/// This host's name.
std::string host_name();

}  // namespace docktor::notify
