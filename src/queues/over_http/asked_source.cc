#include "queues/over_http/asked_source.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "os/gate.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMaxSteps = 6;  // of one reading

}  // namespace

// It outlives the source where a callback still holds it; then its gate is closed.
class AskedSource::Core final : public std::enable_shared_from_this<Core> {
 public:
  Core(Asker& asker, std::unique_ptr<Inquiry> inquiry) : asker_(asker), inquiry_(std::move(inquiry)) {}

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
    const auto deadline = steady_clock::now() + request.timeout;
    std::uint64_t id = 0;
    Result<Inquiry::Step> step;
    {
      const std::lock_guard lock(mutex_);
      id = ++reading_;
      done_ = std::move(done);
      step = inquiry_->begin(instant_now());
    }
    go_on(id, std::move(step), deadline, kMaxSteps);
  }

  std::string gap() const {
    const std::lock_guard lock(mutex_);
    return inquiry_->watch_gap();
  }

  void close() {
    gate_.close();
    finish(fail(ErrorCode::kUnavailable, "the source was closed", true));
  }

 private:
  // What is asked at once: the answers as they come.
  struct Round {
    explicit Round(std::size_t n) : answers(n), missing(n) {}
    Asker::Answers answers;
    std::size_t missing;
  };

  void go_on(std::uint64_t id, Result<Inquiry::Step> step, steady_clock::time_point deadline, int steps) {
    if (!step) return finish(tl::unexpected(step.error()));
    if (auto* sample = std::get_if<QueueSample>(&*step)) {
      Reading reading;
      reading.queue = std::move(*sample);
      return finish(std::move(reading));
    }
    auto requests = std::get<Inquiry::Requests>(std::move(*step));
    if (steps == 0 || requests.empty())
      return finish(fail(ErrorCode::kInternal, "the queue takes too many steps to read"));
    const auto round = std::make_shared<Round>(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      asker_.ask(
          std::move(requests[i]), deadline,
          [weak = weak_from_this(), id, round, i, deadline, steps](Result<HttpResponse> answer) {
            if (const auto self = weak.lock())
              self->gate_.pass([&] { self->answered(id, *round, i, std::move(answer), deadline, steps); });
          });
    }
  }

  void answered(std::uint64_t id, Round& round, std::size_t i, Result<HttpResponse> answer,
                steady_clock::time_point deadline, int steps) {
    Result<Inquiry::Step> step;
    {
      const std::lock_guard lock(mutex_);
      if (id != reading_ || !done_) return;  // of a reading that is over
      if (answer) {
        round.answers[i] = std::move(*answer);
        if (--round.missing > 0) return;
        step = inquiry_->next(round.answers, instant_now());
      } else {
        inquiry_->failed(answer.error());
        step = tl::unexpected(answer.error());
      }
    }
    go_on(id, std::move(step), deadline, steps - 1);
  }

  void finish(Result<Reading> reading) {
    std::function<void(Result<Reading>)> done;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
    }
    if (done) done(std::move(reading));
  }

  Asker& asker_;  // outlives the source, and is not used behind the closed gate
  Gate gate_;

  mutable std::mutex mutex_;  // guards the rest
  const std::unique_ptr<Inquiry> inquiry_;
  std::uint64_t reading_ = 0;
  std::function<void(Result<Reading>)> done_;
};

AskedSource::AskedSource(std::shared_ptr<Asker> asker, Make make)
    : asker_(std::move(asker)), make_(std::move(make)), core_(std::make_shared<Core>(*asker_, make_())) {}

AskedSource::~AskedSource() { core_->close(); }

void AskedSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->read(request, std::move(done));
}

std::string AskedSource::watch_gap() const { return core_->gap(); }

std::vector<Finding> AskedSource::check(Duration timeout) {
  const auto deadline = steady_clock::now() + timeout;
  return make_()->look(
      [&](Inquiry::Requests requests) { return asker_->call(std::move(requests), deadline); });
}

}  // namespace docktor
