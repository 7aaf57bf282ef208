#include "notify/notify_shell.h"

#include "notify/notifier.h"

namespace docktor::notify {
namespace {

class NotifyShell final : public Shell {
 public:
  explicit NotifyShell(const ShellParts& parts)
      : notifier_({.board = parts.board,
                   .clock = parts.clock,
                   .sender = {host_name(), parts.config},
                   .run_id = parts.run_id,
                   .file = parts.instance.state_dir + "/notifications.json",
                   .log = parts.log}) {}

  void share(Lease* lease) override { notifier_.share(lease); }
  Result<void> open(const DaemonSpec& daemon) override { return apply(daemon); }

  Result<void> apply(const DaemonSpec& daemon) override {
    notifier_.apply(daemon.notifications);
    return {};
  }

  void reloaded(const std::string& error) override { notifier_.reloaded(error); }
  void tell(std::string_view event, const std::string& detail) override { notifier_.tell(event, detail); }
  std::vector<ChannelFigures> receivers() const override { return notifier_.figures(); }
  void close() override { notifier_.close(); }

 private:
  Notifier notifier_;
};

}  // namespace

std::unique_ptr<Shell> make_notify_shell(const ShellParts& parts) {
  return std::make_unique<NotifyShell>(parts);
}

}  // namespace docktor::notify
