#include "source/nats_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "core/record.h"
#include "core/text.h"
#include "source/nkey.h"

namespace docktor {

// What the callbacks of one connection write to. It lives until nats.c says "closed", its last callback.
struct NatsLink::Wire {
  std::shared_ptr<EventLoop::Port> port;
  NatsLink& link;  // only touched by tasks on the loop, which ends before the link does
  std::uint64_t generation;
};

namespace {

struct OptionsDeleter {
  void operator()(natsOptions* o) const { natsOptions_Destroy(o); }
};
using OptionsPtr = std::unique_ptr<natsOptions, OptionsDeleter>;

constexpr const char* kSystemCas = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kMaxServers = 64;

std::vector<std::string> split_urls(std::string_view text) {
  std::vector<std::string> urls;
  while (!text.empty() && urls.size() < kMaxServers) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty())
      urls.emplace_back(part.find("://") == std::string_view::npos ? fmt::format("nats://{}", part) : part);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return urls;
}

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

Error connect_error(natsStatus status, const std::string& text, const std::string& server) {
  const std::string shown = redacted_url(server);
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return {ErrorCode::kDenied,
              fmt::format("{} refused the credentials ({}): check user and password, token, creds_file or "
                          "nkey of the queue",
                          shown, text),
              true};
    case NATS_SSL_ERROR:
      return {
          ErrorCode::kDenied,
          fmt::format(
              "{}: no TLS connection ({}): check tls_ca_file, tls_cert_file and tls_key_file of the queue",
              shown, text),
          true};
    case NATS_SECURE_CONNECTION_WANTED:
      return {ErrorCode::kUnavailable,
              fmt::format("{} does not speak TLS: use nats:// in the queue's url and no tls_* files", shown),
              true};
    default:
      return {ErrorCode::kUnavailable,
              fmt::format("{} cannot be reached ({}): start nats-server there, or mend the queue's url",
                          shown, text),
              true};
  }
}

natsStatus sign_with_seed(char** error_text, unsigned char** signature, int* length, const char* nonce,
                          void* closure) {
  (void)error_text;
  return nats_Sign(static_cast<const std::string*>(closure)->c_str(), nonce, signature, length);
}

// A message handler of ours, owned by nats.c's subscription until it is complete.
struct Handler {
  std::function<void(NatsMessage)> call;
};

void on_message(natsConnection*, natsSubscription*, natsMsg* msg, void* closure) {
  static_cast<Handler*>(closure)->call(NatsMessage(msg, &natsMsg_Destroy));
}
void on_complete(void* closure) { delete static_cast<Handler*>(closure); }

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

NatsLinkOptions NatsLinkOptions::from(const QueueSpec& spec) {
  NatsLinkOptions o;
  o.url = spec.url;
  o.user = spec.user;
  o.password = spec.password;
  o.token = spec.token;
  o.creds_file = spec.creds_file;
  o.nkey_seed = spec.nkey_seed;
  o.tls_ca_file = spec.tls_ca_file;
  o.tls_cert_file = spec.tls_cert_file;
  o.tls_key_file = spec.tls_key_file;
  return o;
}

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
    wire->port->post([&link = wire->link, generation = wire->generation, reason = std::move(reason)] {
      link.closed(generation, reason);
    });
  }

  static void on_error(natsConnection* nc, natsSubscription*, natsStatus, void* closure) {
    const auto* wire = static_cast<Wire*>(closure);
    const char* text =
        nats_GetLastError(nullptr);  // the text that belongs to this event, where nats.c kept it
    if (!text || !contains(text, "permissions violation")) natsConnection_GetLastError(nc, &text);
    if (!text || !contains(text, "permissions violation")) return;
    wire->port->post([&link = wire->link, generation = wire->generation, subject = quoted(text),
                      publish = contains(text, "publish")] {
      if (generation == link.generation_ && link.events_.denied) link.events_.denied(subject, publish);
    });
  }

  // nats.c's options for one server; `secure` is set by the caller where the server asked for it.
  static Result<OptionsPtr> options_for(const NatsLinkOptions& o, const std::string& server, bool secure,
                                        Wire* wire) {
    natsOptions* raw = nullptr;
    natsStatus s = natsOptions_Create(&raw);
    OptionsPtr options(raw);
    const auto then = [&](natsStatus next) {
      if (s == NATS_OK) s = next;
    };
    const auto ms = [](Duration d) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
    };
    if (s == NATS_OK) {
      then(natsOptions_SetURL(raw, server.c_str()));
      then(natsOptions_SetName(raw, "docktor"));
      then(natsOptions_SetTimeout(raw, std::max<std::int64_t>(1, ms(o.connect_timeout))));
      then(natsOptions_SetAllowReconnect(
          raw, false));  // the link does it: resolve again, own backoff, one path for all
      then(natsOptions_SetPingInterval(raw, 10'000));
      then(natsOptions_SetMaxPingsOut(raw, 2));
      then(natsOptions_SetSendAsap(raw, true));
      then(natsOptions_SetWriteDeadline(raw, 2'000));  // a server that stands still must not stop the loop
      then(natsOptions_UseGlobalMessageDelivery(raw, true));  // else each subscription has a thread
      then(natsOptions_SetClosedCB(raw, &Attempt::on_closed, wire));
      then(natsOptions_SetErrorHandler(raw, &Attempt::on_error, wire));
      if (!o.user.empty())
        then(natsOptions_SetUserInfo(raw, o.user.c_str(), o.password.value.c_str()));
      else if (!o.token.empty())
        then(natsOptions_SetToken(raw, o.token.value.c_str()));
    }
    if (s != NATS_OK) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: {}", redacted_url(server), nats_GetLastError(nullptr)));
    }
    const auto file = [](const char* what, const std::string& path) {
      return fail(ErrorCode::kDenied,
                  fmt::format("{} {} cannot be used: {}", what, path, nats_GetLastError(nullptr)), true);
    };
    if (!o.creds_file.empty()) {
      if (::access(o.creds_file.c_str(), R_OK) != 0) {
        return fail(ErrorCode::kDenied, fmt::format("creds_file {} cannot be read", o.creds_file), true);
      }
      if (natsOptions_SetUserCredentialsFromFiles(raw, o.creds_file.c_str(), nullptr) != NATS_OK) {
        return file("creds_file", o.creds_file);
      }
    } else if (!o.nkey_seed.empty()) {
      const auto key = nkey_public(o.nkey_seed.value);
      if (!key) return tl::unexpected(key.error());
      // nats.c signs while it connects, which is over when the attempt is: the seed outlives that.
      const auto* seed = &o.nkey_seed.value;
      if (natsOptions_SetNKey(raw, key->c_str(), &sign_with_seed, const_cast<std::string*>(seed)) !=
          NATS_OK) {
        return fail(ErrorCode::kInvalid, "the nkey cannot be used");
      }
    }
    if (secure || !o.tls_ca_file.empty() || !o.tls_cert_file.empty() || server.starts_with("tls://")) {
      if (natsOptions_SetSecure(raw, true) != NATS_OK) return file("TLS", "");
      const std::string ca = !o.tls_ca_file.empty()            ? o.tls_ca_file
                             : ::access(kSystemCas, R_OK) == 0 ? kSystemCas
                                                               : "";
      if (!ca.empty() && natsOptions_LoadCATrustedCertificates(raw, ca.c_str()) != NATS_OK)
        return file("tls_ca_file", ca);
      if (!o.tls_cert_file.empty() && natsOptions_LoadCertificatesChain(raw, o.tls_cert_file.c_str(),
                                                                        o.tls_key_file.c_str()) != NATS_OK) {
        return file("tls_cert_file", fmt::format("{} with tls_key_file {}", o.tls_cert_file, o.tls_key_file));
      }
    }
    return options;
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
        const auto options = options_for(o, server, secure, own.get());
        if (!options) {
          error = options.error();
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
          error = connect_error(s, text && *text ? text : natsStatus_GetText(s), server);
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
      wire.port->post([&link = wire.link, generation = wire.generation] { link.attempted(generation); });
    ended.notify_all();
  }
};

NatsLink::NatsLink(EventLoop& loop, NatsLinkOptions options, Events events)
    : loop_(loop),
      options_(std::move(options)),
      events_(std::move(events)),
      shown_url_(redacted_url(options_.url)),
      down_since_(std::chrono::system_clock::now().time_since_epoch()),
      jitter_(std::random_device{}()) {
  loop_.post([this] { connect(); });
}

NatsLink::~NatsLink() {
  if (attempt_) {
    std::unique_lock lock(attempt_->mutex);
    attempt_->abandoned = true;
    // A name look-up cannot be interrupted: after a while the thread is left alone; it touches nothing of
    // ours any more.
    const bool ended =
        attempt_->ended.wait_for(lock, std::chrono::seconds(3), [&] { return attempt_->done; });
    lock.unlock();
    if (ended)
      attempt_->thread.join();
    else
      attempt_->thread.detach();
    if (ended && attempt_->nc) natsConnection_Destroy(attempt_->nc);
  }
  if (nc_) natsConnection_Destroy(nc_);
}

void NatsLink::connect() {
  ++generation_;
  attempt_ = std::make_shared<Attempt>();
  // The thread may outlive the link: it has copies, and the link stands only in tasks, which run while the
  // link lives.
  attempt_->thread =
      std::thread([attempt = attempt_, options = options_, known = discovered_,
                   wire = Wire{loop_.port(), *this, generation_}] { attempt->run(options, known, wire); });
}

void NatsLink::attempted(std::uint64_t generation) {
  if (generation != generation_ || !attempt_) return;
  const auto attempt = std::exchange(attempt_, nullptr);
  attempt->thread.join();
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
  // One that was up for a while is tried again at once; one that is thrown out again and again backs off.
  if (std::chrono::steady_clock::now() - up_since_ > options_.last_retry) retries_ = 0;
  if (events_.down) events_.down();
  retry_later();
}

void NatsLink::retry_later() {
  Duration wait = options_.first_retry;
  for (int i = 0; i < retries_ && wait < options_.last_retry; ++i) wait *= 2;
  wait = std::min(wait, options_.last_retry);
  ++retries_;
  // Between half and the whole: many daemons must not come back at the same instant.
  std::uniform_int_distribution<Duration::rep> part(wait.count() / 2, wait.count());
  loop_.at(std::chrono::steady_clock::now() + Duration(part(jitter_)), [this] { connect(); });
}

Error NatsLink::why_down() const {
  Error e = why_;
  if (e.message.empty())
    e = {ErrorCode::kUnavailable, fmt::format("{} is not connected yet", shown_url_), true};
  e.message += fmt::format("; not connected since {}", utc_seconds(down_since_));
  return e;
}

bool NatsLink::publish(const std::string& subject, const std::string& reply, std::string_view body) {
  return nc_ && natsConnection_PublishRequest(nc_, subject.c_str(), reply.c_str(), body.data(),
                                              static_cast<int>(body.size())) == NATS_OK;
}

Result<NatsSubscription> NatsLink::subscribe(const std::string& subject, int max_messages,
                                             std::function<void(NatsMessage)> handler) {
  if (!nc_) return tl::unexpected(why_down());
  auto* h = new Handler{std::move(handler)};
  natsSubscription* sub = nullptr;
  natsStatus s = natsConnection_Subscribe(&sub, nc_, subject.c_str(), &on_message, h);
  if (s != NATS_OK) {
    delete h;
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot subscribe to {}: {}", subject, natsStatus_GetText(s)), true);
  }
  NatsSubscription out(sub);
  // From here on the handler is nats.c's. (Where the connection has just closed it is never freed: nats.c
  // does not tell whether a call is under way.)
  s = natsSubscription_SetOnCompleteCB(sub, &on_complete, h);
  if (s == NATS_OK) s = natsSubscription_SetPendingLimits(sub, -1, -1);
  if (s == NATS_OK && max_messages > 0) s = natsSubscription_AutoUnsubscribe(sub, max_messages);
  if (s != NATS_OK) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot subscribe to {}: {}", subject, natsStatus_GetText(s)), true);
  }
  return out;
}

std::string NatsLink::connected_to() const {
  char buffer[512] = "";
  if (!nc_ || natsConnection_GetConnectedUrl(nc_, buffer, sizeof buffer) != NATS_OK) return {};
  return redacted_url(buffer);
}

}  // namespace docktor
