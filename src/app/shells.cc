#include "app/shells.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "api/socket_shell.h"
#include "notify/notify_shell.h"
#include "web/web_shell.h"

namespace docktor {
namespace {

// A further shell is a row here, and nothing else outside its folder. In the order in which they are opened and
// closed: who asks first, who is told last.
constexpr std::array kShells{ShellRow{"control socket", make_socket_shell},
                             ShellRow{"http", web::make_web_shell},
                             ShellRow{"notifications", notify::make_notify_shell}};

}  // namespace

Shells::Shells(const ShellParts& parts) {
  for (const auto& row : kShells) shells_.push_back(row.make(parts));
}

void Shells::share(Lease* lease) {
  for (const auto& shell : shells_) shell->share(lease);
}

Result<void> Shells::open(const DaemonSpec& daemon) {
  for (const auto& shell : shells_) {
    if (auto opened = shell->open(daemon); !opened) return opened;
  }
  return {};
}

Result<void> Shells::apply(const DaemonSpec& before, const DaemonSpec& after) {
  for (auto it = shells_.begin(); it != shells_.end(); ++it) {
    auto taken = (*it)->apply(after);
    if (taken) continue;
    while (it != shells_.begin()) static_cast<void>((*--it)->apply(before));
    return taken;
  }
  return {};
}

void Shells::reloaded(const std::string& error) {
  for (const auto& shell : shells_) shell->reloaded(error);
}

void Shells::tell(std::string_view event, const std::string& detail) {
  for (const auto& shell : shells_) shell->tell(event, detail);
}

std::vector<ChannelFigures> Shells::receivers() const {
  std::vector<ChannelFigures> all;
  for (const auto& shell : shells_) std::ranges::move(shell->receivers(), std::back_inserter(all));
  return all;
}

void Shells::close() {
  for (const auto& shell : shells_) shell->close();
}

}  // namespace docktor
