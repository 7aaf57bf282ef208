// `docktor notify test`: whether notifications arrive, before the night when they must.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/terminal.h"
#include "core/record.h"
#include "core/text.h"
#include "notify/notifier.h"
#include "os/real_clock.h"

namespace docktor {
namespace {

int no_such_channel(const Cli& cli, const std::vector<ChannelSpec>& channels) {
  std::vector<std::string_view> names;
  for (const auto& c : channels) names.push_back(c.name);
  const auto near = did_you_mean(cli.channel, names);
  say(stderr, "docktor: no channel '{}' in notifications; {}\n", cli.channel,
      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(names, ", ")));
  return kExitUsage;
}

}  // namespace

int notify_test_command(const Cli& cli) {
  DaemonSpec daemon;
  const auto config = load_for(cli, &daemon);
  if (!config) return kExitUsage;
  auto channels = daemon.notifications;
  if (channels.empty()) {
    say(stderr,
        "docktor: {} has no notifications, so nobody is told of trouble; write for example:\n"
        "notifications:\n  - name: ops\n    url: ntfys://ntfy.sh/a-topic-that-nobody-guesses\n",
        config->shown);
    return kExitUsage;
  }
  if (!cli.channel.empty()) {
    std::erase_if(channels, [&](const ChannelSpec& c) { return c.name != cli.channel; });
    if (channels.empty()) return no_such_channel(cli, daemon.notifications);
  }
  ::signal(SIGPIPE, SIG_IGN);
  const notify::Sender sender{notify::host_name(), config->path};
  const RealClock clock;
  auto results = nlohmann::ordered_json::array();
  int failed = 0;
  for (const auto& c : channels) {
    const Time begun = clock.now();
    const auto answer = notify::send_test(c, sender, begun);
    const Duration took = clock.now() - begun;
    failed += !answer;
    if (cli.json) {
      results.push_back({{"channel", c.name},
                         {"url", c.shown},
                         {"taken", answer.has_value()},
                         {"answer", answer ? *answer : answer.error().message},
                         {"seconds", to_seconds(took)}});
    } else if (answer) {
      say(stdout, "✓ {}: {} took it ({}, {})\n", c.name, c.shown, *answer, spoken_duration(took));
    } else {
      say(stdout, "✗ {}: {}: {}\n", c.name, c.shown, answer.error().message);
    }
    std::fflush(stdout);
  }
  if (cli.json) fmt::print("{}\n", to_line(nlohmann::ordered_json{{"channels", std::move(results)}}));
  return failed > 0 ? kExitFailed : 0;
}

}  // namespace docktor
