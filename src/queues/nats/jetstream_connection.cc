#include "queues/nats/jetstream_connection.h"

#include <fmt/format.h>
#include <nats/nats.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

std::string new_inbox() {
  natsInbox* inbox = nullptr;
  if (natsInbox_Create(&inbox) != NATS_OK) return {};
  std::string text = fmt::format("{}.", inbox);
  natsInbox_Destroy(inbox);
  return text;
}

Error not_permitted(const std::string& url, const std::string& verb, const std::string& subject) {
  return {ErrorCode::kDenied,
          fmt::format(
              "{}: this user may not {} {}: allow it in the server's permissions for the user of the queue",
              url, verb, subject),
          false};
}

nlohmann::json value_at(const nlohmann::json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() ? *it : nlohmann::json();
}

// Only names of a plain shape are repeated.
std::string plain_name(const nlohmann::json& v) {
  const std::string name = v.is_string() ? v.get<std::string>() : std::string();
  const bool plain = name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
                       return std::isalnum(c) || c == '-' || c == '_';
                     });
  return plain ? name : std::string();
}

// JetStream tells its own domain in the account's information.
std::string own_domain(const std::string& info) {
  const auto domain = plain_name(value_at(nlohmann::json::parse(info, nullptr, false), "domain"));
  if (domain.empty()) return {};
  return fmt::format("its JetStream is domain {}: where the stream is in another domain, write queue.domain",
                     domain);
}

// STATZ, which needs no system account, is answered by this server or by one beyond a leaf link, whichever is
// first: that there is a link, or the domain beyond it.
std::string linked_domain(const std::string& statz) {
  const auto answer = nlohmann::json::parse(statz, nullptr, false);
  if (const auto domain = plain_name(value_at(value_at(answer, "server"), "domain")); !domain.empty())
    return fmt::format("a server that it is linked to has JetStream in domain {}: write queue.domain",
                       domain);
  const auto data = value_at(answer, "data");
  for (const char* key : {"account_statz", "accounts"}) {
    const auto accounts = value_at(data, key);
    for (const auto& account : accounts) {
      const auto links = value_at(account, "leafnodes");
      if (links.is_number_integer() && links.get<std::int64_t>() > 0)
        return "it has a leaf link: where JetStream is in a domain beyond it, write queue.domain";
    }
  }
  return {};
}

// "", "; its JetStream is domain edge: ..."
std::string behind(const std::string& elsewhere) { return elsewhere.empty() ? "" : "; " + elsewhere; }

}  // namespace

JetStreamConnection::JetStreamConnection(std::string shown_url, MakeLink make, std::string api)
    : url_(std::move(shown_url)), api_(std::move(api)), loop_(nats_ReleaseThreadMemory) {
  loop_.post([this, make = std::move(make)] {
    link_ = make(loop_, {[this] { up(); }, [this] { down(); },
                         [this](const std::string& subject, bool publish) { denied(subject, publish); }});
  });
}

JetStreamConnection::~JetStreamConnection() { loop_.stop(); }

void JetStreamConnection::add_listener(const std::shared_ptr<Listener>& listener) {
  std::erase_if(listeners_, [](const auto& l) { return l.expired(); });
  listeners_.push_back(listener);
  if (link_->state() == Link::State::kUp) listener->link_up();
}

void JetStreamConnection::up() {
  inbox_ = new_inbox();
  // Answers are few (kMaxInFlight) and small; the handler only hands them on.
  auto sub = link_->subscribe(inbox_ + "*", 0, [this, loop = loop_.inbox()](NatsMessage m) {
    loop->push([this, m = std::move(m)] { answered(m); });
  });
  if (sub) {
    inbox_subscription_ = std::move(*sub);
    inbox_ok_ = {};
  } else {
    inbox_ok_ = tl::unexpected(sub.error());
  }
  const auto listeners = listeners_;
  for (const auto& l : listeners) {
    if (const auto listener = l.lock()) listener->link_up();
  }
  send_waiting();
}

void JetStreamConnection::down() {
  looked_elsewhere_ = false;
  elsewhere_.clear();
  inbox_subscription_ = {};
  fail_all(link_->why_down());
  const auto listeners = listeners_;
  for (const auto& l : listeners) {
    if (const auto listener = l.lock()) listener->link_down();
  }
}

void JetStreamConnection::denied(const std::string& subject, bool publish) {
  if (publish) {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, p] : pending_) {
      if (p.sent && p.subject == subject) ids.push_back(id);
    }
    for (const auto id : ids) complete(id, tl::unexpected(not_permitted(url_, "publish to", subject)));
    return;
  }
  if (subject == inbox_ + "*") {
    inbox_ok_ = tl::unexpected(not_permitted(url_, "subscribe to", "_INBOX.> (where answers come)"));
    fail_all(inbox_ok_.error());
    return;
  }
  const auto listeners = listeners_;
  for (const auto& l : listeners) {
    if (const auto listener = l.lock()) listener->subscription_denied(subject);
  }
}

void JetStreamConnection::request(std::string subject, std::string body, SteadyTime deadline,
                                  Done<std::string> done) {
  std::optional<Error> refused;
  if (link_->state() == Link::State::kDown)
    refused = link_->why_down();
  else if (!inbox_ok_)
    refused = inbox_ok_.error();
  else if (pending_.size() >= kMaxRequests)
    refused = Error{ErrorCode::kExhausted, "too many requests wait for an answer", true};
  if (refused) {
    loop_.post([done = std::move(done), e = std::move(*refused)] { done(tl::unexpected(e)); });
    return;
  }
  const auto id = next_id_++;
  Pending p{std::move(subject), std::move(body), std::move(done), {}, false};
  p.timer = loop_.at(deadline, [this, id] {
    const auto it = pending_.find(id);
    if (it == pending_.end()) return;
    Error e{ErrorCode::kTimeout,
            link_->state() == Link::State::kConnecting
                ? fmt::format("{}: no connection in time", url_)
                : fmt::format("{}: no answer to {} in time: the server is overloaded, or nobody leads the "
                              "stream or consumer",
                              url_, it->second.subject),
            true};
    complete(id, tl::unexpected(std::move(e)));
  });
  pending_.emplace(id, std::move(p));
  waiting_.push_back(id);
  send_waiting();
}

void JetStreamConnection::send_waiting() {
  if (link_->state() != Link::State::kUp) return;
  while (in_flight_ < kMaxInFlight && !waiting_.empty()) {
    const auto id = waiting_.front();
    waiting_.pop_front();
    const auto it = pending_.find(id);
    if (it == pending_.end()) continue;
    Pending& p = it->second;
    p.sent = true;
    ++in_flight_;
    if (!link_->publish(p.subject, fmt::format("{}{}", inbox_, id), p.body)) {
      // Answered later, as everything is; "closed" follows where the connection is gone.
      loop_.post([this, id] {
        complete(id, fail(ErrorCode::kUnavailable, fmt::format("{}: the connection was lost", url_), true));
      });
    }
  }
}

void JetStreamConnection::complete(std::uint64_t id, Result<std::string> result) {
  auto node = pending_.extract(id);
  if (node.empty()) return;
  Pending& p = node.mapped();
  loop_.cancel(p.timer);
  if (p.sent) --in_flight_;
  p.done(std::move(result));
  send_waiting();
}

void JetStreamConnection::fail_all(const Error& error) {
  auto all = std::exchange(pending_, {});
  waiting_.clear();
  in_flight_ = 0;
  for (auto& [id, p] : all) {
    loop_.cancel(p.timer);
    p.done(tl::unexpected(error));
  }
}

void JetStreamConnection::answered(const NatsMessage& message) {
  const std::string_view subject = natsMsg_GetSubject(message.get());
  if (!subject.starts_with(inbox_)) return;  // of a connection that is gone
  std::uint64_t id = 0;
  const char* end = subject.data() + subject.size();
  if (std::from_chars(subject.data() + inbox_.size(), end, id).ptr != end) return;
  if (natsMsg_IsNoResponders(message.get())) {
    const std::string what =
        api_ == kApi ? fmt::format(
                           "{}: JetStream does not answer: start nats-server with -js, or enable "
                           "JetStream for this account",
                           url_)
                     : fmt::format(
                           "{}: nobody answers at {}: check queue.domain or queue.api_prefix, and that "
                           "the leaf link or the import is there",
                           url_, api_);
    complete(id, fail(ErrorCode::kUnavailable, what, true));
    return;
  }
  complete(id, std::string(natsMsg_GetData(message.get()),
                           static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))));
}

Error JetStreamConnection::explain(const ApiError& error, const std::string& stream,
                                   const std::string& consumer, const std::string& elsewhere) const {
  switch (error.err_code) {
    case ApiError::kStreamNotFound:
      return {ErrorCode::kNotFound,
              fmt::format("stream {0} does not exist on {1}{2}: {3}start what publishes to it, or create it: "
                          "nats stream add {0} --subjects=SUBJECT --storage=file --max-age=24h",
                          stream, url_, api_ == kApi ? "" : fmt::format(" ({})", api_),
                          elsewhere.empty() ? "" : elsewhere + "; else "),
              true};
    case ApiError::kConsumerNotFound:
      return {ErrorCode::kNotFound,
              fmt::format("consumer {1} of stream {0} does not exist on {2}: start a worker, or create it: "
                          "nats consumer add {0} {1} "
                          "--pull --ack=explicit --deliver=all",
                          stream, consumer, url_),
              true};
    case ApiError::kNotEnabled:
    case ApiError::kNotEnabledForAccount:
      return {ErrorCode::kUnavailable,
              fmt::format("{}: {}: start nats-server with -js, or enable JetStream for this account{}", url_,
                          error.description, behind(elsewhere)),
              true};
    default:
      break;
  }
  const bool unavailable =
      error.code == 503 || error.code == 504 || error.err_code == ApiError::kNotAvailable;
  return {unavailable         ? ErrorCode::kUnavailable
          : error.code == 404 ? ErrorCode::kNotFound
                              : ErrorCode::kInternal,
          fmt::format("{}: stream {}{}{}: {} (code {}, err_code {})", url_, stream,
                      consumer.empty() ? "" : ", consumer ", consumer, error.description, error.code,
                      error.err_code),
          true};
}

void JetStreamConnection::consumer_info(const std::string& stream, const std::string& consumer,
                                        SteadyTime deadline, Done<ConsumerInfo> done) {
  request(api(fmt::format("CONSUMER.INFO.{}.{}", stream, consumer)), "", deadline,
          [this, stream, consumer, deadline, done = std::move(done)](Result<std::string> text) {
            if (!text && text.error().code != ErrorCode::kUnavailable)
              return done(tl::unexpected(text.error()));
            if (!text) {
              const bool down = link_->state() != Link::State::kUp;
              if (down) return done(tl::unexpected(text.error()));
              return look_elsewhere(deadline, [this, error = text.error(), done] {
                done(fail(error.code, error.message + behind(elsewhere_), error.retry));
              });
            }
            auto answer = parse_consumer_info(*text, stream, consumer);
            if (!answer) return done(tl::unexpected(answer.error()));
            if (!answer->error) return done(std::move(*answer->value));
            look_elsewhere(deadline, [this, stream, consumer, error = *answer->error, done] {
              done(tl::unexpected(explain(error, stream, consumer, elsewhere_)));
            });
          });
}

std::string JetStreamConnection::api(std::string_view what) const { return fmt::format("{}.{}", api_, what); }

void JetStreamConnection::look_elsewhere(SteadyTime deadline, std::function<void()> done) {
  if (api_ != kApi || (looked_elsewhere_ && looking_.empty()))
    return done();  // who named a domain knows of domains
  looking_.push_back(std::move(done));
  if (looked_elsewhere_) return;  // the answer is under way
  looked_elsewhere_ = true;
  const auto until = std::min(deadline, steady_clock::now() + std::chrono::seconds(1));
  const auto know = [this](std::string text) {
    elsewhere_ = std::move(text);
    looked_elsewhere_ = link_->state() == Link::State::kUp;  // else it is of a connection that is gone
    for (const auto& done : std::exchange(looking_, {})) done();
  };
  request(api("INFO"), "", until, [this, until, know](const Result<std::string>& info) {
    if (auto own = info ? own_domain(*info) : std::string(); !own.empty()) return know(std::move(own));
    request("$SYS.REQ.ACCOUNT.PING.STATZ", "", until, [know](const Result<std::string>& statz) {
      know(statz ? linked_domain(*statz) : std::string());
    });
  });
}

std::string JetStreamConnection::elsewhere(Duration timeout) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto future = promise->get_future();
  loop_.post([this, promise, deadline = steady_clock::now() + timeout] {
    look_elsewhere(deadline, [this, promise] { promise->set_value(elsewhere_); });
  });
  return future.wait_for(timeout + std::chrono::seconds(5)) == std::future_status::ready ? future.get()
                                                                                         : std::string();
}

JetStreamConnection::StreamPtr JetStreamConnection::known_stream(const std::string& stream,
                                                                 const std::string& filter,
                                                                 Duration max_age) const {
  const auto it = streams_.find({stream, filter});
  if (it == streams_.end() || !it->second.info || steady_clock::now() - it->second.asked > max_age)
    return nullptr;
  return it->second.info;
}

void JetStreamConnection::stream_info(const std::string& stream, const std::string& filter, Duration max_age,
                                      SteadyTime deadline, Done<StreamPtr> done) {
  const auto now = steady_clock::now();
  if (auto known = known_stream(stream, filter, max_age)) return done(std::move(known));
  prune_streams();
  const StreamKey key{stream, filter};
  auto& entry = streams_[key];
  entry.waiters.push_back(std::move(done));
  if (entry.under_way) return;
  entry.under_way = true;
  entry.asking = now;
  std::string body;
  if (!filter.empty()) {
    body = nlohmann::json{{"subjects_filter", filter}}.dump(-1, ' ', false,
                                                            nlohmann::json::error_handler_t::replace);
  }
  request(api("STREAM.INFO." + stream), std::move(body), deadline,
          [this, key, deadline](Result<std::string> text) {
            const bool refused = [&] {
              if (!text) return false;
              const auto answer = parse_stream_info(*text, key.first);
              return answer && answer->error;
            }();
            if (!text && text.error().code == ErrorCode::kUnavailable && link_->state() == Link::State::kUp) {
              return look_elsewhere(deadline, [this, key, error = text.error()] {
                stream_answered(key, fail(error.code, error.message + behind(elsewhere_), error.retry));
              });
            }
            if (!refused) return stream_answered(key, text);
            look_elsewhere(deadline, [this, key, text] { stream_answered(key, text); });
          });
}

void JetStreamConnection::stream_answered(const StreamKey& key, const Result<std::string>& text) {
  auto& e = streams_[key];
  e.under_way = false;
  Result<StreamPtr> result = StreamPtr{};
  if (!text) {
    result = tl::unexpected(text.error());
  } else if (auto answer = parse_stream_info(*text, key.first); !answer) {
    result = tl::unexpected(answer.error());
  } else if (answer->error) {
    e.info = nullptr;
    result = tl::unexpected(explain(*answer->error, key.first, "", elsewhere_));
  } else {
    e.info = std::make_shared<const StreamInfo>(std::move(*answer->value));
    e.asked = e.asking;
    result = e.info;
  }
  const auto waiters = std::exchange(e.waiters, {});
  for (const auto& w : waiters) w(result);
}

void JetStreamConnection::forget_stream(const std::string& stream) {
  for (auto it = streams_.lower_bound({stream, ""}); it != streams_.end() && it->first.first == stream;
       ++it) {
    it->second.info = nullptr;
  }
}

void JetStreamConnection::prune_streams() {
  if (streams_.size() < kMaxStreams) return;
  const auto old = steady_clock::now() - std::chrono::seconds(60);
  std::erase_if(streams_, [&](const auto& s) { return !s.second.under_way && s.second.asked < old; });
}

Result<std::string> JetStreamConnection::call(std::string subject, std::string body, Duration timeout) {
  auto promise = std::make_shared<std::promise<Result<std::string>>>();
  auto future = promise->get_future();
  loop_.post([this, promise, subject = std::move(subject), body = std::move(body),
              deadline = steady_clock::now() + timeout] {
    request(subject, body, deadline, [promise](Result<std::string> r) { promise->set_value(std::move(r)); });
  });
  if (future.wait_for(timeout + std::chrono::seconds(5)) != std::future_status::ready) {
    return fail(ErrorCode::kTimeout, fmt::format("{}: no answer in time", url_), true);
  }
  return future.get();
}

std::string JetStreamConnection::connected_to(Duration timeout) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto future = promise->get_future();
  loop_.post([this, promise] { promise->set_value(link_->connected_to()); });
  return future.wait_for(timeout) == std::future_status::ready ? future.get() : std::string{};
}

}  // namespace docktor
