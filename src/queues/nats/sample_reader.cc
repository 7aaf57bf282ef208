#include "queues/nats/sample_reader.h"

#include <fmt/format.h>

#include <utility>

#include "queues/nats/subjects.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;
using StreamPtr = JetStreamConnection::StreamPtr;
using SteadyTime = JetStreamConnection::SteadyTime;

// Only a request under way is shared, by consumers of one stream that are read together: an older answer
// would know of fewer messages than the consumer's own.
constexpr Duration kShare = Duration(-1);
constexpr Duration kTooDearFor = std::chrono::minutes(5);

}  // namespace

StreamNeed stream_need(const std::vector<std::string>& filters, const StreamInfo& stream,
                       bool counts_too_dear) {
  const bool filtered = !covers_all(filters, stream.subjects);
  if (filtered && stream.retention == Retention::kLimits && !counts_too_dear) return StreamNeed::kCounts;
  return filtered || stream.can_discard ? StreamNeed::kState : StreamNeed::kNothing;
}

QueueSample to_sample(const ConsumerInfo& c, const StreamInfo& stream, bool fresh,
                      std::optional<std::uint64_t> counts) {
  QueueSample s;
  s.num_pending = c.num_pending;
  s.num_ack_pending = c.num_ack_pending;
  s.delivered_consumer_seq = c.delivered_consumer_seq;
  s.delivered_stream_seq = c.delivered_stream_seq;
  s.ack_floor_consumer_seq = c.ack_floor_consumer_seq;
  s.ack_floor_stream_seq = c.ack_floor_stream_seq;
  if (c.deliver_subject.empty()) s.num_waiting = c.num_waiting;
  s.num_redelivered = c.num_redelivered;
  s.created = c.created;
  if (c.paused) {
    s.paused = fmt::format("consumer {} is paused{}", c.name,
                           c.pause_until.empty() ? "" : " until " + c.pause_until);
  }
  s.redelivered_after = c.ack_wait;
  s.filtered = !covers_all(c.filters, stream.subjects);
  s.can_discard = stream.can_discard;
  s.retention = stream.retention;
  if (fresh) {
    s.first_seq = stream.first_seq;
    s.last_seq = stream.last_seq;
    s.stream_messages = stream.messages;
    s.subject_messages = counts;
  }
  return s;
}

struct SampleReader::Read {
  SteadyTime deadline;
  Done done;
  EventLoop::Timer timer;
  int open = 0;  // requests under way
  bool over = false;
  std::optional<ConsumerInfo> consumer;
  StreamPtr stream;
  bool fresh = false;  // `stream` was asked for this read
  bool counts_asked = false;
  std::uint64_t counts = 0;
  bool counts_whole = true;
};

SampleReader::SampleReader(JetStreamConnection& connection, std::string stream, std::string consumer)
    : connection_(connection),
      stream_(std::move(stream)),
      consumer_(std::move(consumer)),
      // Not all at once: a thousand services were started together.
      config_age_(std::chrono::seconds(25) +
                  std::chrono::milliseconds(std::hash<std::string>{}(stream_ + consumer_) % 10'000)) {}

bool SampleReader::counts_too_dear() const { return steady_clock::now() < too_dear_until_; }

void SampleReader::forget() {
  config_ = nullptr;
  connection_.forget_stream(stream_);
}

void SampleReader::read(SteadyTime deadline, Done done) {
  auto r = std::make_shared<Read>();
  r->deadline = deadline;
  r->done = std::move(done);
  // The requests have the same deadline and know better why they failed: this is the last resort.
  r->timer = connection_.loop().at(deadline + std::chrono::milliseconds(20), [weak = weak_from_this(), r] {
    const auto self = weak.lock();
    if (!self) return;
    const auto& url = self->connection_.shown_url();
    self->finish(r, fail(ErrorCode::kTimeout, fmt::format("{}: no answer in time", url), true));
  });
  ++r->open;
  connection_.consumer_info(
      stream_, consumer_, deadline, [self = shared_from_this(), r](Result<ConsumerInfo> info) {
        --r->open;
        if (!info) return self->finish(r, tl::unexpected(info.error()));
        if (self->created_ != info->created) {  // a new consumer, perhaps of a new stream
          if (!self->created_.empty()) self->forget();
          self->created_ = info->created;
        }
        self->filters_ = info->filters;
        r->consumer = std::move(*info);
        self->advance(r);
      });
  // What this read will need besides is known from the one before, so that all requests go out together.
  const bool config_known = config_ && steady_clock::now() - config_at_ < config_age_;
  if (!config_known) {
    ask_stream(r, "");
  } else if (filters_) {
    ask(r, stream_need(*filters_, *config_, counts_too_dear()), std::vector<std::string>(*filters_));
  }
}

void SampleReader::ask(const ReadPtr& r, StreamNeed need, const std::vector<std::string>& filters) {
  if (need == StreamNeed::kState) ask_stream(r, "");
  if (need != StreamNeed::kCounts) return;
  r->counts_asked = true;
  for (const auto& f : filters) ask_stream(r, f);
}

void SampleReader::ask_stream(const ReadPtr& r, const std::string& filter) {
  ++r->open;
  const bool counted = !filter.empty();
  const auto done = [self = shared_from_this(), r, counted](const Result<StreamPtr>& info) {
    --r->open;
    if (!info) return self->finish(r, tl::unexpected(info.error()));
    const StreamInfo& s = **info;
    r->stream = *info;
    r->fresh = true;
    self->config_ = *info;
    self->config_at_ = steady_clock::now();
    if (counted) {
      r->counts += s.subject_messages;
      if (s.subjects_total > kMaxCountedSubjects || s.subjects_listed < s.subjects_total) {
        r->counts_whole = false;
        self->too_dear_until_ = steady_clock::now() + kTooDearFor;
      }
    }
    self->advance(r);
  };
  connection_.stream_info(stream_, filter, kShare, r->deadline, done);
}

// All answers are in: either something is still missing, or the sample is whole.
void SampleReader::advance(const ReadPtr& r) {
  if (r->over || r->open > 0 || !r->consumer) return;
  if (!r->stream) r->stream = config_;
  if (!r->stream) return ask_stream(r, "");
  const auto& filters = r->consumer->filters;
  const StreamNeed need = stream_need(filters, *r->stream, counts_too_dear());
  if (need == StreamNeed::kCounts && !r->counts_asked) return ask(r, need, filters);
  if (need == StreamNeed::kState && !r->fresh) return ask(r, need, filters);

  std::optional<std::uint64_t> counts;
  if (need == StreamNeed::kCounts && r->counts_whole) counts = r->counts;
  QueueSample sample = to_sample(*r->consumer, *r->stream, r->fresh, counts);
  finish(r, Answer{std::move(*r->consumer), std::move(sample)});
}

void SampleReader::finish(const ReadPtr& r, Result<Answer> answer) {
  if (r->over) return;
  r->over = true;
  connection_.loop().cancel(r->timer);
  if (!answer) forget();
  r->done(std::move(answer));
}

}  // namespace docktor
