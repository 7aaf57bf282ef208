#include "queues/nats/wake_watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace docktor {
namespace {

using std::chrono::steady_clock;
using SteadyTime = JetStreamConnection::SteadyTime;

constexpr Duration kConfigAge = std::chrono::seconds(30);  // which subjects feed the stream
constexpr Duration kArmTimeout = std::chrono::seconds(2);
// Waits before the looks that follow the one at once; with them a message has 50 ms to become pending.
constexpr std::array<Duration, 2> kLooks = {std::chrono::milliseconds(10), std::chrono::milliseconds(40)};

}  // namespace

WakeWatch::WakeWatch(JetStreamConnection& connection, std::string stream, std::string consumer, Events events)
    : connection_(connection),
      stream_(std::move(stream)),
      consumer_(std::move(consumer)),
      events_(std::move(events)) {}

void WakeWatch::start() {
  watching_ = true;
  if (!ever_armed_) set_wake({{}, {"the watch is not set up yet"}});
  arm();
}

void WakeWatch::stop() {
  watching_ = false;
  disarm();
}

void WakeWatch::link_up() {
  denied_.clear();
  if (watching_) arm();
}

void WakeWatch::link_down() {
  disarm();
  if (watching_) set_wake({{}, {"not connected"}});
}

void WakeWatch::subscription_denied(const std::string& subject) {
  if (std::ranges::find(wake_.subjects, subject) == wake_.subjects.end()) return;
  denied_.insert(subject);
  tell_gap();
}

void WakeWatch::disarm() {
  ++epoch_;
  armed_ = arming_ = false;
  subscriptions_.clear();
}

void WakeWatch::arm() {
  disarm();
  if (connection_.link().state() != Link::State::kUp) return;
  arming_ = true;
  const SteadyTime deadline = steady_clock::now() + kArmTimeout;
  if (filters_) return find_subjects(deadline);
  connection_.consumer_info(
      stream_, consumer_, deadline,
      [self = shared_from_this(), epoch = epoch_, deadline](const Result<ConsumerInfo>& info) {
        if (epoch != self->epoch_) return;
        if (!info) {  // the next good poll arms it
          self->arming_ = false;
          return self->set_wake({{}, {info.error().message}});
        }
        self->filters_ = info->filters;
        self->find_subjects(deadline);
      });
}

void WakeWatch::find_subjects(SteadyTime deadline) {
  find_wake_subjects(connection_, stream_, *filters_, kConfigAge, deadline,
                     [self = shared_from_this(), epoch = epoch_](WakeSubjects w) {
                       if (epoch == self->epoch_) self->subscribe(std::move(w));
                     });
}

void WakeWatch::subscribe(WakeSubjects found) {
  arming_ = false;
  armed_ = ever_armed_ = true;
  set_wake(std::move(found));
  for (const auto& subject : wake_.subjects) {
    if (denied_.contains(subject)) continue;
    auto sub = connection_.link().subscribe(
        subject, 1,
        [loop = connection_.loop().inbox(), weak = weak_from_this(), epoch = epoch_](const NatsMessage&) {
          loop->push([weak, epoch] {
            if (const auto self = weak.lock()) self->fire(epoch);
          });
        });
    if (sub) subscriptions_.push_back(std::move(*sub));
  }
  look(0);
}

// The server takes subscription and request in order, but counts a message as pending some time after it took
// it (nats-server 2.10 signals consumers from a queue): one that came just before the subscription shows up a
// little later.
void WakeWatch::look(std::size_t n) {
  connection_.consumer_info(stream_, consumer_, steady_clock::now() + kArmTimeout,
                            [self = shared_from_this(), epoch = epoch_, n](const Result<ConsumerInfo>& info) {
                              if (!info || epoch != self->epoch_) return;  // polling goes on
                              self->filters_ = info->filters;
                              if (info->num_pending > 0) return self->fire(epoch);
                              if (n == kLooks.size()) return;
                              const auto again = [weak = self->weak_from_this(), epoch, n] {
                                const auto later = weak.lock();
                                if (later && epoch == later->epoch_) later->look(n + 1);
                              };
                              self->connection_.loop().at(steady_clock::now() + kLooks[n], again);
                            });
}

void WakeWatch::polled(const ConsumerInfo& info) {
  filters_ = info.filters;
  if (in_hand_ != info.num_ack_pending) {
    in_hand_ = info.num_ack_pending;
    tell_gap();
  }
  if (!watching_ || arming_) return;
  if (!armed_) return arm();
  find_wake_subjects(connection_, stream_, *filters_, kConfigAge, steady_clock::now() + kArmTimeout,
                     [self = shared_from_this(), epoch = epoch_](const WakeSubjects& w) {
                       if (epoch == self->epoch_ && !(w == self->wake_)) self->arm();
                     });
}

void WakeWatch::fire(std::uint64_t epoch) {
  if (epoch != epoch_ || !watching_) return;
  stop();
  events_.fired();
}

void WakeWatch::set_wake(WakeSubjects w) {
  wake_ = std::move(w);
  tell_gap();
}

void WakeWatch::tell_gap() {
  if (!watching_ && !ever_armed_) return;  // nobody asked for a watch yet
  auto texts = wake_.gaps;
  for (const auto& s : wake_.subjects) {
    if (denied_.contains(s)) texts.push_back(fmt::format("this user may not subscribe to {}", s));
  }
  if (wake_.subjects.empty() && texts.empty())
    texts.emplace_back("no subject of this account feeds the stream");
  if (in_hand_ > 0) {
    texts.push_back(
        fmt::format("{} messages in hand: when they fall due for redelivery is not seen", in_hand_));
  }
  events_.gap(fmt::format("{}", fmt::join(texts, "; ")));
}

}  // namespace docktor
