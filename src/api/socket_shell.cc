#include "api/socket_shell.h"

#include "api/control_socket.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

class SocketShell final : public Shell {
 public:
  explicit SocketShell(const ShellParts& parts) : parts_(parts) {}

  Result<void> open(const DaemonSpec&) override {
    auto server = ControlServer::listen(
        parts_.instance.socket_file(),
        [this](const json& request, const Peer& peer) { return answer(request, peer); });
    if (!server) return tl::unexpected(server.error());
    server_ = std::move(*server);
    return {};
  }

  void close() override { server_.reset(); }

 private:
  // On a connection's thread.
  ordered_json answer(const json& request, const Peer& peer) const {
    const auto text = [&](const char* key) {
      const auto it = request.find(key);
      return it != request.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    json arguments = request.value("arguments", json::object());
    if (text("command") == "stop") arguments = {{"replicas", request.value("replicas", json(false)) == true}};
    auto done = parts_.ask(text("command"), arguments, {name_of(peer), text("via")});
    if (!done) return refusal(done.error());
    ordered_json answer = {{"ok", true}};
    answer.update(*done);
    return answer;
  }

  const ShellParts& parts_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace

std::unique_ptr<Shell> make_socket_shell(const ShellParts& parts) {
  return std::make_unique<SocketShell>(parts);
}

}  // namespace docktor
