// The NATS by Example auto-scaler with docktor's library: two batches of requests, and threads that come and
// go with them. Only include/docktor is used.
//
//   provisioner [--url nats://host:4222] [--requests 10000] [--law rate|objective]
//
// Without --url (or NATS_URL) it starts a nats-server of its own. Its stream is TEST.
#include <docktor/docktor.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "private_server.h"

namespace {

using Clock = std::chrono::steady_clock;

// One line, with the time before it, as Go's log package writes it. Thread-safe.
[[gnu::format(printf, 1, 2)]] void log(const char* format, ...) {
  char line[1024], when[32];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::strftime(when, sizeof when, "%Y/%m/%d %H:%M:%S", &local);
  printf("%s %s\n", when, line);
  fflush(stdout);
}

void log_event(const docktor::ProvisionerEvent& e) {
  using Kind = docktor::ProvisionerEvent::Kind;
  switch (e.kind) {
    case Kind::kNewMessages:
      return log("provisioner: new message observed");
    case Kind::kNoMessages:
      return log("provisioner: no new messages");
    case Kind::kScaling:
      return log("provisioner: scaling: %d -> %d", e.from, e.to);
    case Kind::kStarted:
      return log("provisioner: instance %s started", e.instance.c_str());
    case Kind::kStopped:
      return log("provisioner: instance %s stopped", e.instance.c_str());
    case Kind::kTrouble:
      return log("provisioner: error: %s", e.reason.c_str());
    case Kind::kStopping:
      return log("provisioner: stopping: %s", e.reason.c_str());
  }
}

std::string seconds_since(Clock::time_point t0) {
  char text[32];
  snprintf(text, sizeof text, "%.6fs", std::chrono::duration<double>(Clock::now() - t0).count());
  return text;
}

void send_batch(docktor::Requester& requester, int batch, int requests) {
  for (int i = 0; i < requests; ++i) {
    // With the same id a retry is never worked on twice, and takes the answer to whichever try was stored.
    const std::string id = std::to_string(Clock::now().time_since_epoch().count()) + "." + std::to_string(i);
    while (true) {
      const auto answer =
          requester.request("test.request", "", {.timeout = std::chrono::seconds(1), .id = id});
      if (answer) break;
      log("batch %d: %d: %s, retrying...", batch, i, answer.error().message.c_str());
    }
  }
}

int failed(const docktor::Error& error) {
  fprintf(stderr, "provisioner: %s\n", error.message.c_str());
  return 1;
}

int run(const std::string& url, int requests, bool rate_law) {
  const auto connection = docktor::Connection::connect(url);
  if (!connection) return failed(connection.error());

  // An interest-based stream holds a message only until all its consumers have acknowledged it. PROCESSOR
  // tracks the handlers that do the work; PROVISIONER watches the stream, and only the rate law needs it.
  const auto ready = docktor::set_up(*connection, {.stream = "TEST",
                                                   .subjects = {"test.*"},
                                                   .consumer = "PROCESSOR",
                                                   .watcher = rate_law ? "PROVISIONER" : ""});
  if (!ready) return failed(ready.error());

  docktor::ThreadProvisionerOptions options;
  options.on_end = [](const docktor::InstanceId& id, std::uint64_t processed) {
    log("instance %s: processed %llu messages", id.c_str(), static_cast<unsigned long long>(processed));
  };
  docktor::ThreadProvisioner provisioner(
      *connection, "TEST", "PROCESSOR", [](docktor::Message&) { return docktor::Result<void>(); }, options);

  docktor::ProvisionerOptions how{.on_event = log_event};
  if (rate_law) how.law = docktor::RateLaw{};
  std::stop_source context;
  auto subscription =
      docktor::start_provisioner(context.get_token(), *connection, provisioner, "TEST", "PROCESSOR", how);
  if (!subscription) return failed(subscription.error());
  auto requester = docktor::Requester::create(*connection);
  if (!requester) return failed(requester.error());

  log("starting batch 1...");
  auto t0 = Clock::now();
  send_batch(**requester, 1, requests);
  log("first batch done in %s", seconds_since(t0).c_str());

  log("sleeping 3 seconds...");  // the original says 5, and sleeps 3
  std::this_thread::sleep_for(std::chrono::seconds(3));

  log("starting batch 2...");
  t0 = Clock::now();
  send_batch(**requester, 2, requests);
  log("second batch done in %s", seconds_since(t0).c_str());

  context.request_stop();
  subscription->stop();  // waits for what the token has begun
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* set = std::getenv("NATS_URL");
  std::string url = set ? set : "";
  int requests = 10'000;
  bool rate_law = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--url" && !value.empty())
      url = value;
    else if (flag == "--requests" && std::atoi(value.c_str()) > 0)
      requests = std::atoi(value.c_str());
    else if (flag == "--law" && (value == "rate" || value == "objective"))
      rate_law = value == "rate";
    else {
      fprintf(stderr, "usage: %s [--url nats://host:4222] [--requests N] [--law rate|objective]\n", argv[0]);
      return 2;
    }
    ++i;
  }
  std::unique_ptr<PrivateServer> own;
  if (url.empty()) {
    own = std::make_unique<PrivateServer>();
    url = own->url();
    if (url.empty()) {
      fprintf(stderr,
              "provisioner: nats-server does not start: install it, or give --url of one that runs\n");
      return 1;
    }
  }
  return run(url, requests, rate_law);
}
