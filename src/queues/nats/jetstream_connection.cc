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

// "", "; its JetStream is domain edge: ..."
std::string behind(const std::string& elsewhere) { return elsewhere.empty() ? "" : "; " + elsewhere; }

}  // namespace

JetStreamConnection::JetStreamConnection(std::string shown_url, MakeLink make, std::string api)
    : url_(std::move(shown_url)),
      api_(std::move(api)),
      elsewhere_(api_ == kApi ? Elsewhere::Ask([this](const char* subject, SteadyTime deadline, auto answer) {
                   request(subject, "", deadline, std::move(answer));
                 })
                              : Elsewhere::Ask(),
                 [this] { return link_->state() == Link::State::kUp; }),
      loop_(nats_ReleaseThreadMemory) {
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
  elsewhere_.forget();
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
              return elsewhere_.look(deadline, [this, error = text.error(), done] {
                done(fail(error.code, error.message + behind(elsewhere_.text()), error.retry));
              });
            }
            auto answer = parse_consumer_info(*text, stream, consumer);
            if (!answer) return done(tl::unexpected(answer.error()));
            if (!answer->error) return done(std::move(*answer->value));
            elsewhere_.look(deadline, [this, stream, consumer, error = *answer->error, done] {
              done(tl::unexpected(explain(error, stream, consumer, elsewhere_.text())));
            });
          });
}

std::string JetStreamConnection::api(std::string_view what) const { return fmt::format("{}.{}", api_, what); }

std::string JetStreamConnection::elsewhere(Duration timeout) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto future = promise->get_future();
  loop_.post([this, promise, deadline = steady_clock::now() + timeout] {
    elsewhere_.look(deadline, [this, promise] { promise->set_value(elsewhere_.text()); });
  });
  return future.wait_for(timeout + std::chrono::seconds(5)) == std::future_status::ready ? future.get()
                                                                                         : std::string();
}

void JetStreamConnection::stream_info(const std::string& stream, const std::string& filter, Duration max_age,
                                      SteadyTime deadline, StreamCache::Done done) {
  const StreamCache::Key key{stream, filter};
  if (!streams_.must_ask(key, max_age, std::move(done))) return;
  std::string body;
  if (!filter.empty()) {
    body = nlohmann::json{{"subjects_filter", filter}}.dump(-1, ' ', false,
                                                            nlohmann::json::error_handler_t::replace);
  }
  request(api("STREAM.INFO." + stream), std::move(body), deadline,
          [this, key, deadline](const Result<std::string>& text) {
            if (!text && text.error().code == ErrorCode::kUnavailable && link_->state() == Link::State::kUp) {
              return elsewhere_.look(deadline, [this, key, error = text.error()] {
                streams_.put(key, fail(error.code, error.message + behind(elsewhere_.text()), error.retry),
                             false);
              });
            }
            if (!text) return streams_.put(key, tl::unexpected(text.error()), false);
            auto answer = parse_stream_info(*text, key.first);
            if (!answer) return streams_.put(key, tl::unexpected(answer.error()), false);
            if (!answer->error) return streams_.put(key, std::move(*answer->value), false);
            elsewhere_.look(deadline, [this, key, error = *answer->error] {
              streams_.put(key, tl::unexpected(explain(error, key.first, "", elsewhere_.text())), true);
            });
          });
}

void JetStreamConnection::forget_stream(const std::string& stream) { streams_.forget(stream); }

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
