// Publishes events at a steady rate with bursts, each exactly once as far as the stream is concerned: a
// message is repeated under the same Nats-Msg-Id until the stream has confirmed it. Open loop: message n is
// due at its own instant whether or not the server keeps up, and carries that instant, so that waiting times
// count from when it should have been there.
//
// NATS_URL=nats://localhost:4222 STREAM=EVENTS SUBJECT=events.web RATE=100 BURST_RATE=500 BURST_INTERVAL=60
// BURST_DURATION=10 (seconds; an interval of 0 means no bursts), COUNT=0 (end after that many; 0: never),
// RECORD_FILE= (a line for each confirmed message: run, sequence, intended and confirmed time in ns), RUN_ID=
#include <cinttypes>
#include <cmath>
#include <map>
#include <utility>

#include "common/example.h"

namespace {

using namespace example;
using std::chrono::seconds;

constexpr std::size_t kMaxUnconfirmed = 100'000;  // then the producer waits; what is due stays due
constexpr auto kRepeatAfter = seconds(2);

struct Settings {
  std::string url = env("NATS_URL", "nats://localhost:4222");
  std::string stream = env("STREAM", "EVENTS");
  std::string subject = env("SUBJECT", "events.web");
  double rate = env_number("RATE", 100, 0, 1e6);
  double burst_rate = env_number("BURST_RATE", 500, 0, 1e6);
  double burst_interval = env_number("BURST_INTERVAL", 60, 0, 1e6);
  double burst_duration = env_number("BURST_DURATION", 10, 0, 1e6);
  std::uint64_t count = static_cast<std::uint64_t>(env_number("COUNT", 0, 0, 1e15));
  std::string run = env("RUN_ID", "");
};

/// When message after message is due, in nanoseconds since the start. A burst is the first part of each
/// interval but the first one. Whole nanoseconds: a burst's end is an instant, not nearly one.
class Schedule {
 public:
  explicit Schedule(const Settings& s) : s_(s) { enter(0); }

  std::int64_t next() const { return next_; }
  bool bursting_at(std::int64_t t) const {
    return bursts() && t >= interval() && t % interval() < std::min(burst(), interval());
  }

  void advance() {
    ++sent_;
    next_ = begin_ + std::llround(static_cast<double>(sent_) * 1e9 / rate_);
    if (next_ >= end_) enter(end_);
  }

 private:
  static constexpr std::int64_t kNever = std::int64_t{1} << 62;

  static std::int64_t ns(double seconds) { return std::llround(seconds * 1e9); }
  std::int64_t interval() const { return ns(s_.burst_interval); }
  std::int64_t burst() const { return ns(s_.burst_duration); }
  bool bursts() const { return interval() > 0 && burst() > 0; }

  // The rate is the same from `t` to end_, and the first message is due at `t`; a time without messages is
  // skipped.
  void enter(std::int64_t t) {
    begin_ = t;
    rate_ = bursting_at(t) ? s_.burst_rate : s_.rate;
    end_ = kNever;
    if (bursts()) end_ = t - t % interval() + (bursting_at(t) ? std::min(burst(), interval()) : interval());
    sent_ = 0;
    next_ = begin_;
    if (rate_ > 0) return;
    const double later = !bursts() || (bursting_at(t) && burst() < interval()) ? s_.rate : s_.burst_rate;
    if (later > 0 && end_ < kNever)
      enter(end_);
    else
      next_ = end_ = kNever;
  }

  const Settings& s_;
  double rate_ = 0;
  std::int64_t begin_ = 0;
  std::int64_t end_ = kNever;
  std::int64_t sent_ = 0;
  std::int64_t next_ = 0;
};

/// Makes the stream where it is missing: file storage, messages kept for a day. False: try again later.
bool ensure_stream(natsConnection* connection, const Settings& settings) {
  jsCtx* js = nullptr;
  jsStreamInfo* info = nullptr;
  jsErrCode error{};
  natsStatus s = natsConnection_JetStream(&js, connection, nullptr);
  if (s == NATS_OK) s = js_GetStreamInfo(&info, js, settings.stream.c_str(), nullptr, &error);
  if (s == NATS_NOT_FOUND) {
    const char* subjects[] = {settings.subject.c_str()};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = settings.stream.c_str();
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.MaxAge = std::chrono::nanoseconds(std::chrono::hours(24)).count();
    s = js_AddStream(&info, js, &config, nullptr, &error);
    if (s == NATS_OK) log("✅ Created stream %s (%s)", settings.stream.c_str(), settings.subject.c_str());
  }
  if (s != NATS_OK)
    log("⚠️  Stream %s: %s (JetStream error %d)", settings.stream.c_str(), natsStatus_GetText(s), error);
  jsStreamInfo_Destroy(info);
  jsCtx_Destroy(js);
  return s == NATS_OK;
}

/// Publishes and keeps what the stream has not confirmed yet. Confirmations come in on a thread of nats.c.
class Publisher {
 public:
  Publisher(natsConnection* connection, const Settings& settings, Record& record)
      : connection_(connection), settings_(settings), record_(record) {
    char* inbox = nullptr;
    natsInbox_Create(&inbox);
    inbox_ = std::string(inbox) + ".";
    natsInbox_Destroy(inbox);
    natsConnection_Subscribe(&subscription_, connection_, (inbox_ + "*").c_str(), &Publisher::on_answer,
                             this);
    natsSubscription_SetPendingLimits(subscription_, -1, -1);
  }
  ~Publisher() { natsSubscription_Destroy(subscription_); }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void publish(std::uint64_t sequence, std::int64_t intended_ns) {
    {
      const std::lock_guard lock(mutex_);
      unconfirmed_[sequence] = {intended_ns, Clock::now()};
    }
    send(sequence, intended_ns);
  }

  /// Once more what has waited too long for its confirmation; all of it after a reconnect.
  void repeat(bool all) {
    std::map<std::uint64_t, std::int64_t> due;
    {
      const std::lock_guard lock(mutex_);
      const auto now = Clock::now();
      for (auto& [sequence, message] : unconfirmed_) {
        if (due.size() >= 1000) break;
        if (!all && now - message.sent < kRepeatAfter) continue;
        message.sent = now;
        due[sequence] = message.intended_ns;
      }
    }
    for (const auto& [sequence, intended_ns] : due) send(sequence, intended_ns);
  }

  std::size_t unconfirmed() const {
    const std::lock_guard lock(mutex_);
    return unconfirmed_.size();
  }
  std::uint64_t confirmed() const { return confirmed_; }

  /// Why the newest message that was not taken was not taken; told once.
  std::string refusal() {
    const std::lock_guard lock(mutex_);
    return std::exchange(refusal_, {});
  }

 private:
  struct Unconfirmed {
    std::int64_t intended_ns;
    Clock::time_point sent;
  };

  void send(std::uint64_t sequence, std::int64_t intended_ns) {
    // While the connection is away nats.c would pile messages up; ours are repeated from the table instead.
    if (natsConnection_Status(connection_) != NATS_CONN_STATUS_CONNECTED) return;
    char id[96];
    char time[32];
    char body[256];
    std::snprintf(id, sizeof id, "%s-%" PRIu64, settings_.run.c_str(), sequence);
    std::snprintf(time, sizeof time, "%" PRId64, intended_ns);
    const int size = std::snprintf(body, sizeof body,
                                   R"({"seq":%)" PRIu64
                                   R"(,"run":"%s","type":"page_view","path":"/products/%)" PRIu64 R"("})",
                                   sequence, settings_.run.c_str(), sequence % 1000);
    natsMsg* message = nullptr;
    if (natsMsg_Create(&message, settings_.subject.c_str(), (inbox_ + std::to_string(sequence)).c_str(), body,
                       size) != NATS_OK)
      return;
    natsMsgHeader_Set(message, kIdHeader, id);
    natsMsgHeader_Set(message, kIntendedHeader, time);
    natsConnection_PublishMsg(connection_, message);
    natsMsg_Destroy(message);
  }

  static void on_answer(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    auto& self = *static_cast<Publisher*>(closure);
    const std::uint64_t sequence =
        std::strtoull(natsMsg_GetSubject(message) + self.inbox_.size(), nullptr, 10);
    const std::string answer(natsMsg_GetData(message) ? natsMsg_GetData(message) : "",
                             static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    const bool nobody = natsMsg_IsNoResponders(message);
    natsMsg_Destroy(message);
    const std::lock_guard lock(self.mutex_);
    if (nobody || answer.find("\"error\"") != std::string::npos) {
      self.refusal_ = nobody ? "no stream takes " + self.settings_.subject : answer;
      return;
    }
    const auto found = self.unconfirmed_.find(sequence);
    if (found == self.unconfirmed_.end()) return;  // confirmed before: this one answers a repetition
    self.record_.line("%s %" PRIu64 " %" PRId64 " %" PRId64 "\n", self.settings_.run.c_str(), sequence,
                      found->second.intended_ns, unix_ns());
    self.unconfirmed_.erase(found);
    ++self.confirmed_;
  }

  natsConnection* connection_;
  const Settings& settings_;
  Record& record_;
  natsSubscription* subscription_ = nullptr;
  std::string inbox_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Unconfirmed> unconfirmed_;
  std::string refusal_;
  std::atomic<std::uint64_t> confirmed_ = 0;
};

// What was published is also confirmed before the end: nobody can say of it that it is lost.
void confirm_all(Publisher& publisher) {
  const auto deadline = Clock::now() + seconds(5);
  while (publisher.unconfirmed() > 0 && Clock::now() < deadline) {
    publisher.repeat(false);
    std::this_thread::sleep_for(milliseconds(2));
  }
}

int run() {
  StopSignal stop;
  Settings settings;
  const std::int64_t start_ns = unix_ns();
  if (settings.run.empty()) settings.run = std::to_string(start_ns / 1'000'000);
  if (settings.run.size() > 60) settings.run.resize(60);
  Record record(env("RECORD_FILE", ""));
  std::atomic<bool> reconnected = false;
  natsConnection* connection = connect(
      settings.url, "producer", stop,
      [](natsConnection*, void* flag) {
        log("✅ Reconnected to NATS");
        *static_cast<std::atomic<bool>*>(flag) = true;
      },
      &reconnected);
  while (connection && !ensure_stream(connection, settings) && !stop.wait_for(seconds(1))) {
  }
  if (!connection || stop.stopped()) return 0;
  log("📤 Publishing %g msgs/sec to %s (bursts of %g msgs/sec for %g seconds every %g seconds)",
      settings.rate, settings.subject.c_str(), settings.burst_rate, settings.burst_duration,
      settings.burst_interval);

  std::uint64_t published = 0;
  {
    Publisher publisher(connection, settings, record);
    Schedule schedule(settings);
    const auto start = Clock::now();
    const std::int64_t zero_ns = unix_ns();
    auto upkeep_at = start;
    auto report_at = start + seconds(10);
    std::uint64_t reported = 0;
    bool bursting = false;
    const auto finished = [&] { return settings.count > 0 && published >= settings.count; };
    while (!stop.stopped() && !(finished() && publisher.unconfirmed() == 0)) {
      const std::int64_t elapsed = std::chrono::nanoseconds(Clock::now() - start).count();
      if (schedule.bursting_at(elapsed) != bursting) {
        bursting = !bursting;
        if (bursting)
          log("🔥 Starting burst mode for %g seconds", settings.burst_duration);
        else
          log("✅ Burst is over, back to %g msgs/sec", settings.rate);
      }
      const std::size_t room = kMaxUnconfirmed - std::min(kMaxUnconfirmed, publisher.unconfirmed());
      for (std::size_t n = 0; n < room && !finished() && schedule.next() <= elapsed && !stop.stopped(); ++n) {
        publisher.publish(++published, zero_ns + schedule.next());
        schedule.advance();
      }
      const auto now = Clock::now();
      if (now >= upkeep_at) {
        upkeep_at = now + milliseconds(200);
        publisher.repeat(reconnected.exchange(false));
      }
      if (now >= report_at) {
        report_at = now + seconds(10);
        log("📨 Published %" PRIu64 " messages (%.1f msgs/sec), %" PRIu64 " confirmed", published,
            static_cast<double>(published - reported) / 10, publisher.confirmed());
        reported = published;
        if (const std::string why = publisher.refusal(); !why.empty()) {
          log("⚠️  Not taken: %s", why.c_str());
          ensure_stream(connection, settings);
        }
      }
      const auto wait = std::chrono::nanoseconds(schedule.next() - elapsed);
      const auto due =
          finished() || room == 0 ? upkeep_at : now + std::min<Clock::duration>(wait, seconds(1));
      const auto until = std::min({due, upkeep_at, now + milliseconds(100)});
      if (until > now && stop.wait_for(until - now)) break;
    }
    confirm_all(publisher);
    log("👋 Stopped: published %" PRIu64 " messages, %" PRIu64 " confirmed", published,
        publisher.confirmed());
    published = publisher.unconfirmed();
    natsConnection_Close(connection);  // ends the callbacks before what they use goes
  }
  natsConnection_Destroy(connection);
  return published == 0 ? 0 : 1;
}

}  // namespace

int main() { return run(); }
