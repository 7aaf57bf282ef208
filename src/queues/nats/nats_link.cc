#include "queues/nats/nats_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/record.h"
#include "core/text.h"
#include "queues/nats/server_version.h"

namespace docktor {

// What the callbacks of one connection write to. It lives until nats.c says "closed", its last callback.
struct NatsLink::Wire {
  std::shared_ptr<Inbox> loop;
  NatsLink& link;  // only touched by tasks on the loop, which ends before the link does
  std::uint64_t generation;
};

namespace {

// A look at why a server cannot be reached; the attempt itself has waited before.
constexpr Duration kLook = std::chrono::milliseconds(500);

// The discovered servers of a cluster have no credentials in their addresses: they get those of the
// configured one.
std::string with_credentials_of(const std::string& url, std::string server) {
  const auto scheme = url.find("://") + 3;
  const auto at = url.rfind('@');
  const auto rest = server.find("://") == std::string::npos ? server : server.substr(server.find("://") + 3);
  const std::string credentials =
      at == std::string::npos || at < scheme ? "" : url.substr(scheme, at + 1 - scheme);
  return url.substr(0, scheme) + credentials + rest;
}

// "Permissions Violation for Publish to "a.b"" → a.b
std::string quoted(std::string_view text) {
  const auto from = text.find('"');
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from + 1, text.find('"', from + 1) - from - 1));
}

bool contains(std::string_view text, std::string_view part) {
  return std::ranges::search(text, part, [](char a, char b) { return (a | 32) == (b | 32); }).begin() !=
         text.end();
}

}  // namespace

// One attempt to connect, on a thread of its own, since nats.c's connect blocks (name look-up, a host that
// does not answer). The link may go away meanwhile: then the result is thrown away.
struct NatsLink::Attempt {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  bool abandoned = false;
  std::thread thread;
  natsConnection* nc = nullptr;  // until the link takes it
  std::vector<std::string> discovered;
  Error error;

  static void on_closed(natsConnection* nc, void* closure) {
    const std::unique_ptr<Wire> wire(static_cast<Wire*>(closure));
    const char* text = nullptr;
    natsConnection_GetLastError(nc, &text);
    std::string reason = text && *text ? text : "the connection was closed";
    wire->loop->push([&link = wire->link, generation = wire->generation, reason = std::move(reason)] {
      link.closed(generation, reason);
    });
  }

  static void on_error(natsConnection* nc, natsSubscription*, natsStatus, void* closure) {
    const auto* wire = static_cast<Wire*>(closure);
    const char* text =
        nats_GetLastError(nullptr);  // the text that belongs to this event, where nats.c kept it
    if (!text || !contains(text, "permissions violation")) natsConnection_GetLastError(nc, &text);
    if (!text || !contains(text, "permissions violation")) return;
    wire->loop->push([&link = wire->link, generation = wire->generation, subject = quoted(text),
                      publish = contains(text, "publish")] {
      if (generation == link.generation_ && link.events_.denied) link.events_.denied(subject, publish);
    });
  }

  bool is_abandoned() {
    const std::lock_guard lock(mutex);
    return abandoned;
  }

  // Connects to the first server that lets us in; else `error` says why not.
  natsConnection* try_all(const NatsLinkOptions& o, const std::vector<std::string>& servers,
                          const Wire& wire) {
    error = {ErrorCode::kInvalid, "the queue's url is empty", false};
    for (const auto& server : servers) {
      for (const bool secure : {false, true}) {
        if (is_abandoned()) return nullptr;
        auto own = std::make_unique<Wire>(wire);
        const auto options = make_nats_options(o, server, secure);
        if (!options) {
          error = options.error();
          break;
        }
        // The link connects again itself: it resolves the name again, has its own backoff, one path for all.
        if (natsOptions_SetAllowReconnect(options->get(), false) != NATS_OK ||
            natsOptions_SetClosedCB(options->get(), &Attempt::on_closed, own.get()) != NATS_OK ||
            natsOptions_SetErrorHandler(options->get(), &Attempt::on_error, own.get()) != NATS_OK) {
          error = {ErrorCode::kExhausted, "no memory for a connection", true};
          break;
        }
        natsConnection* made = nullptr;
        const natsStatus s = natsConnection_Connect(&made, options->get());
        if (s == NATS_OK) {
          (void)own.release();  // the "closed" callback ends it
          return made;
        }
        const char* text = nats_GetLastError(nullptr);
        // Of several servers the one that refuses credentials tells more than those that are not there.
        if (error.code != ErrorCode::kDenied) {
          std::string why = s == NATS_NO_SERVER || s == NATS_TIMEOUT ? why_unreachable(server, kLook) : "";
          if (why.empty()) why = text && *text ? text : natsStatus_GetText(s);
          error = connect_error(s, why, server);
        }
        if (s != NATS_SECURE_CONNECTION_REQUIRED)
          break;  // else: as other clients do, TLS where the server asks for it
      }
    }
    return nullptr;
  }

  void run(const NatsLinkOptions& o, const std::vector<std::string>& known, const Wire& wire) {
    std::string url = o.resolve ? o.resolve(o.url) : std::string{};
    if (url.empty()) url = o.url;
    auto servers = split_urls(url);
    if (!servers.empty()) {
      for (const auto& d : known) {
        if (servers.size() < kMaxServers) servers.push_back(with_credentials_of(servers.front(), d));
      }
    }
    natsConnection* made = try_all(o, servers, wire);
    if (made) {
      char** names = nullptr;
      int count = 0;
      if (natsConnection_GetDiscoveredServers(made, &names, &count) == NATS_OK) {
        for (int i = 0; i < count; ++i) {
          discovered.emplace_back(names[i]);
          free(names[i]);
        }
        free(static_cast<void*>(names));
      }
    }
    nats_ReleaseThreadMemory();
    const std::lock_guard lock(mutex);
    if (!abandoned)
      nc = made;
    else if (made)
      natsConnection_Destroy(made);
    done = true;
    if (!abandoned)
      wire.loop->push([&link = wire.link, generation = wire.generation] { link.attempted(generation); });
    ended.notify_all();
  }
};

NatsLink::NatsLink(EventLoop& loop, NatsLinkOptions options, LinkEvents events)
    : loop_(loop),
      options_(std::move(options)),
      events_(std::move(events)),
      shown_url_(redacted_url(options_.url)),
      down_since_(std::chrono::system_clock::now().time_since_epoch()),
      backoff_(options_.first_retry, options_.last_retry) {
  loop_.post([this] { connect(); });
}

NatsLink::~NatsLink() {
  if (attempt_) {
    std::unique_lock lock(attempt_->mutex);
    attempt_->abandoned = true;
    // A name look-up cannot be interrupted: after a while the thread is left alone; it touches nothing of
    // ours any more.
    const bool ended =
        !attempt_->thread.joinable() ||
        attempt_->ended.wait_for(lock, std::chrono::seconds(3), [&] { return attempt_->done; });
    lock.unlock();
    if (!ended)
      attempt_->thread.detach();
    else if (attempt_->thread.joinable())
      attempt_->thread.join();
    if (ended && attempt_->nc) natsConnection_Destroy(attempt_->nc);
  }
  if (nc_) natsConnection_Destroy(nc_);
}

void NatsLink::connect() {
  ++generation_;
  attempt_ = std::make_shared<Attempt>();
  // The thread may outlive the link: it has copies, and the link stands only in tasks, which run while the
  // link lives.
  try {
    attempt_->thread =
        std::thread([attempt = attempt_, options = options_, known = discovered_,
                     wire = Wire{loop_.inbox(), *this, generation_}] { attempt->run(options, known, wire); });
  } catch (const std::system_error& error) {
    attempt_->error = {ErrorCode::kExhausted,
                       fmt::format("{}: no thread to connect with: {}", shown_url_, error.what()), true};
    loop_.post([this, generation = generation_] { attempted(generation); });
  }
}

void NatsLink::attempted(std::uint64_t generation) {
  if (generation != generation_ || !attempt_) return;
  const auto attempt = std::exchange(attempt_, nullptr);
  if (attempt->thread.joinable()) attempt->thread.join();
  if (attempt->nc &&
      natsConnection_IsClosed(attempt->nc)) {  // lost again already; its "closed" came too early to count
    natsConnection_Destroy(attempt->nc);
    attempt->nc = nullptr;
    attempt->error = {ErrorCode::kUnavailable, fmt::format("{}: the connection was lost at once", shown_url_),
                      true};
  }
  if (attempt->nc) {
    nc_ = attempt->nc;
    if (!attempt->discovered.empty()) discovered_ = std::move(attempt->discovered);
    state_ = State::kUp;
    up_since_ = std::chrono::steady_clock::now();
    if (events_.up) events_.up();
    return;
  }
  const bool first = state_ == State::kConnecting;
  state_ = State::kDown;
  why_ = std::move(attempt->error);
  if (first && events_.down) events_.down();
  retry_later();
}

void NatsLink::closed(std::uint64_t generation, const std::string& reason) {
  if (generation != generation_ || state_ != State::kUp) return;
  natsConnection_Destroy(nc_);
  nc_ = nullptr;
  state_ = State::kDown;
  down_since_ = Time(std::chrono::system_clock::now().time_since_epoch());
  why_ = {ErrorCode::kUnavailable, fmt::format("{}: the connection was lost ({})", shown_url_, reason), true};
  backoff_.was_up_since(up_since_);
  if (events_.down) events_.down();
  retry_later();
}

void NatsLink::retry_later() {
  loop_.at(std::chrono::steady_clock::now() + backoff_.next(), [this] { connect(); });
}

Error NatsLink::why_down() const {
  Error e = why_;
  if (e.message.empty())
    e = {ErrorCode::kUnavailable, fmt::format("{} is not connected yet", shown_url_), true};
  e.message += fmt::format("; not connected since {}", clock_text(down_since_));
  return e;
}

bool NatsLink::publish(const std::string& subject, const std::string& reply, std::string_view body) {
  return nc_ && natsConnection_PublishRequest(nc_, subject.c_str(), reply.c_str(), body.data(),
                                              static_cast<int>(body.size())) == NATS_OK;
}

Result<NatsSubscription> NatsLink::subscribe(const std::string& subject, int max_messages,
                                             std::function<void(NatsMessage)> handler) {
  if (!nc_) return tl::unexpected(why_down());
  return subscribe_on(nc_, subject, max_messages, std::move(handler));
}

std::string NatsLink::connected_to() const {
  char buffer[512] = "";
  if (!nc_ || natsConnection_GetConnectedUrl(nc_, buffer, sizeof buffer) != NATS_OK) return {};
  return redacted_url(buffer);
}

}  // namespace docktor
