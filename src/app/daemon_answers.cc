// What the daemon answers: operations, and what concerns itself (reload, config, health, stop).
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include "app/daemon_impl.h"
#include "app/daemon_operations.h"
#include "app/loop_call.h"
#include "app/version.h"
#include "config/effective.h"

namespace docktor {
namespace {

constexpr auto kStopReplicas = std::chrono::minutes(10);
constexpr auto kDiskPatience = std::chrono::seconds(4);  // less than a person's, or a page's

// Operations of which the state has something that must outlive a restart.
bool is_said(const std::string& command) {
  constexpr std::array kSaid{"pause", "resume", "scale", "set_bounds", "reset_bounds"};
  return std::ranges::find(kSaid, command) != kSaid.end();
}

// {"leads": true, "name": "docktor-1", "epoch": 3}
nlohmann::ordered_json leader_shown(const LeaseStanding& s) {
  nlohmann::ordered_json j = {{"leads", s.leads}};
  if (!s.leader.empty()) j["name"] = s.leader;
  j["epoch"] = s.epoch;
  return j;
}

Result<nlohmann::ordered_json> as_text(std::string text) {
  return nlohmann::ordered_json{{"text", std::move(text)}};
}

}  // namespace

Result<Daemon::Json> Daemon::ask(const std::string& command, const nlohmann::json& arguments,
                                 const Asker& asker) {
  if (DaemonJournal::answers(command)) return journal_answers_.call(command, arguments);
  if (command == "stop") return arguments.value("replicas", false) ? stop_with_replicas() : stop();
  const auto answer = call_on_loop(*controller_.inbox(), [this, command, arguments, asker] {
    return std::make_shared<Result<Json>>(do_command(command, arguments, asker));
  });
  if (!answer) return tl::unexpected(answer.error());
  auto done = std::move(**answer);
  if (done && is_said(command)) tell_unsaved(arguments, *done);
  return done;
}

// What people say holds over a restart: whoever is told so waits for the disk, and the loop does not.
void Daemon::tell_unsaved(const nlohmann::json& arguments, Json& done) {
  const auto kept = state_.on_disk(arguments.value("service", ""), kDiskPatience);
  if (kept) return;
  done["text"] = fmt::format(
      "{}; it is in force, but could not be saved, so that a restart would forget it: {}; make room there, "
      "or set "
      "the folder right: it is saved as soon as it can be",
      done.value("text", ""), kept.error().message);
  done["saved"] = false;
}

// A file that was refused, and is as it was before again, is in effect: nothing is wrong any more.
void Daemon::look_after_refused_file() {
  if (reload_error_.empty() || !refused_file_ || !config_file_.in_effect(options_.config)) return;
  reload_error_.clear();
  shells_.reloaded({});
  log_->info("the file whose reload was refused is as it was before: it is in effect");
}

Result<Daemon::Json> Daemon::do_command(const std::string& command, const nlohmann::json& arguments,
                                        const Asker& asker) {
  if (command == "reload") {
    auto text = reload();
    if (!text) return tl::unexpected(text.error());
    return as_text(std::move(*text));
  }
  if (command == "config") return config_shown();
  if (command == "health") return as_text(starting_ > 0 ? "healthy, " + starting_text() : "healthy");
  auto answer = operate(controller_, command, arguments, asker);
  if (answer && command == "status") {
    look_after_refused_file();
    auto about = about_daemon();
    about.update(*answer);
    answer = std::move(about);
  }
  return answer;
}

Daemon::Json Daemon::config_shown() const {
  auto shown = effective_config(options_.config);
  shown["host"] = effective_host(options_.daemon.host);
  shown["http"] = effective_http(options_.daemon.http);
  if (options_.daemon.lease) shown["high_availability"] = effective_lease(*options_.daemon.lease);
  if (!options_.daemon.notifications.empty())
    shown["notifications"] = effective_notifications(options_.daemon.notifications);
  return shown;
}

// What status says of the daemon itself.
Daemon::Json Daemon::about_daemon() {
  Json about = {{"version", kVersion},
                {"pid", ::getpid()},
                {"config", options_.config.path},
                {"mode", options_.manual ? "MANUAL" : "AUTONOMOUS"},
                {"uptime", to_seconds(clock_.now() - started_)},
                {"reload_error", reload_error_}};
  if (starting_ > 0) about["starting"] = starting_text();
  std::vector<std::string> troubles;
  for (const auto& trouble : {controller_.journal_trouble(), log_file_->trouble(), state_.trouble(),
                              config_file_.not_in_effect(options_.config)}) {
    if (!trouble.empty()) troubles.push_back(trouble);
  }
  for (auto& channel : shells_.receivers()) {
    if (!channel.trouble.empty()) troubles.push_back(std::move(channel.trouble));
  }
  if (lease_) {
    const auto standing = lease_->standing();
    about["leader"] = leader_shown(standing);
    if (!standing.trouble.empty()) troubles.push_back(standing.trouble);
  }
  if (!troubles.empty()) about["troubles"] = troubles;
  if (!left_.empty()) about["left_running"] = left_.texts();
  if (const auto& llm = options_.config.llm; llm && llm->mode != LlmMode::kOff) {
    const auto trouble = controller_.model_trouble();
    about["model"] =
        fmt::format("{} {}{}", llm->provider, llm->model,
                    trouble.empty() ? "" : ", no answer: " + trouble + "; scaling goes on without it");
  }
  return about;
}

Result<std::string> Daemon::reload() {
  if (starting_ > 0)
    return fail(ErrorCode::kUnavailable, starting_text() + "; reload once all are made", true);
  service_manager_.reloading();
  struct Over {
    ServiceManager& manager;
    ~Over() { manager.ready(); }
  } over{service_manager_};
  DaemonSpec daemon;
  auto config = options_.reload(daemon);
  const auto refuse = [&](const Error& e) {
    reload_error_ = e.message;
    refused_file_ = !config_file_.in_effect(options_.config);
    config_file_.refused(options_.config);
    shells_.reloaded(e.message);
    log_->error("⚠ reload refused; still using the previous configuration:\n{}", e.message);
    return tl::unexpected(e);
  };
  if (!config) return refuse(config.error());
  if (daemon.lease != options_.daemon.lease)
    return refuse(
        {ErrorCode::kInvalid, "high_availability changes with a restart only; start this docktor anew"});
  auto locks = locks_.of(*config, wiring_, false);
  if (!locks) return refuse(locks.error());
  if (auto taken = shells_.apply(options_.daemon, daemon); !taken) return refuse(taken.error());
  locks_.hold(std::move(*locks));  // not before all is taken: those of the old services are in use till then
  left_.note(options_.config, *config, controller_);
  options_.config = std::move(*config);
  options_.daemon = std::move(daemon);
  reload_error_.clear();
  shells_.reloaded({});
  auto text = apply(options_.config.services);
  if (!left_.empty()) {
    text += fmt::format("; left running: {} (`docktor daemon stop --replicas` ends them, too)", left_.text());
  }
  service_manager_.status(fmt::format("services: {}", options_.config.services.size()));
  log_->info("configuration reloaded: {}", text);
  return text;
}

// Those of services that have left the configuration come back for it, unless somebody else scales them
// now.
void Daemon::stop_all_replicas() {
  if (!left_.empty()) {
    auto all = left_.with(options_.config);
    if (auto locks = locks_.of(all, wiring_, false)) {
      locks_.hold(std::move(*locks));
      controller_.hold_orders(true);
      options_.config = all;
      log_->info("{}", apply(all.services));
    }
  }
  controller_.stop_replicas();
}

Result<Daemon::Json> Daemon::stop() {
  const auto left = call_on_loop(*controller_.inbox(), [this] {
    auto text = left_running(controller_);
    if (!left_.empty()) text += "; of services no longer in the configuration: " + left_.text();
    return text;
  });
  stop_.request_stop();
  return as_text(left ? *left : std::string());
}

Result<Daemon::Json> Daemon::stop_with_replicas() {
  const auto why_not = call_on_loop(*controller_.inbox(), [this] {
    auto why = controller_.not_leading();
    if (why.empty()) stop_all_replicas();
    return why;
  });
  if (why_not && !why_not->empty())
    return fail(ErrorCode::kConflict,
                fmt::format("{}; stop the replicas there, and this daemon without --replicas", *why_not));
  const auto until = std::chrono::steady_clock::now() + kStopReplicas;
  while (std::chrono::steady_clock::now() < until) {
    if (stop_.stop_requested()) return as_text("⚠ The daemon was stopped before all replicas had ended.");
    const auto left = call_on_loop(*controller_.inbox(), [this] { return controller_.replicas_left(); });
    if (left && *left == 0) {
      stop_.request_stop();
      return as_text("All replicas are stopped.");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  stop_.request_stop();
  return as_text("⚠ Some replicas have not ended within 10 minutes.");
}

}  // namespace docktor
