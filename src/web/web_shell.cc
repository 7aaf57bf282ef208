#include "web/web_shell.h"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "http/server.h"
#include "web/site.h"

namespace docktor::web {
namespace {

// Says which setting has the address that was refused.
Error address_refused(Error error, const std::string& listen, int ours) {
  if (error.code != ErrorCode::kConflict) return error;
  if (ours > 0 && listen.ends_with(fmt::format(":{}", ours)))
    error.message = fmt::format(
        "{}: docktor itself listens at port {} already; to change the address alone, stop and "
        "start it, or choose another port in http.listen",
        listen, ours);
  else
    error.message += ": choose another port in http.listen";
  return error;
}

// Used by one thread; what serves has threads of its own.
class WebShell final : public Shell {
 public:
  explicit WebShell(const ShellParts& parts)
      : parts_(parts),
        site_(parts.board, {.call =
                                [this](const std::string& operation, const nlohmann::json& arguments,
                                       const std::string& by) {
                                  auto done = parts_.ask(operation, arguments, {by, ""});
                                  if (done) done->erase("saved");  // the text has it
                                  return done;
                                },
                            .recorded = parts.recorded,
                            .version = parts.version,
                            .manual = parts.manual}) {
    site_.notifications_with(parts.receivers);
  }
  ~WebShell() override { end(); }

  Result<void> open(const DaemonSpec& daemon) override {
    // Scaling does not stop because the page cannot be served.
    if (auto opened = open_socket(); !opened)
      parts_.log(true, "no page and no metrics: " + opened.error().message);
    if (auto opened = apply(daemon); !opened) return opened;
    reloaded({});
    if (!spec_.listen.empty()) parts_.log(false, "page and metrics: http://" + spec_.listen);
    return {};
  }

  Result<void> apply(const DaemonSpec& daemon) override {
    const HttpSpec& spec = daemon.http;
    if (spec.listen != spec_.listen) {
      std::unique_ptr<http::HttpListener> made;
      if (!spec.listen.empty()) {
        auto listener = http::HttpListener::listen(spec.listen, site_.handler());
        if (!listener)
          return tl::unexpected(
              address_refused(listener.error(), spec.listen, network_ ? network_->port() : 0));
        made = std::move(*listener);
      }
      site_.count_with({});
      // Not here: this is the loop, and a request that waits for its answer would wait for ever.
      if (network_) retired_.emplace_back([old = std::move(network_)]() mutable { old.reset(); });
      network_ = std::move(made);
    }
    spec_ = spec;
    site_.allow(spec);
    site_.count_with([socket = socket_.get(), network = network_.get()] {
      std::pair<std::size_t, std::size_t> n{0, 0};
      for (const auto* one : {socket, network}) {
        if (!one) continue;
        n.first += one->connections();
        n.second += one->streams();
      }
      return n;
    });
    return {};
  }

  void reloaded(const std::string& error) override {
    site_.reloaded(error.empty(), error.empty() ? to_seconds(parts_.clock.wall()) : 0);
  }

  void close() override { end(); }

 private:
  Result<void> open_socket() {
    auto made = http::HttpListener::listen(parts_.instance.http_socket_file(), site_.handler());
    if (!made) return tl::unexpected(made.error());
    socket_ = std::move(*made);
    return {};
  }

  void end() {
    site_.count_with({});
    network_.reset();
    socket_.reset();
    retired_.clear();  // joins
  }

  const ShellParts& parts_;
  Site site_;
  HttpSpec spec_;
  std::unique_ptr<http::HttpListener> socket_, network_;
  std::vector<std::jthread> retired_;  // listeners that end: whoever waits there may wait for the loop
};

}  // namespace

std::unique_ptr<Shell> make_web_shell(const ShellParts& parts) { return std::make_unique<WebShell>(parts); }

}  // namespace docktor::web
