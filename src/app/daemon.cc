#include "app/daemon.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "api/control_socket.h"
#include "app/config_file.h"
#include "app/daemon_lease.h"
#include "app/daemon_operations.h"
#include "app/daemon_setup.h"
#include "app/daemon_web.h"
#include "app/version.h"
#include "app/wiring.h"
#include "config/effective.h"
#include "control/controller.h"
#include "control/file_journal.h"
#include "control/lock.h"
#include "core/record.h"
#include "core/text.h"
#include "llm/model_adviser.h"
#include "notify/notifier.h"
#include "os/atomic_file.h"
#include "os/host_reader.h"
#include "os/real_clock.h"
#include "os/resident.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr auto kLookEvery = std::chrono::seconds(1);  // at folders and locks
constexpr std::size_t kLocksPerLook = 200;
constexpr auto kAnswerEvery = std::chrono::milliseconds(50);  // while services are made
constexpr auto kProgressEvery = std::chrono::seconds(1);
constexpr auto kFirstLook = std::chrono::seconds(2);   // for the starter's warnings
constexpr auto kReadyWait = std::chrono::seconds(30);  // with --wait-ready
constexpr auto kStopReplicas = std::chrono::minutes(10);
constexpr auto kDiskPatience = std::chrono::seconds(4);  // less than a person's, or a page's

// Operations of which the state has something that must outlive a restart.
bool is_said(const std::string& command) {
  constexpr std::array kSaid{"pause", "resume", "scale", "set_bounds", "reset_bounds"};
  return std::ranges::find(kSaid, command) != kSaid.end();
}

std::string base36(std::uint64_t n) {
  std::string s;
  do {
    s.insert(s.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36]);
    n /= 36;
  } while (n > 0);
  return s;
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

std::vector<std::string> running_text(Controller& controller) {
  std::vector<std::string> texts;
  for (const auto& name : controller.names()) {
    const int n = controller.find(name)->counts.current;
    if (n > 0) texts.push_back(fmt::format("{} {}", name, n));
  }
  return texts;
}

std::string left_running(Controller& controller) {
  const auto texts = running_text(controller);
  return texts.empty() ? "No replicas are running."
                       : fmt::format("Replicas left running: {}", fmt::join(texts, ", "));
}

class Daemon {
 public:
  using Locks = std::map<std::string, std::shared_ptr<FileLock>>;

  Daemon(DaemonOptions options, std::vector<FileLock> own_locks, std::shared_ptr<LogFile> log_file)
      : options_(std::move(options)),
        own_locks_(std::move(own_locks)),
        log_file_(std::move(log_file)),
        log_(make_logger(log_file_, options_.foreground)),
        journal_({.path = options_.instance.journal_file()}),
        state_(options_.instance.state_dir),
        wiring_({.state_dir = options_.instance.state_dir,
                 .log_dir = options_.instance.log_dir,
                 .log = [log = log_](const std::string& line) { log->warn(line); },
                 .dry_run =
                     [this](const std::string& service) {
                       return options_.dry_run ||
                              std::ranges::find(options_.dry_run_of, service) != options_.dry_run_of.end();
                     },
                 .claim = [this](const std::string& service,
                                 const std::string& what) -> Result<std::shared_ptr<void>> {
                   auto lock = claim(service, what);
                   if (!lock) return tl::unexpected(lock.error());
                   return std::shared_ptr<void>(lock->second);
                 }}),
        controller_({.clock = clock_,
                     .journal = journal_,
                     .state = state_,
                     .log = *log_,
                     .metadata = {{"provider", "none"}, {"model", ""}},
                     .run_id = base36(static_cast<std::uint64_t>(to_seconds(clock_.now()) * 10)),
                     .manual = options_.manual,
                     .board = &board_,
                     .look_at_host = [this] { return host_.look(); }}),
        notifier_({.board = board_,
                   .clock = clock_,
                   .sender = {notify::host_name(), options_.config.path},
                   .run_id = base36(static_cast<std::uint64_t>(to_seconds(clock_.now()) * 10)),
                   .file = options_.instance.state_dir + "/notifications.json",
                   .log =
                       [log = log_](bool warning, const std::string& line) {
                         if (warning)
                           log->warn("⚠ {}", line);
                         else
                           log->info("{}", line);
                       }}),
        web_(board_, options_.instance, options_.manual,
             [this](const std::string& operation, const nlohmann::json& arguments, const std::string& by) {
               return ask_loop(operation, arguments, {by, ""});
             }) {
    web_.notifications_with([this] { return notifier_.figures(); });
  }

  // The lock of what a service scales, which one of ours may hold already. From any thread.
  Result<std::pair<const std::string, std::shared_ptr<FileLock>>> claim(const std::string& service,
                                                                        const std::string& what) {
    using Held = std::pair<const std::string, std::shared_ptr<FileLock>>;
    const std::string file = short_hash(what) + short_hash(what + "#") + ".lock";
    const std::lock_guard guard(claims_mutex_);
    if (auto held = claims_[file].lock()) return Held(file, held);
    const auto& config = options_.instance.config;
    const nlohmann::json note = {
        {"pid", ::getpid()}, {"service_config", config}, {"config", config}, {"scales", what}};
    auto lock = FileLock::take(options_.locks_dir + "/" + file, note);
    if (!lock && lock.error().code == ErrorCode::kDenied && make_folder(options_.spare_locks_dir))
      lock = FileLock::take(options_.spare_locks_dir + "/" + file, note);
    if (lock) {
      auto held = std::make_shared<FileLock>(std::move(*lock));
      claims_[file] = held;
      return Held(file, held);
    }
    if (lock.error().code != ErrorCode::kConflict) return tl::unexpected(lock.error());
    return fail(
        ErrorCode::kConflict,
        fmt::format("service '{}' is already scaled by another docktor, {}; stop that one first, or take the "
                    "service out of one of the two configurations",
                    service, lock.error().message),
        true);
  }

  // `ask` also asks the engines which projects the services are in; without it targets claim that by
  // themselves as soon as they know it.
  Result<Locks> locks_of(const Config& config, bool ask) {
    Locks locks;
    for (const auto& spec : config.services) {
      const auto every = ask ? wiring_.scaled_identities(config, spec)
                             : std::vector<std::string>{wiring_.scaled_identity(config, spec)};
      for (const auto& what : every) {
        auto lock = claim(spec.name, what);
        if (!lock) return tl::unexpected(lock.error());
        locks.insert(std::move(*lock));
      }
    }
    return locks;
  }

  Result<void> lock_services() {
    auto locks = locks_of(options_.config, true);
    if (!locks) return tl::unexpected(locks.error());
    locks_ = std::move(*locks);
    return {};
  }

  // The right to act that daemons of other hosts may have. Before run().
  Result<void> open_lease() {
    auto lease = docktor::open_lease(options_.daemon.lease, clock_, log_,
                                     [inbox = controller_.inbox()] { inbox->push([] {}); });
    if (!lease) return tl::unexpected(lease.error());
    lease_ = std::move(*lease);
    controller_.share(lease_.get());
    notifier_.share(lease_.get());
    return {};
  }

  std::string apply(const std::vector<ServiceSpec>& services,
                    const std::function<bool(std::size_t)>& between = {}) {
    controller_.advise_with(advising_of(options_.config));
    controller_.limit_total(options_.config.max_total_replicas);
    controller_.limit_host(options_.daemon.host);
    auto text = controller_.apply(
        services,
        [this](const ServiceSpec& spec) {
          return wiring_.make(options_.config, spec, controller_.change_callback(spec.name));
        },
        between);
    if (lease_) lease_->keep(controller_.names());
    return text;
  }

  int run(const Starter& starter) {
    log_->info("docktor {} starts, pid {}, config {}", kVersion, ::getpid(), options_.config.path);
    if (const auto why = too_few_descriptors(options_.config); !why.empty()) log_->warn("⚠ {}", why);
    // Whoever asks or stops us is heard from the first moment: thousands of services take seconds.
    const auto signals = wait_for_signals();
    auto server = ControlServer::listen(
        options_.instance.socket_file(),
        [this](const nlohmann::json& request, const Peer& peer) { return answer(request, peer); });
    if (!server) {
      starter.report({false, {server.error().message}});
      return kExitFailedStart;
    }
    // However we leave: who waits for the loop waits no longer, then the listeners end, then the control socket.
    struct End {
      Daemon& daemon;
      ~End() {
        daemon.controller_.inbox()->close();
        daemon.web_.close();
      }
    } end{*this};
    if (auto opened = web_.open_socket(); !opened)
      log_->warn("⚠ no page and no metrics: {}", opened.error().message);
    if (auto opened = web_.apply(options_.daemon.http); !opened) {
      starter.report({false, {opened.error().message}});
      return kExitFailedStart;
    }
    web_.reloaded(true, to_seconds(clock_.wall()));
    if (const auto& at = options_.daemon.http.listen; !at.empty())
      log_->info("page and metrics: http://{}", at);
    notifier_.apply(options_.daemon.notifications);
    notifier_.tell("started", fmt::format("docktor {}, pid {}", kVersion, ::getpid()));
    if (lease_) lease_->begin();
    make_services(starter);
    if (!first_look(starter.report)) {
      let_go();
      return kExitFailedStart;
    }
    let_go_of_code();
    controller_.run(stop_.get_token());
    server->reset();  // nobody asks any more
    const auto left = left_running(controller_);
    log_->info("stopped; {}", left);
    let_go();
    notifier_.tell("stopped", left);
    notifier_.close();
    return 0;
  }

 private:
  static constexpr int kExitFailedStart = 1;

  // Nothing is on its way any more when another one leads.
  void let_go() {
    if (!lease_) return;
    controller_.close();
    lease_->release();
  }

  void make_services(const Starter& starter) {
    starting_ = options_.config.services.size();
    if (options_.wait_ready) controller_.hold_orders(true);
    auto told = std::chrono::steady_clock::now();
    const auto text = apply(options_.config.services, [&](std::size_t made) {
      made_ = made;
      const auto now = std::chrono::steady_clock::now();
      if (now - answered_ > kAnswerEvery) {
        controller_.answer_events();
        answered_ = now;
      }
      if (now - told > kProgressEvery) {
        told = now;
        const auto progress = starting_text();
        log_->info("{}", progress);
        if (starter.progress) starter.progress(progress);
      }
      return !stop_.stop_requested();
    });
    starting_ = 0;
    log_->info("services: {}", text);
  }

  std::string starting_text() const { return fmt::format("starting: {} of {} services", made_, starting_); }

  // Once a second, on the loop: what others may have removed is made anew, or we end.
  void look_after_folders() {
    const Instance& i = options_.instance;
    for (const auto& folder : {i.state_dir, i.runtime_dir, i.log_dir}) static_cast<void>(make_folder(folder));
    for (auto& lock : own_locks_) keep(lock, "this instance");
    auto it = locks_.upper_bound(looked_at_);
    for (std::size_t n = 0; n < std::min(kLocksPerLook, locks_.size()); ++n) {
      if (it == locks_.end()) it = locks_.begin();
      looked_at_ = it->first;
      keep(*it->second, "a service of this configuration");
      ++it;
    }
    look_after_refused_file();
    const auto trouble = log_file_->trouble();
    if (!trouble.empty() && trouble != log_trouble_)
      log_->warn("⚠ {}", trouble);  // where stderr is a log, too
    log_trouble_ = trouble;
  }

  void keep(FileLock& lock, const char* what) {
    if (!lock.lost()) return;
    const auto kept = lock.renew();
    if (kept) {
      log_->warn("⚠ the lock of {} was removed; it is set again", what);
    } else if (kept.error().code == ErrorCode::kConflict && !kept.error().retry) {
      log_->error("⚠ the lock of {} was removed, and another docktor has it now ({}): this one ends", what,
                  kept.error().message);
      stop_.request_stop();
    }
  }

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
      for (const auto& left : running_text(controller_)) missing.push_back("left running: " + left);
      report({false, missing});
      return false;
    }
    controller_.hold_orders(false);
    for (const auto& m : missing) log_->warn("⚠ {}", m);
    auto restrictions = controller_.restrictions();
    for (const auto& r : restrictions) log_->warn("⚠ {}", r);
    report({true, missing, std::move(restrictions)});
    return true;
  }

  std::jthread wait_for_signals() {
    return std::jthread([this](const std::stop_token& token) {
      sigset_t set;
      sigemptyset(&set);
      for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
      auto looked = std::chrono::steady_clock::now();
      while (!token.stop_requested()) {
        if (const auto now = std::chrono::steady_clock::now(); now - looked > kLookEvery) {
          looked = now;
          controller_.inbox()->push([this] { look_after_folders(); });
        }
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
    if (starting_ > 0)
      return fail(ErrorCode::kUnavailable, starting_text() + "; reload once all are made", true);
    DaemonSpec daemon;
    auto config = options_.reload(daemon);
    const auto refuse = [&](const Error& e) {
      reload_error_ = e.message;
      refused_file_ = !config_file_.in_effect(options_.config);
      web_.reloaded(false, 0);
      notifier_.reloaded(e.message);
      log_->error("⚠ reload refused; still using the previous configuration:\n{}", e.message);
      return tl::unexpected(e);
    };
    if (!config) return refuse(config.error());
    if (daemon.lease != options_.daemon.lease)
      return refuse(
          {ErrorCode::kInvalid, "high_availability changes with a restart only; start this docktor anew"});
    auto locks = locks_of(*config, false);
    if (!locks) return refuse(locks.error());
    if (auto listens = web_.apply(daemon.http); !listens) return refuse(listens.error());
    locks_ = std::move(*locks);  // not before all is taken: those of the old services are in use till then
    web_.reloaded(true, to_seconds(clock_.wall()));
    for (const auto& old : options_.config.services) {
      const auto same = [&](const ServiceSpec& s) { return s.name == old.name; };
      Service* s = controller_.find(old.name);
      if (!s || s->dry_run || s->counts.current == 0 || std::ranges::any_of(config->services, same)) continue;
      left_.insert_or_assign(old.name, Left{old, s->counts.current});
    }
    for (const auto& spec : config->services) left_.erase(spec.name);
    options_.config = std::move(*config);
    options_.daemon = std::move(daemon);
    notifier_.apply(options_.daemon.notifications);
    notifier_.reloaded({});
    reload_error_.clear();
    auto text = apply(options_.config.services);
    if (!left_.empty()) {
      text += fmt::format("; left running: {} (`docktor daemon stop --replicas` ends them, too)",
                          fmt::join(left_texts(), ", "));
    }
    log_->info("configuration reloaded: {}", text);
    return text;
  }

  // A file that was refused, and is as it was before again, is in effect: nothing is wrong any more.
  void look_after_refused_file() {
    if (reload_error_.empty() || !refused_file_ || !config_file_.in_effect(options_.config)) return;
    reload_error_.clear();
    web_.reloaded(true, to_seconds(clock_.wall()));
    notifier_.reloaded({});
    log_->info("the file whose reload was refused is as it was before: it is in effect");
  }

  struct Left {
    ServiceSpec spec;
    int replicas = 0;
  };

  std::vector<std::string> left_texts() const {
    std::vector<std::string> texts;
    for (const auto& [name, left] : left_) texts.push_back(fmt::format("{} {}", name, left.replicas));
    return texts;
  }

  // Those of services that have left the configuration come back for it, unless somebody else scales them
  // now.
  void stop_all_replicas() {
    auto all = options_.config;
    for (const auto& [name, left] : left_) all.services.push_back(left.spec);
    if (left_.empty()) return controller_.stop_replicas();
    if (auto locks = locks_of(all, false)) {
      locks_ = std::move(*locks);
      controller_.hold_orders(true);
      options_.config = all;
      log_->info("{}", apply(all.services));
    }
    controller_.stop_replicas();
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
    bool saved = true;
    auto done = ask_loop(command, arguments, asker, &saved);
    if (!done) return refusal(done.error());
    ordered_json answer = {{"ok", true}};
    answer.update(*done);
    if (!saved) answer["saved"] = false;
    return answer;
  }

  // From any thread but the loop's: posts to it and waits for its answer.
  Result<ordered_json> ask_loop(const std::string& command, const nlohmann::json& arguments,
                                const Asker& asker, bool* saved = nullptr) {
    auto promise = std::make_shared<std::promise<Result<ordered_json>>>();
    auto future = promise->get_future();
    const bool posted = controller_.inbox()->push_first([this, command, arguments, asker, promise] {
      promise->set_value(do_command(command, arguments, asker));
    });
    // An event that was dropped broke its promise: we are stopping.
    promise.reset();
    if (!posted || future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
      return fail(ErrorCode::kUnavailable, "the daemon is too busy or stopping; try again", true);
    try {
      auto done = future.get();
      if (done && is_said(command) && !tell_unsaved(arguments, *done) && saved) *saved = false;
      return done;
    } catch (const std::future_error&) {
      return fail(ErrorCode::kUnavailable, "the daemon is stopping");
    }
  }

  // What people say holds over a restart: whoever is told so waits for the disk, and the loop does not.
  bool tell_unsaved(const nlohmann::json& arguments, ordered_json& done) {
    const auto kept = state_.on_disk(arguments.value("service", ""), kDiskPatience);
    if (kept) return true;
    done["text"] = fmt::format(
        "{}; it is in force, but could not be saved, so that a restart would forget it: {}; make room there, "
        "or set "
        "the folder right: it is saved as soon as it can be",
        done.value("text", ""), kept.error().message);
    return false;
  }

  Result<ordered_json> do_command(const std::string& command, const nlohmann::json& arguments,
                                  const Asker& asker) {
    if (command == "reload") {
      const auto text = reload();
      if (!text) return tl::unexpected(text.error());
      return ordered_json{{"text", *text}};
    }
    if (command == "config") {
      auto shown = effective_config(options_.config);
      shown["host"] = effective_host(options_.daemon.host);
      shown["http"] = effective_http(options_.daemon.http);
      if (options_.daemon.lease) shown["high_availability"] = effective_lease(*options_.daemon.lease);
      if (!options_.daemon.notifications.empty())
        shown["notifications"] = effective_notifications(options_.daemon.notifications);
      return shown;
    }
    if (command == "health")
      return ordered_json{{"text", starting_ > 0 ? "healthy, " + starting_text() : "healthy"}};
    auto answer = operate(controller_, command, arguments, asker);
    if (answer && command == "status") {
      look_after_refused_file();
      ordered_json about = {{"version", kVersion},
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
      for (auto& channel : notifier_.figures()) {
        if (!channel.trouble.empty()) troubles.push_back(std::move(channel.trouble));
      }
      if (lease_) {
        about["leader"] = leader_shown(lease_->standing());
        if (auto trouble = lease_->standing().trouble; !trouble.empty())
          troubles.push_back(std::move(trouble));
      }
      if (!troubles.empty()) about["troubles"] = troubles;
      if (!left_.empty()) about["left_running"] = left_texts();
      if (const auto& llm = options_.config.llm; llm && llm->mode != LlmMode::kOff) {
        const auto trouble = controller_.model_trouble();
        about["model"] =
            fmt::format("{} {}{}", llm->provider, llm->model,
                        trouble.empty() ? "" : ", no answer: " + trouble + "; scaling goes on without it");
      }
      about.update(*answer);
      answer = std::move(about);
    }
    return answer;
  }

  ordered_json stop(bool replicas) {
    if (!replicas) {
      auto text = std::make_shared<std::promise<std::string>>();
      auto future = text->get_future();
      controller_.inbox()->push_first([this, text] {
        auto left = left_running(controller_);
        if (!left_.empty())
          left +=
              fmt::format("; of services no longer in the configuration: {}", fmt::join(left_texts(), ", "));
        text->set_value(std::move(left));
        stop_.request_stop();
      });
      if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
        stop_.request_stop();
        return {{"ok", true}, {"text", ""}};
      }
      return {{"ok", true}, {"text", future.get()}};
    }
    auto why_not = std::make_shared<std::promise<std::string>>();
    auto refused = why_not->get_future();
    controller_.inbox()->push_first([this, why_not] {
      auto why = controller_.not_leading();
      if (why.empty()) stop_all_replicas();
      why_not->set_value(std::move(why));
    });
    if (refused.wait_for(std::chrono::seconds(30)) == std::future_status::ready) {
      if (const auto why = refused.get(); !why.empty())
        return refusal({ErrorCode::kConflict,
                        fmt::format("{}; stop the replicas there, and this daemon without --replicas", why)});
    }
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
  std::vector<FileLock> own_locks_;
  std::shared_ptr<LogFile> log_file_;
  std::shared_ptr<spdlog::logger> log_;
  RealClock clock_;
  HostReader host_;
  const Time started_ = clock_.now();
  FileJournal journal_;
  StateStore state_;
  std::mutex claims_mutex_;
  std::map<std::string, std::weak_ptr<FileLock>> claims_;  // by the lock's file; what targets hold, too
  Locks locks_;
  std::string looked_at_;             // of locks_, last
  std::string log_trouble_;           // as last told
  std::map<std::string, Left> left_;  // services that left the configuration with replicas running
  std::size_t starting_ = 0;          // so many services are being made, made_ are
  std::size_t made_ = 0;
  std::chrono::steady_clock::time_point answered_{};
  std::stop_source stop_;
  std::string reload_error_;
  bool refused_file_ = false;  // what was refused is a file other than that in effect
  ConfigFile config_file_;
  Board board_{clock_.now()};
  Wiring wiring_;  // before the controller: connections and supervisors outlive what uses them
  std::unique_ptr<KubernetesLease> lease_;
  Controller controller_;
  notify::Notifier notifier_;
  DaemonWeb web_;  // last: its threads ask everything above
};

}  // namespace

namespace {

int run_locked(DaemonOptions options, const Starter& starter) {
  const auto refuse = [&](const std::string& why) {
    starter.report({false, {why}});
    return 1;
  };
  const Instance& i = options.instance;
  for (const std::string& folder : {i.state_dir, i.runtime_dir, i.log_dir, options.locks_dir}) {
    if (auto r = own_folder(folder); !r) {
      return refuse(
          fmt::format("{}; let this user write there, or set DOCKTOR_STATE_DIR, DOCKTOR_RUNTIME_DIR "
                      "and DOCKTOR_LOG_DIR",
                      r.error().message));
    }
  }
  auto locks = lock_instance(i);
  if (!locks) return refuse(locks.error().message);
  auto log_file = std::make_shared<LogFile>(LogFile::Options{.path = i.log_file()});
  if (!log_file->trouble().empty()) options.foreground = true;  // no disk for the log: stderr must do
  Daemon daemon(std::move(options), std::move(*locks), std::move(log_file));
  if (auto r = daemon.lock_services(); !r) return refuse(r.error().message);
  if (auto r = daemon.open_lease(); !r) return refuse(r.error().message);
  return daemon.run(starter);
}

}  // namespace

int run_daemon(DaemonOptions options, const Starter& starter) {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);   // a file-size limit is a full disk, not an end
  ::prctl(PR_SET_DUMPABLE, 0);  // a core would have the passwords; workers are not touched by it
  raise_descriptor_limit();
  try {
    return run_locked(std::move(options), starter);
  } catch (const std::system_error& error) {  // no thread, no descriptor
    starter.report({false,
                    {fmt::format("the system has no more for us: {}; raise the limits of processes and open "
                                 "files (ulimit -u, ulimit -n, TasksMax, pids.max)",
                                 error.what())}});
    return 1;
  }
}

}  // namespace docktor
