// The program: parses the command line and calls the command.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "app/cli.h"
#include "app/commands.h"

int main(int argc, char** argv) {
  using namespace docktor;
  try {
    const Parsed parsed = parse_command_line(argc, argv);
    if (parsed.exit) return *parsed.exit;
    const Cli& cli = parsed.cli;
    switch (cli.command) {
      case Command::kDaemonStart:
        return daemon_start_command(cli);
      case Command::kDaemonStop:
        return daemon_stop_command(cli);
      case Command::kDaemonStatus:
        return daemon_status_command(cli);
      case Command::kDaemonLogs:
        return daemon_logs_command(cli);
      case Command::kDaemonReload:
        return daemon_reload_command(cli);
      case Command::kConfigValidate:
        return config_validate_command(cli);
      case Command::kConfigListModels:
        return config_list_models_command(cli);
      case Command::kConfigSetModel:
        return config_set_model_command(cli);
      case Command::kEval:
        return eval_command(cli);
      case Command::kChat:
        return chat_command(cli);
      case Command::kExplain:
        return explain_command(cli);
      case Command::kResume:
        return resume_command(cli);
      case Command::kPause:
        return pause_command(cli);
      case Command::kScale:
        return scale_command(cli);
      case Command::kSetBounds:
        return set_bounds_command(cli);
      case Command::kProposals:
        return proposals_command(cli);
      case Command::kApprove:
        return approve_command(cli);
      case Command::kReject:
        return reject_command(cli);
      case Command::kMcp:
        return mcp_command(cli);
      case Command::kDemo:
        return demo_command(cli);
      case Command::kHealth:
        return health_command(cli);
      case Command::kDecide:
        return decide_command(cli);
      case Command::kSimulate:
        return simulate_command(cli);
      case Command::kNone:
        break;
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "docktor: a bug of ours: {}; please report it with the command you typed\n", e.what());
  }
  return kExitFailed;
}
