#include "docktor/requester.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "os/gate.h"
#include "provisioner/connection_impl.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

// Deadlines are looked at this often. A request that waits on its own account knows its deadline exactly.
constexpr std::chrono::milliseconds kSweep{20};

struct MessageOwner {
  void operator()(natsMsg* m) const { natsMsg_Destroy(m); }
};
using OwnMessage = std::unique_ptr<natsMsg, MessageOwner>;

}  // namespace

class Requester::Impl {
 public:
  explicit Impl(Connection connection)
      : connection_(std::move(connection)), inbox_(fmt::format("_INBOX.{}.", unique_name())) {}

  Result<void> open() {
    auto sub =
        subscribe_on(connection_.impl()->nc(), inbox_ + "*", 0,
                     [this, gate = gate_](const NatsMessage& m) { gate->pass([&] { answered(m.get()); }); });
    if (!sub) return sub.error();
    subscription_ = std::move(*sub);
    return {};
  }

  void close() {
    subscription_ = {};
    gate_->close();
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.notify_all();
    if (sweeper_.joinable()) sweeper_.join();
    std::map<std::uint64_t, Pending> left;
    {
      const std::lock_guard lock(mutex_);
      left.swap(pending_);
    }
    for (auto& [token, p] : left) p.done(fail(ErrorCode::kUnavailable, "the requester was closed", true));
  }

  // A request with the id of one whose time was over goes by that one's token: whichever try was stored, the
  // answer comes to it.
  void send(const std::string& subject, std::string_view data, const RequestOptions& o, Done done) {
    std::uint64_t token = 0;
    std::optional<std::string> answer;
    Done answered;  // where the answer is there already
    {
      const std::lock_guard lock(mutex_);
      token = next_token_++;
      if (const auto it = o.id.empty() ? overdue_.end() : overdue_.find(o.id); it != overdue_.end()) {
        token = it->second.token;
        answer = std::move(it->second.answer);
        ids_.erase(token);
        overdue_.erase(it);
      }
      if (answer) {
        answered = std::move(done);
      } else {
        pending_.emplace(token, Pending{std::move(done), steady_clock::now() + o.timeout, o.id});
        if (!sweeper_.joinable()) sweeper_ = std::thread([this] { sweep(); });
      }
    }
    if (answer) return answered(std::move(*answer));
    if (auto r = publish(subject, data, o.id, token); !r) finish(token, r.error());
  }

  Result<std::string> request(const std::string& subject, std::string_view data, const RequestOptions& o) {
    struct Waiter {
      std::mutex mutex;
      std::condition_variable ready;
      std::optional<Result<std::string>> result;
    };
    const auto waiter = std::make_shared<Waiter>();
    send(subject, data, o, [waiter](Result<std::string> r) {
      const std::lock_guard lock(waiter->mutex);
      waiter->result = std::move(r);
      waiter->ready.notify_one();
    });
    std::unique_lock lock(waiter->mutex);
    waiter->ready.wait(lock, [&] { return waiter->result.has_value(); });
    return std::move(*waiter->result);
  }

 private:
  struct Pending {
    Done done;
    steady_clock::time_point deadline;
    std::string id;
  };
  struct Overdue {  // nobody answered in time; it may be tried again
    std::uint64_t token = 0;
    std::optional<std::string> answer;  // it came later
  };
  static constexpr std::size_t kMaxOverdue = 4096;

  Result<void> publish(const std::string& subject, std::string_view data, const std::string& id,
                       std::uint64_t token) {
    natsMsg* raw = nullptr;
    natsStatus s = natsMsg_Create(&raw, subject.c_str(), nullptr, data.data(), static_cast<int>(data.size()));
    const OwnMessage message(raw);
    if (s == NATS_OK) s = natsMsgHeader_Set(raw, kReplyHeader, fmt::format("{}{}", inbox_, token).c_str());
    if (s == NATS_OK && !id.empty()) s = natsMsgHeader_Set(raw, "Nats-Msg-Id", id.c_str());
    if (s == NATS_OK) s = natsConnection_PublishMsg(connection_.impl()->nc(), raw);
    if (s == NATS_OK) return {};
    const auto code =
        s == NATS_INVALID_ARG || s == NATS_INVALID_SUBJECT ? ErrorCode::kInvalid : ErrorCode::kUnavailable;
    return fail(code, fmt::format("{} was not sent: {}", subject, natsStatus_GetText(s)), true);
  }

  void answered(natsMsg* m) {
    std::string_view token_text = natsMsg_GetSubject(m);
    token_text.remove_prefix(std::min(token_text.size(), inbox_.size()));
    std::uint64_t token = 0;
    if (std::from_chars(token_text.data(), token_text.data() + token_text.size(), token).ec != std::errc{})
      return;
    finish(token, std::string(natsMsg_GetData(m), static_cast<std::size_t>(natsMsg_GetDataLength(m))));
  }

  void finish(std::uint64_t token, Result<std::string> result) {
    Done done;
    {
      const std::lock_guard lock(mutex_);
      auto node = pending_.extract(token);
      if (node.empty()) {  // a second answer, or a late one: the next try of its id takes that
        const auto id = ids_.find(token);
        if (id != ids_.end() && result) overdue_[id->second].answer = std::move(*result);
        return;
      }
      const std::string& id = node.mapped().id;
      const bool late = !result && result.error().code == ErrorCode::kTimeout;
      if (!id.empty() && late && overdue_.size() < kMaxOverdue) {
        overdue_[id] = {token, {}};
        ids_[token] = id;
      }
      done = std::move(node.mapped().done);
    }
    done(std::move(result));
  }

  void sweep() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
      wake_.wait_for(lock, kSweep, [this] { return closed_; });
      const auto now = steady_clock::now();
      std::vector<std::uint64_t> late;
      for (const auto& [token, p] : pending_) {
        if (p.deadline <= now) late.push_back(token);
      }
      lock.unlock();
      for (const auto token : late) {
        finish(
            token,
            fail(ErrorCode::kTimeout,
                 "no answer in time: no handler runs, all are busy, or no stream stores the subject", true));
      }
      lock.lock();
    }
  }

  const Connection connection_;
  const std::string inbox_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::uint64_t, Pending> pending_;
  std::map<std::string, Overdue> overdue_;    // by id
  std::map<std::uint64_t, std::string> ids_;  // of those, by token
  std::uint64_t next_token_ = 0;
  bool closed_ = false;
  std::thread sweeper_;
  NatsSubscription subscription_;
};

Requester::Requester(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Requester::~Requester() { impl_->close(); }

Result<std::unique_ptr<Requester>> Requester::create(const Connection& connection) {
  auto impl = std::make_shared<Impl>(connection);
  if (auto r = impl->open(); !r) return r.error();
  return std::unique_ptr<Requester>(new Requester(std::move(impl)));
}

Result<std::string> Requester::request(const std::string& subject, std::string_view data,
                                       const RequestOptions& options) {
  return impl_->request(subject, data, options);
}

void Requester::send(const std::string& subject, std::string_view data, const RequestOptions& options,
                     Done done) {
  impl_->send(subject, data, options, std::move(done));
}

}  // namespace docktor
