#include "queues/kafka/kafka_source.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "os/gate.h"
#include "queues/kafka/kafka_check.h"
#include "queues/kafka/sample_maker.h"

namespace docktor {

using std::chrono::steady_clock;

namespace {

// Of a check.
constexpr Duration kPause = std::chrono::milliseconds(300);
constexpr int kTries = 3;
constexpr Duration kSettings = std::chrono::seconds(3);

}  // namespace

// It outlives the source where a callback still holds it; then its gate is closed.
class KafkaSource::Core final {
 public:
  explicit Core(const KafkaSpec& spec) : maker_(spec) {}

  void begin(std::function<void(Result<Reading>)> done) {
    const std::lock_guard lock(mutex_);
    done_ = std::move(done);
  }

  void answered(const Result<GroupFigures>& figures) {
    gate_.pass([&] {
      Result<Reading> reading;
      std::function<void(Result<Reading>)> done;
      {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
        if (!figures) {
          reading = tl::unexpected(figures.error());
        } else if (auto sample = maker_.make(steady_clock::now(), *figures)) {
          reading->queue = std::move(*sample);
        } else {
          reading = tl::unexpected(sample.error());
        }
      }
      if (done) done(std::move(reading));
    });
  }

  std::string unfit() const {
    const std::lock_guard lock(mutex_);
    return maker_.unfit_for_zero();
  }

  void close() {
    gate_.close();
    std::function<void(Result<Reading>)> done;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
    }
    if (done) done(fail(ErrorCode::kUnavailable, "the source was closed", true));
  }

 private:
  Gate gate_;
  mutable std::mutex mutex_;  // guards the rest
  SampleMaker maker_;
  std::function<void(Result<Reading>)> done_;
};

KafkaSource::KafkaSource(std::shared_ptr<KafkaCluster> cluster, Options options)
    : cluster_(std::move(cluster)),
      options_(std::move(options)),
      id_(cluster_->add({options_.spec.group, options_.spec.topics, options_.spec.earliest})),
      core_(std::make_shared<Core>(options_.spec)) {}

KafkaSource::~KafkaSource() {
  core_->close();
  cluster_->remove(id_);
}

void KafkaSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->begin(std::move(done));
  cluster_->read(id_, steady_clock::now() + request.timeout,
                 [core = core_](const Result<GroupFigures>& figures) { core->answered(figures); });
}

std::string KafkaSource::watch_gap() const {
  return "Kafka is asked for new records, it does not tell of them";
}

std::string KafkaSource::unfit_for_zero() const { return core_->unfit(); }

std::vector<Finding> KafkaSource::check(Duration timeout) {
  const auto until = steady_clock::now() + timeout;
  const auto ask = [&] {
    auto promise = std::make_shared<std::promise<Result<GroupFigures>>>();
    auto future = promise->get_future();
    cluster_->read(id_, until, [promise](Result<GroupFigures> f) { promise->set_value(std::move(f)); });
    return future.get();
  };
  auto figures = ask();
  // A broker that has just started, or a new leader, takes a moment to load what the group committed.
  for (int i = 0; i < kTries && !figures && figures.error().code == ErrorCode::kUnavailable; ++i) {
    std::this_thread::sleep_for(kPause);
    figures = ask();
  }
  // The members are asked for along the way; they come with the next reading.
  if (figures && !figures->members) {
    std::this_thread::sleep_for(kPause);
    if (auto again = ask()) figures = std::move(again);
  }
  auto out = check_kafka_group(options_.spec, figures, options_.min_replicas, options_.max_replicas);
  if (!figures) return out;
  const auto settings_until = std::min<SteadyTime>(until, steady_clock::now() + kSettings);
  for (const auto& topic : cluster_->compacted(options_.spec.topics, settings_until))
    out.push_back(compacted_topic(topic));
  return out;
}

}  // namespace docktor
