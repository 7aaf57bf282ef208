#include "targets/process/process_supervisor.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <stdexcept>

namespace docktor {
namespace {

bool add(int epoll, int fd) {
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

// Of the thread's time, passes over /proc get a fifth at most.
constexpr auto kLooksApart = std::chrono::milliseconds(20);
constexpr int kPauseForPass = 4;

}  // namespace

ProcessSupervisor::ProcessSupervisor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_ || !add(epoll_.get(), bell_.fd())) {
    throw std::runtime_error(fmt::format("cannot supervise processes: {}", std::strerror(errno)));
  }
  thread_ = std::thread([this] { loop(); });
}

ProcessSupervisor::~ProcessSupervisor() {
  post([this] { stop_ = true; });
  thread_.join();
}

void ProcessSupervisor::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > 1) return;  // the thread knows already
  }
  bell_.ring();
}

void ProcessSupervisor::run(const std::function<void()>& task) {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  post([&] {
    task();
    const std::lock_guard lock(mutex);
    done = true;
    finished.notify_all();
  });
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return done; });
}

bool ProcessSupervisor::watch(int fd, std::function<void()> handler) {
  if (!add(epoll_.get(), fd)) return false;
  watches_[fd] = std::make_shared<std::function<void()>>(std::move(handler));
  return true;
}

void ProcessSupervisor::forget(int fd) {
  if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void ProcessSupervisor::wake(const void* owner, TimePoint when, std::function<void()> handler) {
  no_wake(owner);
  timer_of_[owner] = timers_.emplace(when, std::pair(owner, std::move(handler)));
}

void ProcessSupervisor::no_wake(const void* owner) {
  const auto it = timer_of_.find(owner);
  if (it == timer_of_.end()) return;
  timers_.erase(it->second);
  timer_of_.erase(it);
}

const std::string& ProcessSupervisor::identity_of(const std::string& folder, Result<void>& kept) {
  auto it = identities_.find(folder);
  if (it == identities_.end()) {
    Result<void> made;
    auto identity = folder_identity(folder, made);
    it = identities_.emplace(folder, std::pair(std::move(identity), std::move(made))).first;
  }
  kept = it->second.second;
  return it->second.first;
}

NotifySocket& ProcessSupervisor::notify(const std::string& folder) {
  if (const auto it = notify_.find(folder); it != notify_.end()) return it->second;
  Result<void> kept;
  auto& socket = notify_.try_emplace(folder, folder, identity_of(folder, kept)).first->second;
  if (socket.fd() >= 0) (void)watch(socket.fd(), [&socket] { socket.read(); });
  return socket;
}

void ProcessSupervisor::reap_later(Fd pidfd, const ProcessIdentity& identity) {
  const int fd = pidfd.get();
  const auto reap = [fd] {
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(fd), &info, WEXITED | WNOHANG);
  };
  if (has_ended(pidfd)) return reap();
  const bool watched = watch(fd, [this, fd, reap, pid = identity.pid] {
    reap();
    forget(fd);
    orphans_.erase(pid);
  });
  if (watched) orphans_.insert_or_assign(identity.pid, std::pair(std::move(pidfd), identity));
}

Fd ProcessSupervisor::take_back(const ProcessIdentity& identity) {
  const auto it = orphans_.find(identity.pid);
  if (it == orphans_.end() || it->second.second != identity) return {};
  Fd pidfd = std::move(it->second.first);
  forget(pidfd.get());
  orphans_.erase(it);
  return pidfd;
}

void ProcessSupervisor::look_for_left(const void* owner, Looker looker) {
  if (!lookers_.try_emplace(owner, std::move(looker)).second) return;
  if (next_look_ <= std::chrono::steady_clock::now())
    post([this] { look(); });
  else
    wake(&lookers_, next_look_, [this] { look(); });
}

void ProcessSupervisor::look() {
  const auto lookers = std::exchange(lookers_, {});
  if (lookers.empty()) return;
  std::vector<EndedReplica> ended;
  std::vector<std::size_t> of_each;
  for (const auto& [owner, l] : lookers) {
    const auto these = l.ended();
    of_each.push_back(these.size());
    ended.insert(ended.end(), these.begin(), these.end());
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto left = find_left(ended);
  const auto now = std::chrono::steady_clock::now();
  next_look_ = now + std::max<TimePoint::duration>(kLooksApart, kPauseForPass * (now - begin));
  std::span<const std::vector<ProcessIdentity>> rest(left);
  auto n = of_each.begin();
  for (const auto& [owner, l] : lookers) {
    l.found(rest.first(*n));
    rest = rest.subspan(*n++);
  }
}

int ProcessSupervisor::timeout_ms() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first - std::chrono::steady_clock::now();
  if (left <= std::chrono::nanoseconds::zero()) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(ms, 60'000));
}

void ProcessSupervisor::run_tasks() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

void ProcessSupervisor::run_timers() {
  const auto now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_of_.erase(node.mapped().first);
    node.mapped().second();
  }
}

void ProcessSupervisor::loop() {
  std::array<epoll_event, 64> events;
  while (!stop_) {
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == bell_.fd()) {
        bell_.silence();
        continue;
      }
      // A handler may forget descriptors of this very batch, and new ones may take their numbers; a handler
      // called for nothing is harmless, since each looks whether its process has ended.
      const auto it = watches_.find(fd);
      if (it == watches_.end()) continue;
      const auto handler = it->second;
      (*handler)();
    }
    run_timers();
    run_tasks();
  }
}

}  // namespace docktor
