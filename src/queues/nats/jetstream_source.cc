#include "queues/nats/jetstream_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/text.h"
#include "os/gate.h"
#include "queues/nats/jetstream_check.h"
#include "queues/nats/permission_probe.h"
#include "queues/nats/sample_reader.h"
#include "queues/nats/server_version.h"
#include "queues/nats/subjects.h"
#include "queues/nats/wake_watch.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

constexpr Duration kReadAheadTimeout = std::chrono::seconds(2);
constexpr Duration kReadAheadGood = std::chrono::milliseconds(20);

// Counts the messages that were given up after max_deliver attempts: JetStream tells of each by an advisory,
// and nowhere else. On the loop's thread, but for the counter itself.
class DeadLetters {
 public:
  DeadLetters(std::string subject, std::string domain)
      : subject_(std::move(subject)), domain_(std::move(domain)) {}
  void link_up(Link& link) {
    auto sub = link.subscribe(subject_, 0, [count = count_, domain = domain_](const NatsMessage& m) {
      if (is_of(domain, m)) ++*count;
    });
    known_ = sub.has_value();
    if (sub) subscription_ = std::move(*sub);
  }
  void end() { subscription_ = {}; }
  void subscription_denied(const std::string& subject) { known_ = known_ && subject != subject_; }
  std::optional<std::uint64_t> count() const { return known_ ? std::optional(count_->load()) : std::nullopt; }

 private:
  // Advisories of all domains cross a leaf link under one subject; each names its own.
  static bool is_of(const std::string& domain, const NatsMessage& message) {
    if (domain.empty()) return true;
    const std::string_view text(natsMsg_GetData(message.get()),
                                static_cast<std::size_t>(natsMsg_GetDataLength(message.get())));
    const auto j = nlohmann::json::parse(text, nullptr, false);
    const auto it = j.is_object() ? j.find("domain") : j.end();
    return !j.is_object() || it == j.end() || *it == domain;
  }

  std::string subject_;
  std::string domain_;
  std::shared_ptr<std::atomic<std::uint64_t>> count_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  NatsSubscription subscription_;
  bool known_ = false;
};

std::string advisory_subject(const JetStreamSource::Options& o) {
  return fmt::format("{}.CONSUMER.MAX_DELIVERIES.{}.{}", o.advisories, o.stream, o.consumer);
}

}  // namespace

std::string why_unfit_for_zero(const ConsumerInfo& info, const std::string& consumer) {
  if (info.durable_name.empty()) {
    return fmt::format(
        "consumer {} is ephemeral: with no replica left the server deletes it, and messages would be lost; "
        "make it "
        "durable (durable_name, no inactive_threshold) or set min_replicas: 1",
        consumer);
  }
  if (info.inactive_threshold > Duration::zero()) {
    return fmt::format(
        "consumer {} has an inactive threshold of {}: the server deletes it when no replica pulls for that "
        "long, and "
        "messages would be lost; remove inactive_threshold or set min_replicas: 1",
        consumer, short_duration(info.inactive_threshold));
  }
  return {};
}

// The source's state. It outlives the source where tasks on the loop still hold it; then its gate is closed.
class JetStreamSource::Core final : public JetStreamConnection::Listener,
                                    public std::enable_shared_from_this<Core> {
 public:
  Core(JetStreamConnection& connection, const Options& options)
      : connection_(connection),
        consumer_(options.consumer),
        dead_(advisory_subject(options), options.domain) {
    if (!is_api_token(options.stream) || !is_api_token(options.consumer)) {
      invalid_ =
          Error{ErrorCode::kInvalid,
                fmt::format(
                    "stream {:?} or consumer {:?} cannot be a name: not empty, no space, dot, *, > or slash",
                    options.stream, options.consumer),
                false};
    }
  }

  // What needs a shared_ptr to this.
  void start(const Options& options) {
    reader_ = std::make_shared<SampleReader>(connection_, options.stream, options.consumer);
    const auto weak = weak_from_this();
    const auto fired = [weak] {
      if (const auto self = weak.lock()) self->fired();
    };
    const auto gap = [weak](std::string text) {
      const auto self = weak.lock();
      if (!self) return;
      const std::lock_guard lock(self->mutex_);
      self->gap_ = std::move(text);
    };
    watch_ = std::make_shared<WakeWatch>(connection_, options.stream, options.consumer,
                                         WakeWatch::Events{fired, gap});
    if (!invalid_)
      connection_.loop().post([self = shared_from_this()] { self->connection_.add_listener(self); });
  }

  const std::optional<Error>& invalid() const { return invalid_; }

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
    std::uint64_t id;
    {
      const std::lock_guard lock(mutex_);
      id = next_read_++;
      reads_.emplace(id, std::move(done));
    }
    connection_.loop().post(
        [self = shared_from_this(), id, deadline = steady_clock::now() + request.timeout] {
          if (self->invalid_) return self->answer(id, tl::unexpected(*self->invalid_));
          if (self->take_read_ahead(id)) return;
          self->reader_->read(
              deadline, [self, id](Result<SampleReader::Answer> a) { self->answered(id, std::move(a)); });
        });
  }

  void watch(std::function<void()> on_message) {
    const bool start = static_cast<bool>(on_message) && !invalid_;
    {
      const std::lock_guard lock(mutex_);
      on_message_.swap(on_message);  // the old one ends without the lock
    }
    connection_.loop().post(
        [self = shared_from_this(), start] { start ? self->watch_->start() : self->watch_->stop(); });
  }

  std::string gap() const {
    const std::lock_guard lock(mutex_);
    return gap_;
  }
  std::string unfit() const {
    const std::lock_guard lock(mutex_);
    return unfit_;
  }

  void close() {
    gate_.close();
    decltype(reads_) left;
    std::function<void()> watcher;
    {
      const std::lock_guard lock(mutex_);
      left.swap(reads_);
      watcher.swap(on_message_);
    }
    connection_.loop().post([self = shared_from_this()] {
      self->watch_->stop();
      self->dead_.end();
    });
    for (auto& [id, done] : left) done(fail(ErrorCode::kUnavailable, "the source was closed", true));
  }

  void link_up() override {
    dead_.link_up(connection_.link());
    watch_->link_up();
  }
  void link_down() override {
    dead_.end();
    watch_->link_down();
    reader_->forget();
  }
  void subscription_denied(const std::string& subject) override {
    dead_.subscription_denied(subject);
    watch_->subscription_denied(subject);
  }

 private:
  // The read that follows a wake, begun before the one who is woken asks for it: his way to us and the
  // server's answer are under way at the same time.
  struct ReadAhead {
    steady_clock::time_point begun = steady_clock::now();
    std::optional<std::uint64_t> wanted_by;  // the read that takes its answer
    std::optional<Result<SampleReader::Answer>> answer;
  };

  void read_ahead() {
    ahead_ = std::make_shared<ReadAhead>();
    reader_->read(ahead_->begun + kReadAheadTimeout,
                  [self = shared_from_this(), ahead = ahead_](Result<SampleReader::Answer> a) {
                    if (ahead->wanted_by) return self->answered(*ahead->wanted_by, std::move(a));
                    ahead->answer = std::move(a);
                  });
  }

  // False: there is none, or it is too old, and the read must ask for itself.
  bool take_read_ahead(std::uint64_t id) {
    const auto ahead = std::exchange(ahead_, nullptr);
    if (!ahead || steady_clock::now() - ahead->begun > kReadAheadGood) return false;
    if (ahead->answer)
      answered(id, std::move(*ahead->answer));
    else
      ahead->wanted_by = id;
    return true;
  }

  void answered(std::uint64_t id, Result<SampleReader::Answer> a) {
    if (!a) return answer(id, tl::unexpected(a.error()));
    a->sample.dead = dead_.count();
    {
      const std::lock_guard lock(mutex_);
      unfit_ = why_unfit_for_zero(a->consumer, consumer_);
    }
    watch_->polled(a->consumer);
    Reading reading;
    reading.queue = std::move(a->sample);
    answer(id, std::move(reading));
  }

  void answer(std::uint64_t id, Result<Reading> result) {
    gate_.pass([&] {
      std::function<void(Result<Reading>)> done;
      {
        const std::lock_guard lock(mutex_);
        const auto it = reads_.find(id);
        if (it == reads_.end()) return;
        done = std::move(it->second);
        reads_.erase(it);
      }
      done(std::move(result));
    });
  }

  void fired() {
    read_ahead();
    gate_.pass([&] {
      std::function<void()> call;
      {
        const std::lock_guard lock(mutex_);
        call.swap(on_message_);
      }
      if (call) call();
    });
  }

  JetStreamConnection& connection_;  // outlives its loop's tasks, and so this
  const std::string consumer_;
  std::optional<Error> invalid_;
  Gate gate_;

  mutable std::mutex mutex_;  // guards the next five
  std::map<std::uint64_t, std::function<void(Result<Reading>)>> reads_;
  std::uint64_t next_read_ = 0;
  std::function<void()> on_message_;
  std::string gap_;
  std::string unfit_;

  DeadLetters dead_;  // this and the rest: on the loop
  std::shared_ptr<ReadAhead> ahead_;
  std::shared_ptr<SampleReader> reader_;
  std::shared_ptr<WakeWatch> watch_;
};

JetStreamSource::Options JetStreamSource::options_from(const NatsSpec& spec, bool may_reach_zero) {
  Options o;
  o.stream = spec.stream;
  o.consumer = spec.consumer;
  if (!spec.advisory_prefix.empty()) o.advisories = spec.advisory_prefix;
  o.domain = spec.domain;
  o.subject = spec.subject;
  o.may_reach_zero = may_reach_zero;
  return o;
}

JetStreamSource::JetStreamSource(std::shared_ptr<JetStreamConnection> connection, Options options)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      core_(std::make_shared<Core>(*connection_, options_)) {
  core_->start(options_);
}

JetStreamSource::~JetStreamSource() {
  core_->close();
  core_.reset();  // before the connection, whose loop may hold the last reference
}

void JetStreamSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->read(request, std::move(done));
}

void JetStreamSource::watch(std::function<void()> on_message) { core_->watch(std::move(on_message)); }

std::string JetStreamSource::watch_gap() const { return core_->gap(); }

std::string JetStreamSource::unfit_for_zero() const { return core_->unfit(); }

// Looks at one thing after the other, each with what is left of the time; what stands on something missing is
// not looked at.
std::vector<Finding> JetStreamSource::check(Duration timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const auto left = [&] {
    return std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1));
  };
  JetStreamConnection& c = *connection_;
  std::vector<Finding> out;
  const auto failed = [&](const Error& e) {
    out.push_back({Severity::kError, e.message, {}});  // the message has the cure in it
    return out;
  };
  if (const auto& invalid = core_->invalid()) return failed(*invalid);

  const auto account = c.call(c.api("INFO"), "", left());
  // A user may be allowed no more than the requests that docktor needs.
  if (!account && account.error().code != ErrorCode::kDenied) {
    Error e = account.error();
    const bool connected = e.code == ErrorCode::kUnavailable && !c.connected_to(left()).empty();
    if (const auto hint = connected ? c.elsewhere(left()) : ""; !hint.empty()) e.message += "; " + hint;
    return failed(e);
  }
  const auto stream_text = c.call(c.api("STREAM.INFO." + options_.stream), "", left());
  if (!stream_text) return failed(stream_text.error());
  const std::string version =
      server_version(c.connected_to(left()), std::min<Duration>(left(), std::chrono::seconds(1)));
  const auto stream = parse_stream_info(*stream_text, options_.stream);
  if (!stream) return failed(stream.error());
  const auto said = fmt::format("{} answers{}", c.shown_url(),
                                version.empty() ? "" : fmt::format(" (nats-server {})", version));
  if (stream->error) {
    out.push_back({Severity::kOk, said, {}});
    return failed(c.explain(*stream->error, options_.stream, {}, c.elsewhere(left())));
  }
  out.push_back({Severity::kOk, said + ", JetStream is on", {}});
  const StreamInfo& s = *stream->value;
  out.push_back(
      {Severity::kOk, fmt::format("stream {} exists: {} messages", options_.stream, s.messages), {}});

  const auto consumer_text =
      c.call(c.api(fmt::format("CONSUMER.INFO.{}.{}", options_.stream, options_.consumer)), "", left());
  if (!consumer_text) return failed(consumer_text.error());
  const auto consumer = parse_consumer_info(*consumer_text, options_.stream, options_.consumer);
  if (!consumer) return failed(consumer.error());
  if (consumer->error) return failed(c.explain(*consumer->error, options_.stream, options_.consumer, {}));
  for (auto& f :
       check_consumer(s, *consumer->value,
                      {options_.stream, options_.consumer, options_.subject, options_.may_reach_zero})) {
    out.push_back(std::move(f));
  }
  if (stream_need(consumer->value->filters, s, false) == StreamNeed::kCounts &&
      s.num_subjects > kMaxCountedSubjects) {
    out.push_back({Severity::kWarning,
                   fmt::format("stream {} has {} subjects: too many to count those of the filter, so "
                               "arrivals are an upper bound "
                               "while messages are redelivered",
                               options_.stream, s.num_subjects),
                   "nothing needs to be done; fewer subjects, or a stream of its own for this consumer, "
                   "would make it exact"});
  }
  for (auto& f : check_permissions(consumer->value->filters, deadline)) out.push_back(std::move(f));
  return out;
}

std::vector<Finding> JetStreamSource::check_permissions(const std::vector<std::string>& filters,
                                                        JetStreamConnection::SteadyTime deadline) {
  const auto left = [&] {
    return std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1));
  };
  std::vector<std::string> wanted = {advisory_subject(options_)};
  if (options_.may_reach_zero) {
    auto promise = std::make_shared<std::promise<WakeSubjects>>();
    auto found = promise->get_future();
    connection_->loop().post([c = connection_.get(), stream = options_.stream, filters, promise, deadline] {
      find_wake_subjects(*c, stream, filters, std::chrono::seconds(30), deadline,
                         [promise](WakeSubjects w) { promise->set_value(std::move(w)); });
    });
    if (found.wait_for(left()) != std::future_status::ready) return {};
    for (auto& s : found.get().subjects) wanted.push_back(std::move(s));
  }
  std::vector<Finding> out;
  for (const auto& subject : denied_subscriptions(*connection_, wanted, left())) {
    const std::string what =
        subject == wanted.front()
            ? std::string("this user may not see JetStream's advisories: queue.dead stays unknown")
            : fmt::format(
                  "this user may not subscribe to {}: at zero replicas docktor polls once a second instead "
                  "of waking at once",
                  subject);
    out.push_back(
        {Severity::kWarning, what, fmt::format("allow the user of the queue to subscribe to {}", subject)});
  }
  return out;
}

}  // namespace docktor
