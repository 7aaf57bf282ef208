// The real daemon with a nats-server, and a Deployment whose pods run the real worker.
#pragma once

#include <fmt/format.h>

#include "tests/daemon/sandbox.h"
#include "tests/kubernetes/stage.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {

class KubernetesWorkerTest : public KubernetesTest {
 protected:
  void SetUp() override {
    KubernetesTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS", NatsClient::Json::object());
  }

  /// Deployment "consumer", whose workers take so long for a message and keep account of them in the sandbox.
  void deploy(const Sandbox& box, int replicas, int ms) const {
    kubectl(
        "apply -f -",
        manifest({.name = "consumer",
                  .replicas = replicas,
                  .command = fmt::format("[{}]", DOCKTOR_WORKER),
                  .container = fmt::format(
                      ", env: [{{name: NATS_URL, value: \"{}\"}}, {{name: CONSUMER, value: WEB_WORKERS}}, "
                      "{{name: PROCESS_TIME_MS, value: \"{}\"}}, {{name: RECORD_FILE, value: \"{}\"}}]",
                      server.url(), ms, box.record_file())}));
  }

  NatsServer server;
};

}  // namespace docktor::test
