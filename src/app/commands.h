// The commands, one function each. They print for people and return the program's exit code.
#pragma once

#include "app/cli.h"

namespace docktor {

int daemon_start_command(const Cli& cli);
int daemon_stop_command(const Cli& cli);
int daemon_status_command(const Cli& cli);
int daemon_logs_command(const Cli& cli);
int daemon_reload_command(const Cli& cli);
int config_validate_command(const Cli& cli);
int config_schema_command(const Cli& cli);
int config_list_models_command(const Cli& cli);
int config_set_model_command(const Cli& cli);
int eval_command(const Cli& cli);
int chat_command(const Cli& cli);
int explain_command(const Cli& cli);
int resume_command(const Cli& cli);
int pause_command(const Cli& cli);
int scale_command(const Cli& cli);
int set_bounds_command(const Cli& cli);
int proposals_command(const Cli& cli);
int approve_command(const Cli& cli);
int reject_command(const Cli& cli);
int mcp_command(const Cli& cli);
int web_command(const Cli& cli);
int notify_test_command(const Cli& cli);
int top_command(const Cli& cli);
int savings_command(const Cli& cli);
int health_command(const Cli& cli);
int decide_command(const Cli& cli);
int simulate_command(const Cli& cli);
int demo_command(const Cli& cli);

}  // namespace docktor
