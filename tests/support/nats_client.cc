#include "tests/support/nats_client.h"

#include <fmt/format.h>

#include <stdexcept>
#include <thread>

#include "tests/support/patience.h"

namespace docktor::test {
namespace {

void need(natsStatus s, std::string_view what) {
  if (s != NATS_OK) throw std::runtime_error(fmt::format("{}: {}", what, natsStatus_GetText(s)));
}

struct Message {
  natsMsg* m = nullptr;
  ~Message() { natsMsg_Destroy(m); }
  std::string data() const {
    return {natsMsg_GetData(m), static_cast<std::size_t>(natsMsg_GetDataLength(m))};
  }
};

struct Sub {
  natsSubscription* s = nullptr;
  ~Sub() { natsSubscription_Destroy(s); }
};

constexpr std::int64_t kRequestMs = 30'000;

}  // namespace

NatsClient::NatsClient(const std::string& url, const std::function<void(natsOptions*)>& adjust) {
  natsOptions* o = nullptr;
  need(natsOptions_Create(&o), "options");
  const std::unique_ptr<natsOptions, void (*)(natsOptions*)> guard(o, &natsOptions_Destroy);
  need(natsOptions_SetURL(o, url.c_str()), url);
  need(natsOptions_SetSendAsap(o, true), "options");
  need(natsOptions_SetMaxReconnect(o, -1), "options");
  need(natsOptions_SetReconnectWait(o, 20), "options");
  need(natsOptions_SetTimeout(o, 10'000), "options");
  if (adjust) adjust(o);
  natsConnection* nc = nullptr;
  natsStatus s = NATS_ERR;
  eventually([&] {
    s = natsConnection_Connect(&nc, o);
    return s == NATS_OK;
  });
  need(s, "connect to " + url);
  nc_.reset(nc);
}

NatsClient::~NatsClient() = default;

NatsClient::Json NatsClient::api(const std::string& subject, const Json& body) {
  const std::string text = body.is_null() ? "" : body.dump();
  Message m;
  natsStatus s = NATS_ERR;
  eventually([&] {
    s = natsConnection_Request(&m.m, nc_.get(), subject.c_str(), text.data(), static_cast<int>(text.size()),
                               kRequestMs);
    if (s == NATS_NO_RESPONDERS || s == NATS_CONNECTION_DISCONNECTED) return false;  // it starts
    return true;
  });
  need(s, subject);
  return Json::parse(m.data());
}

NatsClient::Json NatsClient::must(const std::string& subject, const Json& body) {
  auto answer = api(subject, body);
  if (answer.contains("error"))
    throw std::runtime_error(fmt::format("{}: {}", subject, answer["error"].dump()));
  return answer;
}

void NatsClient::delete_consumer(const std::string& stream, const std::string& name) {
  const std::string subject = "$JS.API.CONSUMER.DELETE." + stream + "." + name;
  Json answer;
  bool again = false;
  eventually([&] {
    answer = api(subject);
    const auto error = answer.value("error", Json::object());
    if (again && error.value("code", 0) == 404) answer.erase("error");
    again = error.value("description", "").find("not empty") != std::string::npos;
    return !again;
  });
  if (answer.contains("error"))
    throw std::runtime_error(fmt::format("{}: {}", subject, answer["error"].dump()));
}

NatsClient::Json NatsClient::create_stream(const std::string& name, const std::vector<std::string>& subjects,
                                           const Json& more) {
  Json config = {{"name", name}, {"subjects", subjects}, {"num_replicas", 1}};
  if (subjects.empty()) config.erase("subjects");
  config.update(more);
  return must("$JS.API.STREAM.CREATE." + name, config);
}

NatsClient::Json NatsClient::update_stream(const std::string& name, const std::vector<std::string>& subjects,
                                           const Json& more) {
  Json config = {{"name", name}, {"subjects", subjects}, {"num_replicas", 1}};
  config.update(more);
  return must("$JS.API.STREAM.UPDATE." + name, config);
}

NatsClient::Json NatsClient::create_consumer(const std::string& stream, const std::string& name,
                                             const Json& more) {
  Json config = {{"durable_name", name}, {"ack_policy", "explicit"}};
  config.update(more);
  for (auto it = config.begin(); it != config.end();) it = it->is_null() ? config.erase(it) : std::next(it);
  if (config.contains("durable_name") && !config.contains("filter_subjects")) {
    return must(fmt::format("$JS.API.CONSUMER.DURABLE.CREATE.{}.{}", stream, name),
                {{"stream_name", stream}, {"config", config}});
  }
  config["name"] = name;
  return must(fmt::format("$JS.API.CONSUMER.CREATE.{}.{}", stream, name),
              {{"stream_name", stream}, {"config", config}});
}

std::uint64_t NatsClient::publish(const std::string& subject, std::string_view data, const std::string& id) {
  Message out, answer;
  need(natsMsg_Create(&out.m, subject.c_str(), nullptr, data.data(), static_cast<int>(data.size())),
       "message");
  if (!id.empty()) need(natsMsgHeader_Set(out.m, "Nats-Msg-Id", id.c_str()), "header");
  need(natsConnection_RequestMsg(&answer.m, nc_.get(), out.m, kRequestMs), "publish " + subject);
  const auto ack = Json::parse(answer.data());
  if (ack.contains("error")) throw std::runtime_error(fmt::format("publish {}: {}", subject, ack.dump()));
  return ack.at("seq").get<std::uint64_t>();
}

void NatsClient::publish_many(const std::string& subject, int count) {
  natsInbox* inbox = nullptr;
  need(natsInbox_Create(&inbox), "inbox");
  const std::unique_ptr<char, void (*)(char*)> guard(inbox, &natsInbox_Destroy);
  Sub sub;
  need(natsConnection_SubscribeSync(&sub.s, nc_.get(), inbox), "inbox");
  need(natsSubscription_SetPendingLimits(sub.s, -1, -1), "inbox");
  constexpr int kAtOnce = 500;
  for (int sent = 0, acked = 0; acked < count;) {
    for (; sent < count && sent < acked + kAtOnce; ++sent) {
      need(natsConnection_PublishRequest(nc_.get(), subject.c_str(), inbox, "x", 1), "publish " + subject);
    }
    Message m;
    need(natsSubscription_NextMsg(&m.m, sub.s, kRequestMs), "publish " + subject);
    if (natsMsg_IsNoResponders(m.m) || m.data().find("\"error\"") != std::string::npos) {
      throw std::runtime_error(
          fmt::format("publish {}: {}", subject, natsMsg_IsNoResponders(m.m) ? "no stream" : m.data()));
    }
    ++acked;
  }
}

void NatsClient::publish_core(const std::string& subject, std::string_view data) {
  need(natsConnection_Publish(nc_.get(), subject.c_str(), data.data(), static_cast<int>(data.size())),
       "publish " + subject);
  flush();
}

std::vector<Delivered> NatsClient::pull(const std::string& stream, const std::string& consumer, int batch,
                                        std::chrono::milliseconds wait) {
  natsInbox* inbox = nullptr;
  need(natsInbox_Create(&inbox), "inbox");
  const std::unique_ptr<char, void (*)(char*)> guard(inbox, &natsInbox_Destroy);
  Sub sub;
  need(natsConnection_SubscribeSync(&sub.s, nc_.get(), inbox), "inbox");
  Json body = {{"batch", batch}};
  if (wait.count() > 0)
    body["expires"] = std::chrono::nanoseconds(wait).count();
  else
    body["no_wait"] = true;
  const std::string text = body.dump();
  need(natsConnection_PublishRequest(nc_.get(),
                                     fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream, consumer).c_str(),
                                     inbox, text.data(), static_cast<int>(text.size())),
       "pull");
  std::vector<Delivered> out;
  while (static_cast<int>(out.size()) < batch) {
    Message m;
    const auto s = natsSubscription_NextMsg(&m.m, sub.s, wait.count() + kRequestMs);
    if (s == NATS_TIMEOUT || s == NATS_CONNECTION_DISCONNECTED) break;
    need(s, "pull");
    const char* status = nullptr;
    if (natsMsgHeader_Get(m.m, "Status", &status) == NATS_OK) break;  // no more now
    out.push_back({natsMsg_GetSubject(m.m), m.data(), natsMsg_GetReply(m.m)});
  }
  return out;
}

void NatsClient::settle(const Delivered& d, const char* word) {
  Message m;
  need(natsConnection_RequestString(&m.m, nc_.get(), d.reply.c_str(), word, kRequestMs), word);
}
void NatsClient::ack(const Delivered& m) { settle(m, "+ACK"); }
void NatsClient::nak(const Delivered& m) { settle(m, "-NAK"); }
void NatsClient::term(const Delivered& m) { settle(m, "+TERM"); }
void NatsClient::flush() { need(natsConnection_FlushTimeout(nc_.get(), kRequestMs), "flush"); }

}  // namespace docktor::test
