#include "app/daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <thread>

#include "api/control_socket.h"
#include "app/daemon_operations.h"
#include "app/version.h"
#include "app/wiring.h"
#include "control/controller.h"
#include "control/file_journal.h"
#include "control/lock.h"
#include "core/record.h"
#include "core/text.h"
#include "llm/model_adviser.h"
#include "os/atomic_file.h"
#include "os/real_clock.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLogBytes = 10u << 20;
constexpr std::size_t kLogFiles = 4;
constexpr auto kFirstLook = std::chrono::seconds(2);   // for the starter's warnings
constexpr auto kReadyWait = std::chrono::seconds(30);  // with --wait-ready
constexpr auto kStopReplicas = std::chrono::minutes(10);

std::string base36(std::uint64_t n) {
  std::string s;
  do {
    s.insert(s.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36]);
    n /= 36;
  } while (n > 0);
  return s;
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& file, bool foreground) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file, kLogBytes, kLogFiles));
  } catch (const spdlog::spdlog_ex&) {
    foreground = true;  // no disk for the log: the starter's stderr must do
  }
  if (foreground) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto log = std::make_shared<spdlog::logger>("docktor", sinks.begin(), sinks.end());
  log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  log->flush_on(spdlog::level::info);
  log->set_error_handler([](const std::string&) {});  // a full disk costs log lines, nothing else
  return log;
}

// A model is asked by every decision of this configuration; mode off means that none is.
Advising advising_of(const Config& config) {
  if (!config.llm) return {};
  const LlmSpec& spec = *config.llm;
  Advising a{.mode = spec.mode,
             .provider = spec.provider,
             .model = spec.model,
             .timeout = spec.timeout,
             .max_delay = spec.max_delay,
             .adviser = nullptr};
  if (spec.mode != LlmMode::kOff) a.adviser = std::make_shared<llm::ModelAdviser>(spec);
  return a;
}

std::string left_running(Controller& controller) {
  std::string text;
  for (const auto& name : controller.names()) {
    const int n = controller.find(name)->counts.current;
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, n);
  }
  return text.empty() ? "No replicas are running." : "Replicas left running: " + text;
}

class Daemon {
 public:
  Daemon(DaemonOptions options, std::shared_ptr<spdlog::logger> log)
      : options_(std::move(options)),
        log_(std::move(log)),
        journal_({.path = options_.instance.journal_file()}),
        state_(options_.instance.state_dir),
        wiring_({.state_dir = options_.instance.state_dir,
                 .log_dir = options_.instance.log_dir,
                 .log = *log_,
                 .dry_run =
                     [this](const std::string& service) {
                       return options_.dry_run ||
                              std::ranges::find(options_.dry_run_of, service) != options_.dry_run_of.end();
                     }}),
        controller_({.clock = clock_,
                     .journal = journal_,
                     .state = state_,
                     .log = *log_,
                     .metadata = {{"provider", "none"}, {"model", ""}},
                     .run_id = base36(static_cast<std::uint64_t>(to_seconds(clock_.now()) * 10)),
                     .manual = options_.manual}) {
    journal_.on_new_file([this] { return controller_.snapshot("snapshot"); });
  }

  Result<void> lock_services(const Config& config) {
    std::map<std::string, FileLock> locks;
    for (const auto& spec : config.services) {
      const std::string what = scaled_identity(config, spec);
      const std::string file = options_.locks_dir + "/" + short_hash(what) + short_hash(what + "#") + ".lock";
      if (auto it = locks_.find(file); it != locks_.end()) {
        locks.emplace(file, std::move(it->second));
        locks_.erase(it);
        continue;
      }
      auto lock = FileLock::take(
          file,
          {{"pid", ::getpid()}, {"service_config", config.path}, {"config", config.path}, {"scales", what}});
      if (!lock) {
        for (auto& [f, l] : locks) locks_.emplace(f, std::move(l));
        if (lock.error().code != ErrorCode::kConflict) return tl::unexpected(lock.error());
        return fail(
            ErrorCode::kConflict,
            fmt::format(
                "service '{}' is already scaled by another docktor, {}; stop that one first, or take the "
                "service out of one of the two configurations",
                spec.name, lock.error().message));
      }
      locks.emplace(file, std::move(*lock));
    }
    locks_ = std::move(locks);
    return {};
  }

  std::string apply() {
    controller_.advise_with(advising_of(options_.config));
    return controller_.apply(options_.config.services, [this](const ServiceSpec& spec) {
      return wiring_.make(options_.config, spec, controller_.change_callback(spec.name));
    });
  }

  int run(const std::function<void(const StartReport&)>& report) {
    log_->info("docktor {} starts, pid {}, config {}", kVersion, ::getpid(), options_.config.path);
    log_->info("services: {}", apply());
    auto server = ControlServer::listen(
        options_.instance.socket_file(),
        [this](const nlohmann::json& request, const Peer& peer) { return answer(request, peer); });
    if (!server) {
      report({false, {server.error().message}});
      return kExitFailedStart;
    }
    const auto signals = wait_for_signals();
    if (!first_look(report)) return kExitFailedStart;
    controller_.run(stop_.get_token());
    server->reset();  // nobody asks any more
    log_->info("stopped; {}", left_running(controller_));
    return 0;
  }

 private:
  static constexpr int kExitFailedStart = 1;

  // Runs the loop until everything answered, or long enough to tell the starter what does not.
  bool first_look(const std::function<void(const StartReport&)>& report) {
    const auto until = std::chrono::steady_clock::now() +
                       (options_.wait_ready ? Duration(kReadyWait) : Duration(kFirstLook));
    std::vector<std::string> missing;
    while (true) {
      missing = controller_.not_ready();
      if (missing.empty() || stop_.stop_requested() || std::chrono::steady_clock::now() >= until) break;
      controller_.step(std::chrono::milliseconds(20));
    }
    if (options_.wait_ready && !missing.empty()) {
      for (const auto& m : missing) log_->error("not ready: {}", m);
      report({false, missing});
      return false;
    }
    for (const auto& m : missing) log_->warn("⚠ {}", m);
    report({true, missing});
    return true;
  }

  std::jthread wait_for_signals() {
    return std::jthread([this](const std::stop_token& token) {
      sigset_t set;
      sigemptyset(&set);
      for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
      while (!token.stop_requested()) {
        const timespec wait{0, 100'000'000};
        const int s = ::sigtimedwait(&set, nullptr, &wait);
        if (s == SIGHUP)
          controller_.inbox()->push([this] {
            const auto done = reload();  // says by itself, in the log and in status, how it went
            static_cast<void>(done);
          });
        if (s == SIGTERM || s == SIGINT) {
          log_->info("signal {}: stopping", s);
          stop_.request_stop();
        }
      }
    });
  }

  Result<std::string> reload() {
    auto config = options_.reload();
    const auto refuse = [&](const Error& e) {
      reload_error_ = e.message;
      log_->error("⚠ reload refused, the configuration before it stays in effect:\n{}", e.message);
      return tl::unexpected(e);
    };
    if (!config) return refuse(config.error());
    if (auto locked = lock_services(*config); !locked) return refuse(locked.error());
    options_.config = std::move(*config);
    reload_error_.clear();
    auto text = apply();
    log_->info("configuration reloaded: {}", text);
    return text;
  }

  // On a connection's thread: posts to the loop and waits for its answer.
  ordered_json answer(const nlohmann::json& request, const Peer& peer) {
    const auto text = [&](const char* key) {
      const auto it = request.find(key);
      return it != request.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    const std::string command = text("command");
    const Asker asker{name_of(peer), text("via")};
    const nlohmann::json arguments = request.value("arguments", nlohmann::json::object());
    if (command == "stop") return stop(request.contains("replicas") && request["replicas"] == true);
    auto promise = std::make_shared<std::promise<ordered_json>>();
    auto future = promise->get_future();
    const bool posted = controller_.inbox()->push([this, command, arguments, asker, promise] {
      promise->set_value(do_command(command, arguments, asker));
    });
    if (!posted || future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
      return {{"ok", false}, {"error", "the daemon is too busy or stopping; try again"}};
    }
    return future.get();
  }

  ordered_json do_command(const std::string& command, const nlohmann::json& arguments, const Asker& asker) {
    const auto done = [](const Result<ordered_json>& r) {
      if (!r) return refusal(r.error());
      ordered_json answer = {{"ok", true}};
      answer.update(*r);
      return answer;
    };
    if (command == "reload") {
      const auto text = reload();
      if (!text) return refusal(text.error());
      return done(ordered_json{{"text", *text}});
    }
    if (command == "health") return done(ordered_json{{"text", "healthy"}});
    auto answer = operate(controller_, command, arguments, asker);
    if (answer && command == "status") {
      ordered_json about = {{"version", kVersion},
                            {"pid", ::getpid()},
                            {"config", options_.config.path},
                            {"mode", options_.manual ? "MANUAL" : "AUTONOMOUS"},
                            {"uptime", to_seconds(clock_.now() - started_)},
                            {"reload_error", reload_error_}};
      about.update(*answer);
      answer = std::move(about);
    }
    return done(answer);
  }

  ordered_json stop(bool replicas) {
    if (!replicas) {
      auto text = std::make_shared<std::promise<std::string>>();
      auto future = text->get_future();
      controller_.inbox()->push([this, text] {
        text->set_value(left_running(controller_));
        stop_.request_stop();
      });
      if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
        stop_.request_stop();
        return {{"ok", true}, {"text", ""}};
      }
      return {{"ok", true}, {"text", future.get()}};
    }
    controller_.inbox()->push([this] { controller_.stop_replicas(); });
    const auto until = std::chrono::steady_clock::now() + kStopReplicas;
    while (std::chrono::steady_clock::now() < until) {
      auto left = std::make_shared<std::promise<std::size_t>>();
      auto future = left->get_future();
      if (!controller_.inbox()->push([this, left] { left->set_value(controller_.replicas_left()); })) break;
      if (future.wait_for(std::chrono::seconds(30)) == std::future_status::ready && future.get() == 0) {
        stop_.request_stop();
        return {{"ok", true}, {"text", "All replicas are stopped."}};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    stop_.request_stop();
    return {{"ok", true}, {"text", "⚠ Some replicas have not ended within 10 minutes."}};
  }

  DaemonOptions options_;
  std::shared_ptr<spdlog::logger> log_;
  RealClock clock_;
  const Time started_ = clock_.now();
  FileJournal journal_;
  StateStore state_;
  std::map<std::string, FileLock> locks_;
  std::stop_source stop_;
  std::string reload_error_;
  Wiring wiring_;  // before the controller: connections and supervisors outlive what uses them
  Controller controller_;
};

}  // namespace

int run_daemon(DaemonOptions options, const std::function<void(const StartReport&)>& report) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is a full disk, not an end

  const Instance& i = options.instance;
  for (const std::string& folder : {i.state_dir, i.runtime_dir, i.log_dir, options.locks_dir}) {
    if (auto r = make_folder(folder); !r) {
      report({false,
              {fmt::format("{}; let this user write there, or set DOCKTOR_STATE_DIR, DOCKTOR_RUNTIME_DIR and "
                           "DOCKTOR_LOG_DIR",
                           r.error().message)}});
      return 1;
    }
  }
  auto lock = FileLock::take(i.lock_file(), {{"pid", ::getpid()}, {"config", i.config}});
  if (!lock) {
    const bool held = lock.error().code == ErrorCode::kConflict;
    report({false,
            {held ? fmt::format("a daemon already runs for {} ({}); `docktor daemon status` shows it, "
                                "`docktor daemon stop` ends it",
                                i.config, lock.error().message)
                  : lock.error().message}});
    return 1;
  }
  auto log = make_logger(i.log_file(), options.foreground);
  const Config config = options.config;
  Daemon daemon(std::move(options), log);
  if (auto r = daemon.lock_services(config); !r) {
    report({false, {r.error().message}});
    return 1;
  }
  return daemon.run(report);
}

}  // namespace docktor
