#include "tests/sqs/elasticmq.h"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

#include "os/http_client.h"

namespace docktor::test {

void ElasticMq::start() {
  child_.start(
      [&](int port) {
        const auto config = dir_.file(
            "c.conf",
            fmt::format(
                "include classpath(\"application.conf\")\n"
                "node-address {{protocol = http, host = \"127.0.0.1\", port = {0}, context-path = \"\"}}\n"
                "rest-sqs {{enabled = true, bind-port = {0}, bind-hostname = \"127.0.0.1\", sqs-limits = "
                "strict}}\n"
                "rest-stats {{enabled = false}}\n",
                port));
        return std::vector<std::string>{"java",
                                        "-Xmx256m",
                                        "-XX:TieredStopAtLevel=1",
                                        "-XX:+UseSerialGC",
                                        "-Dconfig.file=" + config,
                                        "-cp",
                                        DOCKTOR_ELASTICMQ "/lib/*",
                                        "org.elasticmq.server.Main"};
      },
      [&] {
        HttpClient client({.base_url = url()});
        return client.send({.path = "/?Action=ListQueues", .timeout = std::chrono::seconds(5)}).has_value();
      });
}

std::string ElasticMq::url() const { return fmt::format("http://127.0.0.1:{}", child_.port()); }
std::string ElasticMq::queue(const std::string& name) const {
  return fmt::format("{}/000000000000/{}", url(), name);
}

ElasticMq::Json ElasticMq::call(const std::string& action, const Json& body) const {
  HttpClient client({.base_url = url()});
  const auto r = client.send({.method = "POST",
                              .path = "/",
                              .body = body.dump(),
                              .content_type = "application/x-amz-json-1.0",
                              .headers = {"X-Amz-Target: AmazonSQS." + action},
                              .timeout = std::chrono::seconds(30)});
  if (!r || r->status != 200) throw std::runtime_error(action + ": " + (r ? r->body : r.error().message));
  return r->body.empty() ? Json() : Json::parse(r->body);
}

void ElasticMq::create(const std::string& name, const Json& attributes) const {
  call("CreateQueue", {{"QueueName", name}, {"Attributes", attributes}});
}

void ElasticMq::send(const std::string& name, int count) const {
  for (int sent = 0; sent < count;) {
    auto entries = Json::array();
    for (int i = 0; i < 10 && sent < count; ++i, ++sent)
      entries.push_back({{"Id", std::to_string(i)}, {"MessageBody", std::to_string(sent)}});
    call("SendMessageBatch", {{"QueueUrl", queue(name)}, {"Entries", entries}});
  }
}

std::string ElasticMq::receive(const std::string& name) const {
  const auto r = call("ReceiveMessage", {{"QueueUrl", queue(name)}, {"MaxNumberOfMessages", 1}});
  const auto messages = r.value("Messages", Json::array());
  return messages.empty() ? "" : messages[0]["ReceiptHandle"].get<std::string>();
}

void ElasticMq::remove(const std::string& name, const std::string& receipt) const {
  call("DeleteMessage", {{"QueueUrl", queue(name)}, {"ReceiptHandle", receipt}});
}

}  // namespace docktor::test
