// A worker: takes events from a durable pull consumer and spends PROCESS_TIME_MS on each. That time alone
// limits it: the next batch is asked for while the present one is worked on. Told to stop, it finishes its
// batch, gives back what it has not begun, and ends; nothing that it fetched is lost or waits for a time-out.
//
// NATS_URL=nats://localhost:4222 STREAM=EVENTS CONSUMER=WEB_WORKERS SUBJECT=events.web PROCESS_TIME_MS=8
// BATCH_SIZE=10 MAX_DELIVER=-1 (of a consumer that this worker makes; giving back counts as a delivery, so a
// limit could drop messages), RECORD_FILE= (a line for each processed message: run, sequence, intended and
// begun time in ns, worker's pid)
#include <algorithm>
#include <cinttypes>
#include <deque>
#include <utility>

#include "common/example.h"

namespace {

using namespace example;
using std::chrono::duration;
using std::chrono::seconds;

constexpr auto kPullExpires = seconds(10);
constexpr auto kFinishWithin = seconds(5);  // of the 10 s that Docker and docktor give a worker to stop
constexpr auto kMostInHand = seconds(5);    // of work: far less than the consumer's ack wait
constexpr auto kInProgressEvery = seconds(10);

struct Settings {
  std::string url = env("NATS_URL", "nats://localhost:4222");
  std::string stream = env("STREAM", "EVENTS");
  std::string consumer = env("CONSUMER", "WEB_WORKERS");
  std::string subject = env("SUBJECT", "events.web");
  double process_ms = env_number("PROCESS_TIME_MS", 8, 0, 3.6e6);
  int batch_size = static_cast<int>(env_number("BATCH_SIZE", 10, 1, 10'000));
  int max_deliver = static_cast<int>(env_number("MAX_DELIVER", -1, -1, 1e6));

  Clock::duration process_time() const {
    return duration_cast<Clock::duration>(duration<double, std::milli>(process_ms));
  }
  /// Slow work is fetched in small batches, or what waits in hand would be delivered to somebody else
  /// meanwhile.
  int batch() const {
    if (process_ms <= 0) return batch_size;
    return std::clamp(static_cast<int>(kMostInHand / duration<double, std::milli>(process_ms)), 1,
                      batch_size);
  }
};

struct Delivery {
  natsMsg* message;
  std::uint64_t pull;  // the request that fetched it
};

/// What the server sent and the worker has not begun, and the one open pull request. Pull requests are made
/// by hand (natsSubscription_Fetch blocks, so it cannot ask ahead): one message on $JS.API.CONSUMER.MSG.NEXT,
/// answers on an inbox.
class Inbox {
 public:
  Inbox(natsConnection* connection, const Settings& settings) : connection_(connection), settings_(settings) {
    char* inbox = nullptr;
    natsInbox_Create(&inbox);
    inbox_ = std::string(inbox) + ".";
    natsInbox_Destroy(inbox);
    natsConnection_Subscribe(&subscription_, connection_, (inbox_ + "*").c_str(), &Inbox::on_message, this);
  }
  ~Inbox() { natsSubscription_Destroy(subscription_); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  /// Asks for the next batch when little is left in hand and no request is open.
  void ask_ahead() {
    {
      const std::lock_guard lock(mutex_);
      const auto now = Clock::now();
      if (closed_ || now < not_before_ ||
          deliveries_.size() > static_cast<std::size_t>(settings_.batch() / 2))
        return;
      if (open_ > 0 && now < open_until_) return;
      check_ = check_ || open_ > 0;  // a request to a consumer that is not there is not answered at all
      open_ = settings_.batch();
      open_until_ = now + kPullExpires + seconds(2);
      ++pull_;
    }
    const std::string subject = "$JS.API.CONSUMER.MSG.NEXT." + settings_.stream + "." + settings_.consumer;
    const std::string request = "{\"batch\":" + std::to_string(settings_.batch()) + ",\"expires\":" +
                                std::to_string(std::chrono::nanoseconds(kPullExpires).count()) + "}";
    natsConnection_PublishRequest(connection_, subject.c_str(), (inbox_ + std::to_string(pull_)).c_str(),
                                  request.data(), static_cast<int>(request.size()));
  }

  /// The next delivery; waits at most so long. False: nothing came, or it is time to look at something else.
  bool next(Delivery& delivery, Clock::duration wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return !deliveries_.empty() || closed_ || check_ || open_ == 0; });
    if (deliveries_.empty() || closed_) return false;
    delivery = deliveries_.front();
    deliveries_.pop_front();
    return true;
  }

  bool empty() const {
    const std::lock_guard lock(mutex_);
    return deliveries_.empty();
  }

  /// Whether there may be no such consumer (any more): at the start, after a reconnect, when the server says
  /// so or is silent.
  bool must_check() const {
    const std::lock_guard lock(mutex_);
    return check_;
  }
  /// The consumer is there. Where it was not before, the request that is open went to nobody.
  void checked(bool made) {
    const std::lock_guard lock(mutex_);
    check_ = false;
    if (made) open_ = 0;
  }

  /// A request that was open when the connection broke is gone.
  void reconnected() {
    {
      const std::lock_guard lock(mutex_);
      open_ = 0;
      check_ = true;
    }
    changed_.notify_all();
  }

  /// From now on next() has nothing, and the server sends no more than what is under way.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    natsSubscription_Drain(subscription_);
    changed_.notify_all();
  }

  /// After close(): all that came and was not begun.
  std::deque<Delivery> leftovers() {
    if (natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED) {
      natsSubscription_WaitForDrainCompletion(subscription_, 1000);
    }
    const std::lock_guard lock(mutex_);
    return std::exchange(deliveries_, {});
  }

 private:
  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    auto& self = *static_cast<Inbox*>(closure);
    {
      const std::lock_guard lock(self.mutex_);
      if (const char* reply = natsMsg_GetReply(message);
          reply && *reply) {  // an event; its reply subject takes the ack
        self.open_ = std::max(0, self.open_ - 1);
        self.deliveries_.push_back({message, self.pull_});
      } else {
        self.on_status(message);
        natsMsg_Destroy(message);
      }
    }
    self.changed_.notify_all();
  }

  // 408 the request expired, 409 the consumer or its leader went away, 503 there is no such consumer: the
  // request is over.
  void on_status(natsMsg* message) {
    const char* status = "";
    natsMsgHeader_Get(message, "Status", &status);
    const bool present = inbox_ + std::to_string(pull_) == natsMsg_GetSubject(message);
    if (!present || std::strcmp(status, "100") == 0) return;
    open_ = 0;
    if (std::strcmp(status, "408") == 0) return;
    not_before_ = Clock::now() + milliseconds(100);
    check_ = true;
  }

  natsConnection* connection_;
  const Settings& settings_;
  natsSubscription* subscription_ = nullptr;
  std::string inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Delivery> deliveries_;
  std::uint64_t pull_ = 0;
  int open_ = 0;  // messages that the present request may still bring
  Clock::time_point open_until_;
  Clock::time_point not_before_;
  bool check_ = true;
  bool closed_ = false;
};

enum class Consumer { kThere, kMade, kMissing };

/// Makes the consumer where it is missing. kMissing: the stream is not there yet, or the server did not
/// answer.
Consumer ensure_consumer(natsConnection* connection, const Settings& settings) {
  jsCtx* js = nullptr;
  jsStreamInfo* stream = nullptr;
  jsConsumerInfo* info = nullptr;
  jsErrCode error{};
  bool made = false;
  natsStatus s = natsConnection_JetStream(&js, connection, nullptr);
  if (s == NATS_OK)
    s = js_GetConsumerInfo(&info, js, settings.stream.c_str(), settings.consumer.c_str(), nullptr, &error);
  if (s == NATS_NOT_FOUND && error == JSConsumerNotFoundErr) {
    s = js_GetStreamInfo(&stream, js, settings.stream.c_str(), nullptr, &error);
    if (s == NATS_OK) {
      jsConsumerConfig config;
      jsConsumerConfig_Init(&config);
      config.Durable = settings.consumer.c_str();
      config.AckPolicy = js_AckExplicit;
      config.AckWait = std::chrono::nanoseconds(seconds(30)).count();
      config.MaxDeliver = settings.max_deliver;
      config.DeliverPolicy = js_DeliverAll;
      // A filter only where it leaves something out.
      const bool all = stream->Config->SubjectsLen == 1 && settings.subject == stream->Config->Subjects[0];
      if (!all) config.FilterSubject = settings.subject.c_str();
      s = js_AddConsumer(&info, js, settings.stream.c_str(), &config, nullptr, &error);
      made = s == NATS_OK;
      if (made)
        log("✅ Created consumer %s on stream %s", settings.consumer.c_str(), settings.stream.c_str());
    }
  }
  static Clock::time_point complain_at;
  if (s != NATS_OK && Clock::now() >= complain_at) {
    complain_at = Clock::now() + seconds(10);
    if (error == JSStreamNotFoundErr)
      log("⏳ Waiting for stream %s", settings.stream.c_str());
    else
      log("⚠️  Consumer %s: %s (JetStream error %d)", settings.consumer.c_str(), natsStatus_GetText(s), error);
  }
  jsConsumerInfo_Destroy(info);
  jsStreamInfo_Destroy(stream);
  jsCtx_Destroy(js);
  if (s != NATS_OK) return Consumer::kMissing;
  return made ? Consumer::kMade : Consumer::kThere;
}

class Worker {
 public:
  Worker(natsConnection* connection, const Settings& settings, Record& record)
      : connection_(connection), settings_(settings), record_(record) {}

  /// Works on one message for PROCESS_TIME_MS and acknowledges it. Starts count from the end of the message
  /// before where that one ended late by a little (a sleep overshoots by some 60 µs): the time per message is
  /// kept, not a bit more.
  void process(const Delivery& delivery, bool at_once) {
    const auto now = Clock::now();
    const auto begin = at_once && now - free_at_ < settings_.process_time() ? free_at_ : now;
    const std::int64_t begun_ns = unix_ns();
    free_at_ = begin + settings_.process_time();
    for (auto until = begin; until < free_at_;) {
      until = std::min(free_at_, until + kInProgressEvery);
      std::this_thread::sleep_until(until);
      if (until < free_at_) answer(delivery.message, "+WPI");
    }
    write_record(delivery.message, begun_ns);
    answer(delivery.message, "+ACK");  // after the record: what is acknowledged is on record
    natsMsg_Destroy(delivery.message);
    ++processed_;
  }

  void give_back(const Delivery& delivery) {
    answer(delivery.message, "-NAK");
    natsMsg_Destroy(delivery.message);
    ++given_back_;
  }

  std::uint64_t processed() const { return processed_; }
  std::uint64_t given_back() const { return given_back_; }

 private:
  // natsMsg_Ack and its like know only the messages of nats.c's own pull subscriptions.
  void answer(natsMsg* message, const char* what) {
    natsConnection_PublishString(connection_, natsMsg_GetReply(message), what);
  }

  void write_record(natsMsg* message, std::int64_t begun_ns) {
    const char* id = nullptr;
    const char* intended = nullptr;
    if (natsMsgHeader_Get(message, kIdHeader, &id) != NATS_OK) id = "";
    if (natsMsgHeader_Get(message, kIntendedHeader, &intended) != NATS_OK) intended = "0";
    const char* dash = std::strrchr(id, '-');
    if (!dash || dash == id) id = "?-0", dash = id + 1;  // somebody else's message
    record_.line("%.*s %.20s %.20s %" PRId64 " %d\n",
                 static_cast<int>(std::min<std::ptrdiff_t>(dash - id, 60)), id, dash + 1, intended, begun_ns,
                 static_cast<int>(::getpid()));
  }

  natsConnection* connection_;
  const Settings& settings_;
  Record& record_;
  Clock::time_point free_at_;
  std::uint64_t processed_ = 0;
  std::uint64_t given_back_ = 0;
};

/// Whether giving this message back would be its end: the server delivers no message more than max_deliver
/// times.
class LastAttempt {
 public:
  LastAttempt(natsConnection* connection, const Settings& settings)
      : connection_(connection), settings_(settings) {}

  bool operator()(natsMsg* message) {
    const std::uint64_t attempt = deliveries_of(message);
    return attempt > 1 && max_deliver() > 0 && attempt >= static_cast<std::uint64_t>(max_deliver());
  }

 private:
  // $JS.ACK.<stream>.<consumer>.<deliveries>..., and on newer servers a domain and an account before the
  // stream.
  static std::uint64_t deliveries_of(natsMsg* message) {
    const std::string reply = natsMsg_GetReply(message);
    std::size_t skip = std::count(reply.begin(), reply.end(), '.') >= 10 ? 6 : 4;
    std::size_t at = 0;
    while (skip-- > 0) at = reply.find('.', at) + 1;
    return std::strtoull(reply.c_str() + at, nullptr, 10);
  }

  std::int64_t max_deliver() {
    if (!known_) {
      known_ = true;
      jsCtx* js = nullptr;
      jsConsumerInfo* info = nullptr;
      jsOptions options;
      jsOptions_Init(&options);
      options.Wait = 500;
      if (natsConnection_JetStream(&js, connection_, &options) == NATS_OK &&
          js_GetConsumerInfo(&info, js, settings_.stream.c_str(), settings_.consumer.c_str(), nullptr,
                             nullptr) == NATS_OK) {
        max_deliver_ = info->Config->MaxDeliver;
      }
      jsConsumerInfo_Destroy(info);
      jsCtx_Destroy(js);
    }
    return max_deliver_;
  }

  natsConnection* connection_;
  const Settings& settings_;
  bool known_ = false;
  std::int64_t max_deliver_ = 1;  // not known: what comes again is rather finished than given back
};

int run() {
  std::atomic<Inbox*> open = nullptr;
  StopSignal stop([&open] {
    if (Inbox* inbox = open.load()) inbox->close();
  });
  const Settings settings;
  Record record(env("RECORD_FILE", ""));
  natsConnection* connection = connect(
      settings.url, "consumer", stop,
      [](natsConnection*, void* closure) {
        log("✅ Reconnected to NATS");
        if (Inbox* inbox = static_cast<std::atomic<Inbox*>*>(closure)->load()) inbox->reconnected();
      },
      &open);
  if (!connection) return 0;

  // Left to the end of the process: a callback of nats.c may still be under way when run() returns.
  auto& inbox = *new Inbox(connection, settings);
  open = &inbox;
  if (stop.stopped()) inbox.close();
  log("👷 Working on %s/%s: %d messages a batch, %g ms each", settings.stream.c_str(),
      settings.consumer.c_str(), settings.batch(), settings.process_ms);

  Worker worker(connection, settings, record);
  std::uint64_t pull = 0;
  std::uint64_t reported = 0;
  auto report_at = Clock::now() + seconds(10);
  bool at_once = false;
  while (!stop.stopped()) {
    inbox.ask_ahead();  // before the check: the first message does not wait for it
    if (inbox.must_check()) {
      const Consumer consumer = ensure_consumer(connection, settings);
      if (consumer == Consumer::kMissing) {
        stop.wait_for(milliseconds(250));
        continue;
      }
      inbox.checked(consumer == Consumer::kMade);
      inbox.ask_ahead();
    }
    Delivery delivery{};
    if (inbox.next(delivery, milliseconds(500))) {
      inbox.ask_ahead();
      pull = delivery.pull;
      worker.process(delivery, at_once);
      at_once = !inbox.empty();
    } else if (!stop.stopped()) {
      at_once = false;
      std::this_thread::sleep_for(milliseconds(1));  // between two requests, never between two messages
    }
    if (const auto now = Clock::now(); now >= report_at) {
      const double length = duration<double>(now - report_at).count() + 10;
      if (worker.processed() != reported) {
        log("📊 Processed %" PRIu64 " messages (%.1f msgs/sec)", worker.processed(),
            static_cast<double>(worker.processed() - reported) / length);
      }
      reported = worker.processed();
      report_at = now + seconds(10);
    }
  }

  // Its batch is what the same request brought as the message that was under way.
  const auto deadline = Clock::now() + kFinishWithin;
  LastAttempt last_attempt(connection, settings);
  bool working = at_once;
  for (const Delivery& delivery : inbox.leftovers()) {
    working = working && delivery.pull == pull;
    const bool in_time = Clock::now() + settings.process_time() < deadline;
    if (in_time && (working || last_attempt(delivery.message))) {
      worker.process(delivery, true);
    } else {
      worker.give_back(delivery);
    }
  }
  if (natsConnection_FlushTimeout(connection, 2000) != NATS_OK) {
    log("⚠️  NATS does not answer: what was given back comes again after the consumer's ack wait");
  }
  log("👋 Stopped: processed %" PRIu64 " messages, gave back %" PRIu64, worker.processed(),
      worker.given_back());
  return 0;
}

}  // namespace

int main() {
  const int code = run();
  std::fflush(nullptr);
  ::_exit(code);  // no destructors, no library clean-up: the connection's end says all that the server needs
}
