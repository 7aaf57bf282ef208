// `docktor mcp`: the tools for agents over stdio.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands.h"
#include "app/instances.h"
#include "app/operator.h"
#include "app/terminal.h"
#include "app/version.h"
#include "mcp/server.h"
#include "mcp/tools.h"

namespace docktor {

int mcp_command(const Cli& cli) {
  // An agent would learn of a name that was mistyped with its first call only, and its user perhaps never.
  if (const auto chosen = choose_instance(cli);
      cli.config && chosen && !chosen->running && !has_file(chosen->instance))
    return complain(no_daemon_text(chosen->instance), kExitUsage);
  // The protocol gets the real stdout for itself; whatever else is printed lands on stderr.
  const int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    fmt::print(stderr, "docktor: cannot set stdout aside for the protocol\n");
    return kExitFailed;
  }
  ::signal(SIGPIPE, SIG_IGN);
  mcp::ToolOptions options;
  options.make_operator = [cli](const std::string& via) {
    return std::make_unique<InstanceOperator>(cli, via);
  };
  options.allow_actions = cli.allow_actions;
  mcp::ServerInfo info;
  info.name = "docktor";
  info.title = "docktor, an autoscaler for queue workers";
  info.version = kVersion;
  info.instructions = fmt::format(
      "docktor keeps the right number of workers running for a queue. Begin with list_services; get_status "
      "says what is "
      "and why nothing happens when nothing does; list_decisions and explain_decision say why it scaled. "
      "Bounds are kept "
      "whatever is asked. {}",
      cli.allow_actions ? "Actions are allowed: each is journaled with who asked, and ends by itself."
                        : "Only looking is allowed; propose_scale leaves a proposal for a person.");
  mcp::serve(STDIN_FILENO, out, std::move(info), mcp::docktor_tools(std::move(options)));
  return 0;
}

}  // namespace docktor
