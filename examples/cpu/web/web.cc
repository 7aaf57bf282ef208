// A small web service that is busy: each request costs WORK_MS milliseconds of CPU. It answers with its own
// name.
//
// PORT=8080 WORK_MS=20
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

double number(const char* name, double standard) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtod(text, nullptr) : standard;
}

double cpu_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

volatile sig_atomic_t stopped = 0;

}  // namespace

int main() {
  struct sigaction on_stop{};
  on_stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGTERM, &on_stop, nullptr);  // no SA_RESTART: accept() ends
  sigaction(SIGINT, &on_stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const double work_ms = number("WORK_MS", 20);
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return 1;
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(number("PORT", 8080)));
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    std::perror("web");
    return 1;
  }
  while (!stopped) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    char request[4096];
    if (read(client, request, sizeof request) > 0) {
      for (const double until = cpu_ms() + work_ms; cpu_ms() < until;) {
      }
      const std::string body = std::string("Hello from ") + name + "\n";
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body;
      if (write(client, answer.data(), answer.size()) < 0) std::perror("web");
    }
    close(client);
  }
  return 0;
}
