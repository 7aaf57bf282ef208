// A plain NATS client for tests: streams, consumers, publishing, pulling. Failures throw; a test need not
// ask.
#pragma once

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace docktor::test {

/// A message of a consumer. `reply` is where its acknowledgement goes.
struct Delivered {
  std::string subject;
  std::string data;
  std::string reply;
};

/// Not thread-safe; one per thread.
class NatsClient {
 public:
  using Json = nlohmann::json;
  /// Waits for the server. `adjust` may set credentials or TLS.
  explicit NatsClient(const std::string& url, const std::function<void(natsOptions*)>& adjust = {});
  ~NatsClient();
  NatsClient(const NatsClient&) = delete;
  NatsClient& operator=(const NatsClient&) = delete;

  natsConnection* get() { return nc_.get(); }

  /// A JetStream API request; the answer, errors included. Waits while JetStream does not answer (a server
  /// that starts).
  Json api(const std::string& subject, const Json& body = nullptr);
  /// As api(), but an answer with an error throws.
  Json must(const std::string& subject, const Json& body = nullptr);

  /// {"retention":"workqueue"} and the like are merged into the stream's configuration.
  Json create_stream(const std::string& name, const std::vector<std::string>& subjects,
                     const Json& more = Json::object());
  Json update_stream(const std::string& name, const std::vector<std::string>& subjects,
                     const Json& more = Json::object());
  /// A durable pull consumer with explicit acks unless `more` says otherwise.
  Json create_consumer(const std::string& stream, const std::string& name, const Json& more = Json::object());
  void delete_stream(const std::string& name) { must("$JS.API.STREAM.DELETE." + name); }
  /// Asks again where nats-server 2.9 fails to remove the files of a consumer that it is just writing to
  /// ("directory not empty"): the consumer is gone then, or half gone.
  void delete_consumer(const std::string& stream, const std::string& name);
  void purge(const std::string& stream) { must("$JS.API.STREAM.PURGE." + stream); }
  Json consumer(const std::string& stream, const std::string& name) {
    return must("$JS.API.CONSUMER.INFO." + stream + "." + name);
  }
  Json stream(const std::string& name) { return must("$JS.API.STREAM.INFO." + name); }

  /// Stores one message and waits for the stream's word; its sequence. `id` is the duplicate-detection
  /// header.
  std::uint64_t publish(const std::string& subject, std::string_view data = "x", const std::string& id = {});
  /// Stores `count` messages, many at a time; all are stored when it returns.
  void publish_many(const std::string& subject, int count);
  void publish_core(const std::string& subject, std::string_view data = "x");

  /// What one pull gives: up to `batch` messages, fewer when there are no more now.
  std::vector<Delivered> pull(const std::string& stream, const std::string& consumer, int batch,
                              std::chrono::milliseconds wait = std::chrono::milliseconds(0));
  void ack(const Delivered& m);   ///< waits until the server has it
  void nak(const Delivered& m);   ///< as ack()
  void term(const Delivered& m);  ///< as ack()
  void flush();

 private:
  struct Closer {
    void operator()(natsConnection* nc) const { natsConnection_Destroy(nc); }
  };
  void settle(const Delivered& m, const char* word);
  std::unique_ptr<natsConnection, Closer> nc_;
};

}  // namespace docktor::test
