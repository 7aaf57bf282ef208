#include "bench/provisioner_bare.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

namespace docktor::bench {
namespace {

constexpr const char* kPull = "$JS.API.CONSUMER.MSG.NEXT.TEST.PROCESSOR";
constexpr std::string_view kPullBody = R"({"batch":5,"expires":1000000000})";
constexpr const char* kInbox = "Bare-Reply";

void need(natsStatus s, const char* what) {
  if (s == NATS_OK) return;
  fmt::print(stderr, "provisioner_bench: {}: {}\n", what, natsStatus_GetText(s));
  std::exit(1);
}

natsConnection* connect(const std::string& url) {
  natsOptions* o = nullptr;
  need(natsOptions_Create(&o), "options");
  need(natsOptions_SetURL(o, url.c_str()), "url");
  need(natsOptions_SetSendAsap(o, true), "options");
  natsConnection* nc = nullptr;
  need(natsConnection_Connect(&nc, o), "connect");
  natsOptions_Destroy(o);
  return nc;
}

void publish(natsConnection* nc, const char* subject, std::string_view data) {
  need(natsConnection_Publish(nc, subject, data.data(), static_cast<int>(data.size())), "publish");
}

}  // namespace

Bare::Bare(const std::string& url, int handlers) : handlers_(connect(url)), load_(connect(url)) {
  need(natsConnection_SubscribeSync(&answers_, load_, "_INBOX.bare.answers"), "subscribe");
  need(natsConnection_Flush(load_), "flush");
  for (int i = 0; i < handlers; ++i) threads_.emplace_back([this, i] { handle(i); });
}

Bare::~Bare() {
  stop_ = true;
  for (auto& t : threads_) t.join();
  natsSubscription_Destroy(answers_);
  natsConnection_Destroy(load_);
  natsConnection_Destroy(handlers_);
}

void Bare::handle(int number) {
  const std::string inbox = fmt::format("_INBOX.bare.{}", number);
  natsSubscription* sub = nullptr;
  need(natsConnection_SubscribeSync(&sub, handlers_, inbox.c_str()), "subscribe");
  int outstanding = 0;
  while (!stop_) {
    if (outstanding <= 0) {
      need(natsConnection_PublishRequest(handlers_, kPull, inbox.c_str(), kPullBody.data(),
                                         static_cast<int>(kPullBody.size())),
           "pull");
      outstanding = 5;
    }
    natsMsg* m = nullptr;
    if (natsSubscription_NextMsg(&m, sub, 1100) != NATS_OK || inbox == natsMsg_GetSubject(m)) {
      outstanding = 0;  // the pull is over
    } else {
      --outstanding;
      const char* answer_to = nullptr;
      need(natsMsgHeader_Get(m, kInbox, &answer_to), "header");
      publish(handlers_, answer_to, "");
      publish(handlers_, natsMsg_GetReply(m), "+ACK");
    }
    natsMsg_Destroy(m);
  }
  natsSubscription_Destroy(sub);
  nats_ReleaseThreadMemory();
}

double Bare::run(int requests, int in_flight) {
  const auto t0 = std::chrono::steady_clock::now();
  for (int open = 0, answered = 0; answered < requests; ++answered, --open) {
    for (; open < in_flight && answered + open < requests; ++open) {
      natsMsg* m = nullptr;
      need(natsMsg_Create(&m, "test.a", nullptr, "x", 1), "message");
      need(natsMsgHeader_Set(m, kInbox, "_INBOX.bare.answers"), "header");
      need(natsMsgHeader_Set(m, "Nats-Msg-Id", fmt::format("bare.{}", sent_++).c_str()), "header");
      need(natsConnection_PublishMsg(load_, m), "publish");
      natsMsg_Destroy(m);
    }
    natsMsg* m = nullptr;
    need(natsSubscription_NextMsg(&m, answers_, 30'000), "answer");
    natsMsg_Destroy(m);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
}

}  // namespace docktor::bench
