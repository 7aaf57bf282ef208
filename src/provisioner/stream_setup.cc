#include "docktor/stream_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "provisioner/connection_impl.h"
#include "queues/nats/jetstream_source.h"
#include "queues/nats/subjects.h"

namespace docktor {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

std::int64_t ns(std::chrono::milliseconds d) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

// One set-up: a few requests, each with what is left of the time.
class SetUp {
 public:
  SetUp(const Connection& connection, const StreamSetup& wanted, std::chrono::milliseconds timeout)
      : impl_(*connection.impl()), wanted_(wanted), deadline_(steady_clock::now() + timeout) {}

  Result<void> stream() {
    auto text = call("STREAM.INFO." + wanted_.stream, "");
    if (!text) return text.error();
    auto info = parse_stream_info(*text, wanted_.stream);
    if (!info) return info.error();
    if (info->error && info->error->err_code == ApiError::kStreamNotFound) {
      const json config = {{"name", wanted_.stream},
                           {"subjects", wanted_.subjects},
                           {"retention", "interest"},
                           {"storage", wanted_.in_memory ? "memory" : "file"},
                           {"duplicate_window", ns(wanted_.duplicate_window)}};
      text = call("STREAM.CREATE." + wanted_.stream, config.dump());
      if (!text) return text.error();
      info = parse_stream_info(*text, wanted_.stream);
      if (!info) return info.error();
    }
    if (info->error) return impl_.api()->explain(*info->error, wanted_.stream, "");
    if (info->value->retention != Retention::kInterest) {
      return fail(
          ErrorCode::kConflict,
          fmt::format("stream {} exists, and its retention is not interest: with another one a message "
                      "stays, or goes before every consumer has it; take another name, or use that "
                      "stream as it is without set_up()",
                      wanted_.stream));
    }
    return {};
  }

  // `ack`: "explicit" or "all".
  Result<void> consumer(const std::string& name, const char* ack, const json& more) {
    auto info = look(name);
    if (!info) return info.error();
    if (info->error && info->error->err_code == ApiError::kConsumerNotFound) {
      json config = {{"durable_name", name}, {"ack_policy", ack}};
      config.update(more);
      const json body = {{"stream_name", wanted_.stream}, {"config", config}};
      const auto text = call(fmt::format("CONSUMER.DURABLE.CREATE.{}.{}", wanted_.stream, name), body.dump());
      if (!text) return text.error();
      info = parse_consumer_info(*text, wanted_.stream, name);
      if (!info) return info.error();
    }
    if (info->error) return impl_.api()->explain(*info->error, wanted_.stream, name);
    return fit(name, ack, *info->value);
  }

 private:
  Result<ApiAnswer<ConsumerInfo>> look(const std::string& name) {
    const auto text = call(fmt::format("CONSUMER.INFO.{}.{}", wanted_.stream, name), "");
    if (!text) return text.error();
    return parse_consumer_info(*text, wanted_.stream, name);
  }

  Result<void> fit(const std::string& name, const char* ack, const ConsumerInfo& info) {
    std::string why;
    if (!info.deliver_subject.empty())
      why = "it is a push consumer, from which nobody can pull";
    else if (info.ack_policy != ack)
      why = fmt::format("its ack policy is {}, and {} is needed", info.ack_policy, ack);
    else
      why = why_unfit_for_zero(info, name);
    if (why.empty()) return {};
    return fail(ErrorCode::kConflict,
                fmt::format("consumer {} of stream {} exists, but {}; delete it, or take "
                            "another name",
                            name, wanted_.stream, why));
  }

  Result<std::string> call(const std::string& what, std::string body) {
    const auto left = std::max<Duration>(deadline_ - steady_clock::now(), std::chrono::milliseconds(1));
    return impl_.call("$JS.API." + what, std::move(body), left);
  }

  Connection::Impl& impl_;
  const StreamSetup& wanted_;
  const steady_clock::time_point deadline_;
};

}  // namespace

Result<void> set_up(const Connection& connection, const StreamSetup& setup,
                    std::chrono::milliseconds timeout) {
  for (const auto& name : {setup.stream, setup.consumer, setup.watcher.empty() ? "none" : setup.watcher}) {
    if (!is_api_token(name)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{:?} cannot be the name of a stream or consumer: not empty, no space, dot, *, > "
                      "or slash",
                      name));
    }
  }
  if (setup.subjects.empty())
    return fail(ErrorCode::kInvalid, fmt::format("stream {} needs a subject to store", setup.stream));
  SetUp work(connection, setup, timeout);
  if (auto r = work.stream(); !r) return r;
  json more = {{"ack_wait", ns(setup.ack_wait)}, {"max_deliver", setup.max_deliver}};
  if (setup.max_ack_pending > 0) more["max_ack_pending"] = setup.max_ack_pending;
  if (auto r = work.consumer(setup.consumer, "explicit", more); !r) return r;
  if (setup.watcher.empty()) return {};
  return work.consumer(setup.watcher, "all", {{"headers_only", true}, {"deliver_policy", "new"}});
}

}  // namespace docktor
