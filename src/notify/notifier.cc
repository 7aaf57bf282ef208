#include "notify/notifier.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor::notify {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
constexpr auto kLastWords = std::chrono::seconds(2);  // before docktor ends
constexpr double kAlive = 5;                          // seconds within which the loop must have turned
constexpr std::size_t kMostFile = 4 << 20;

}  // namespace

struct Notifier::Carrier {
  explicit Carrier(Channel c) : channel(std::move(c)) {}
  Channel channel;
  std::unique_ptr<HttpClient> client;  // for the address's base
  std::uint64_t under_way = 0;         // the request's number; 0: none
};

Notifier::Notifier(Options options) : options_(std::move(options)) {
  if (const auto text = read_file(options_.file, kMostFile)) kept_ = parse_json(*text);
  last_note_ = options_.board.last_note();
}

Notifier::~Notifier() { close(); }

void Notifier::share(Lease* lease) {
  const std::lock_guard lock(mutex_);
  lease_ = lease;
  leads_ = !lease;
}

// What the one before has told is as it left it, also where that is nothing.
void Notifier::look_at_lease(Time now) {
  if (!lease_ || lease_->term(now).has_value() == leads_) return;
  leads_ = !leads_;
  const auto left = leads_ ? lease_->left(kOfDaemon).said : nlohmann::json();
  const auto nothing = left.is_object() ? nlohmann::json::array() : nlohmann::json();
  for (auto& [name, c] : carriers_) {
    if (leads_)
      c->channel.lead(left.is_object() ? left.value(name, nothing) : nothing, now);
    else
      c->channel.follow();
  }
  looked_ = now;  // the loop takes over what people said meanwhile
}

void Notifier::apply(const std::vector<ChannelSpec>& specs) {
  const std::lock_guard lock(mutex_);
  const Time now = options_.clock.now();
  order_.clear();
  for (const auto& spec : specs) {
    auto address = parse_address(spec.url.value);
    if (!address) continue;  // the configuration's check has refused it
    order_.push_back(spec.name);
    const auto it = carriers_.find(spec.name);
    if (it != carriers_.end()) {
      Carrier& c = *it->second;
      if (c.channel.spec().url != spec.url) c.under_way = 0;
      if (c.channel.address().base != address->base && c.client) retired_.push_back(std::move(c.client));
      c.channel.change(spec, std::move(*address), now);
      continue;
    }
    auto made = std::make_unique<Carrier>(
        Channel(spec, std::move(*address), options_.sender, options_.run_id, std::random_device{}()));
    if (kept_.is_object() && kept_.contains(spec.name)) made->channel.restore(kept_[spec.name], now);
    if (!leads_) made->channel.follow();
    carriers_.emplace(spec.name, std::move(made));
  }
  std::erase_if(carriers_, [&](auto& c) {
    if (std::ranges::find(order_, c.first) != order_.end()) return false;
    if (c.second->client) retired_.push_back(std::move(c.second->client));
    return true;
  });
  if (!carriers_.empty() && !thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_all();
}

void Notifier::reloaded(const std::string& error) {
  const std::lock_guard lock(mutex_);
  reload_error_ = error;
}

void Notifier::tell(std::string_view event, const std::string& detail) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, c] : carriers_) c->channel.tell(event, detail, options_.clock.now());
  wake_.notify_all();
}

void Notifier::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::vector<ChannelFigures> Notifier::figures() const {
  const std::lock_guard lock(mutex_);
  std::vector<ChannelFigures> all;
  for (const auto& name : order_) all.push_back(carriers_.at(name)->channel.figures());
  return all;
}

void Notifier::take_answers(Time now) {
  for (auto& a : std::exchange(answers_, {})) {
    const auto it = carriers_.find(a.name);
    if (it == carriers_.end() || it->second->under_way != a.number) continue;  // of an earlier configuration
    it->second->under_way = 0;
    it->second->channel.answered(a.response, now);
  }
}

void Notifier::send(const std::string& name, Carrier& c, Time now) {
  auto request = c.channel.due(now, leads_ && options_.board.idle() < kAlive, options_.clock.wall() - now);
  if (!request) return;
  if (!c.client) c.client = std::make_unique<HttpClient>(HttpServer{.base_url = c.channel.address().base});
  const auto number = c.under_way = next_number_++;
  c.client->submit(std::move(*request), [this, name, number](Result<HttpResponse> r) {
    const std::lock_guard lock(mutex_);
    answers_.push_back({name, number, std::move(r)});
    wake_.notify_all();
  });
}

void Notifier::turn(Time now) {
  take_answers(now);
  look_at_lease(now);
  if (!closing_ && now - looked_ >= kLookEvery) {
    looked_ = now;
    Sight sight{.now = now,
                .services = options_.board.services(),
                .notes = options_.board.notes(last_note_),
                .reload_error = reload_error_};
    if (!sight.notes.empty()) last_note_ = sight.notes.back().number;
    for (auto& [name, c] : carriers_) c->channel.look(sight);
  }
  for (auto& [name, c] : carriers_) {
    send(name, *c, now);
    for (auto& note : c->channel.take_notes()) notes_.push_back(std::move(note));
  }
}

// One file for all channels.
std::string Notifier::to_save() {
  bool changed = false;
  for (auto& [name, c] : carriers_) changed = c->channel.told_changed() || changed;
  if (!changed) return {};
  kept_ = nlohmann::json::object();
  for (const auto& [name, c] : carriers_) kept_[name] = c->channel.told();
  if (lease_ && leads_) lease_->leave(kOfDaemon, {kept_, nullptr});
  return kept_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What takes its time, or calls back, is done without the lock: whoever asks waits for neither disk nor receivers.
void Notifier::do_aside(std::unique_lock<std::mutex>& lock) {
  auto retired = std::exchange(retired_, {});
  const auto notes = std::exchange(notes_, {});
  const auto text = to_save();
  if (retired.empty() && notes.empty() && text.empty()) return;
  lock.unlock();
  retired.clear();
  for (const auto& n : notes) options_.log(n.warning, n.text);
  if (!text.empty()) {
    const auto written = write_atomically(options_.file, text);
    static_cast<void>(written);  // a restart then tells some things again; the journal tells of a full disk
  }
  lock.lock();
}

Time Notifier::next(Time now) const {
  Time at = closing_ ? now + kLookEvery : looked_ + kLookEvery;
  for (const auto& [name, c] : carriers_) {
    if (const auto t = c->channel.next()) at = std::min(at, *t);
  }
  return std::max(at, now);
}

// Something that can still arrive before the end.
bool Notifier::pending(const Carrier& c, Time now) {
  if (c.under_way) return true;
  const auto next = c.channel.next();
  return c.channel.waits() && next && *next <= now + kLastWords;
}

void Notifier::run() {
  std::unique_lock lock(mutex_);
  std::optional<Time> end;
  while (true) {
    const Time now = options_.clock.now();
    turn(now);
    if (closing_ && !end) end = now + kLastWords;
    const bool last = end && (now >= *end || std::ranges::none_of(carriers_, [&](const auto& c) {
                                return pending(*c.second, now);
                              }));
    do_aside(lock);
    if (last) break;
    if (!answers_.empty() || (closing_ && !end)) continue;
    const Time until = end ? std::min(next(now), *end) : next(now);
    wake_.wait_for(lock, std::max<Duration>(until - options_.clock.now(), std::chrono::milliseconds(1)));
  }
  std::vector<std::unique_ptr<HttpClient>> ended = std::exchange(retired_, {});
  for (auto& [name, c] : carriers_) {
    c->under_way = 0;
    if (c->client) ended.push_back(std::move(c->client));
  }
  lock.unlock();
  ended.clear();
}

Result<std::string> send_test(const ChannelSpec& spec, const Sender& sender, Time now) {
  const auto address = parse_address(spec.url.value);
  if (!address) return tl::unexpected(address.error());
  const EventInfo test{"test", false, false, "info", "this is a test: docktor's notifications arrive here"};
  const auto id = fmt::format("test-{}-{:.0f}", spec.name, to_seconds(now) * 10);
  std::vector<Event> events;
  if (address->form != Form::kHeartbeat)
    events.push_back({.id = id,
                      .info = test,
                      .phase = Phase::kOnce,
                      .service = {},
                      .detail = "nothing is wrong",
                      .at = now,
                      .since = now});
  Sender from = sender;
  from.page = spec.page;
  auto request = render(*address, from, events, id);
  request.timeout = Channel::kTimeout;
  if (info(address->form).signs) sign(request, spec.keys, id, now);
  HttpClient client({.base_url = address->base});
  const auto answer = client.send(std::move(request));
  const auto verdict =
      judge(answer, now, address->path + "/" + address->topic + "/" + address->authorization);
  if (verdict.what == Verdict::What::kTaken) return fmt::format("HTTP {}", answer->status);
  return fail(ErrorCode::kUnavailable, verdict.why, verdict.what == Verdict::What::kLater);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return plain_text(name.data());
}

}  // namespace docktor::notify
