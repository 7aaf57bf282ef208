#include "app/daemon.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "app/daemon_impl.h"
#include "app/daemon_setup.h"
#include "app/leases.h"
#include "app/version.h"
#include "llm/model_adviser.h"
#include "os/atomic_file.h"
#include "os/resident.h"

namespace docktor {
namespace {

constexpr auto kAnswerEvery = std::chrono::milliseconds(50);  // while services are made
constexpr auto kProgressEvery = std::chrono::seconds(1);
constexpr auto kFirstLook = std::chrono::seconds(2);   // for the starter's warnings
constexpr auto kReadyWait = std::chrono::seconds(30);  // with --wait-ready

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

}  // namespace

std::string run_id_of(Time started) {
  auto n = static_cast<std::uint64_t>(to_seconds(started) * 10);
  std::string s;
  do {
    s.insert(s.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36]);
    n /= 36;
  } while (n > 0);
  return s;
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

Daemon::Daemon(DaemonOptions options, std::vector<FileLock> own_locks, std::shared_ptr<LogFile> log_file)
    : options_(std::move(options)),
      own_locks_(std::move(own_locks)),
      log_file_(std::move(log_file)),
      log_(make_logger(log_file_, options_.foreground)),
      journal_({.path = options_.instance.journal_file()}),
      state_(options_.instance.state_dir),
      locks_(options_.locks_dir, options_.spare_locks_dir, options_.instance.config),
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
                 auto lock = locks_.claim(service, what);
                 if (!lock) return tl::unexpected(lock.error());
                 return std::shared_ptr<void>(lock->second);
               }}),
      controller_({.clock = clock_,
                   .journal = journal_,
                   .state = state_,
                   .log = *log_,
                   .metadata = {{"provider", "none"}, {"model", ""}},
                   .run_id = run_id_,
                   .manual = options_.manual,
                   .board = &board_,
                   .look_at_host = [this] { return host_.look(); }}),
      journal_answers_(board_, options_.instance),
      shell_parts_{
          .board = board_,
          .clock = clock_,
          .instance = options_.instance,
          .config = options_.config.path,
          .version = kVersion,
          .run_id = run_id_,
          .manual = options_.manual,
          .ask = [this](const std::string& operation, const nlohmann::json& arguments,
                        const Asker& asker) { return ask(operation, arguments, asker); },
          .recorded = [this](const std::string& service, Time from, Time to,
                             std::size_t most) { return journal_answers_.recorded(service, from, to, most); },
          .receivers = [this] { return shells_.receivers(); },
          .log = log_to(log_)},
      shells_(shell_parts_) {}

Result<void> Daemon::lock_services() {
  auto locks = locks_.of(options_.config, wiring_, true);
  if (!locks) return tl::unexpected(locks.error());
  locks_.hold(std::move(*locks));
  return {};
}

// The right to act that daemons of other hosts may have. Before run().
Result<void> Daemon::open_lease() {
  auto lease = docktor::open_lease(options_.daemon.lease,
                                   {.clock = clock_,
                                    .on_change = [inbox = controller_.inbox()] { inbox->push([] {}); },
                                    .log = log_to(log_)});
  if (!lease) return tl::unexpected(lease.error());
  lease_ = std::move(*lease);
  controller_.share(lease_.get());
  shells_.share(lease_.get());
  return {};
}

std::string Daemon::apply(const std::vector<ServiceSpec>& services,
                          const std::function<bool(std::size_t)>& between) {
  controller_.advise_with(advising_of(options_.config));
  controller_.shares().limit_total(options_.config.max_total_replicas);
  controller_.shares().limit_host(options_.daemon.host);
  auto text = controller_.apply(
      services,
      [this](const ServiceSpec& spec) {
        return wiring_.make(options_.config, spec, controller_.change_callback(spec.name));
      },
      between);
  if (lease_) lease_->keep(controller_.names());
  return text;
}

int Daemon::run(const Starter& starter) {
  log_->info("docktor {} starts, pid {}, config {}", kVersion, ::getpid(), options_.config.path);
  if (const auto why = too_few_descriptors(options_.config); !why.empty()) log_->warn("⚠ {}", why);
  // Whoever asks or stops us is heard from the first moment: thousands of services take seconds.
  const auto signals = wait_for_signals();
  // However we leave: who waits for the loop waits no longer, then the shells end.
  struct End {
    Daemon& daemon;
    ~End() {
      daemon.journal_answers_.stop();
      daemon.controller_.inbox()->close_and_drop();
      daemon.shells_.close();
    }
  } end{*this};
  if (auto opened = shells_.open(options_.daemon); !opened) {
    starter.report({false, {opened.error().message}});
    return kExitFailedStart;
  }
  shells_.tell("started", fmt::format("docktor {}, pid {}", kVersion, ::getpid()));
  if (lease_) lease_->begin();
  make_services(starter);
  if (!first_look(starter.report)) {
    let_go();
    return kExitFailedStart;
  }
  let_go_of_code();
  service_manager_.ready();
  service_manager_.status(fmt::format("services: {}", options_.config.services.size()));
  controller_.run(stop_.get_token());
  service_manager_.stopping();
  controller_.inbox()->close_and_drop();  // nobody is answered any more
  const auto left = left_running(controller_);
  log_->info("stopped; {}", left);
  let_go();
  shells_.tell("stopped", left);
  return 0;
}

// Nothing is on its way any more when another one leads.
void Daemon::let_go() {
  if (!lease_) return;
  controller_.close();
  lease_->release();
}

void Daemon::make_services(const Starter& starter) {
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
      service_manager_.status(progress);
      if (starter.progress) starter.progress(progress);
    }
    return !stop_.stop_requested();
  });
  starting_ = 0;
  log_->info("services: {}", text);
}

std::string Daemon::starting_text() const {
  return fmt::format("starting: {} of {} services", made_, starting_);
}

// Once a second, on the loop: what others may have removed is made anew, or we end.
void Daemon::look_after_folders() {
  service_manager_.alive();
  const Instance& i = options_.instance;
  for (const auto& folder : {i.state_dir, i.runtime_dir, i.log_dir}) static_cast<void>(make_folder(folder));
  look_after_refused_file();
  bool ours = locks_.look_after(*log_);
  for (auto& lock : own_locks_) ours = DaemonLocks::keep(lock, "this instance", *log_) && ours;
  if (!ours) stop_.request_stop();
  const auto trouble = log_file_->trouble();
  if (!trouble.empty() && trouble != log_trouble_) log_->warn("⚠ {}", trouble);  // where stderr is a log, too
  log_trouble_ = trouble;
}

// Runs the loop until everything answered, or long enough to tell the starter what does not.
bool Daemon::first_look(const std::function<void(const StartReport&)>& report) {
  const auto until =
      std::chrono::steady_clock::now() + (options_.wait_ready ? Duration(kReadyWait) : Duration(kFirstLook));
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

std::jthread Daemon::wait_for_signals() {
  return heed_signals(
      {.hang_up =
           [this] {
             controller_.inbox()->push([this] {
               const auto done = reload();  // says by itself, in the log and in status, how it went
               static_cast<void>(done);
             });
           },
       .stop =
           [this](int signal) {
             log_->info("signal {}: stopping", signal);
             stop_.request_stop();
           },
       .each_second = [this] { controller_.inbox()->push([this] { look_after_folders(); }); }});
}

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
  block_signals();
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
