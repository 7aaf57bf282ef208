// `docktor top`: all services in the terminal, as they change. Looks only, unless --act.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

#include "api/control_socket.h"
#include "app/commands.h"
#include "app/instances.h"
#include "app/screen.h"
#include "app/terminal.h"
#include "core/json_text.h"
#include "notify/notifier.h"
#include "os/bell.h"
#include "os/fd.h"
#include "os/http_client.h"
#include "top/events.h"
#include "top/view.h"

extern char** environ;

namespace docktor {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kLeastBetween = 250ms;  // two pictures
constexpr auto kHistoryEvery = 5s;
constexpr auto kReconnect = 1s;
constexpr auto kSilent = 15s;  // the stream says something each 10 s
constexpr std::size_t kMostPending = 16 << 20;
constexpr auto kActTimeout = 35s;

double unix_now() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// What comes from the daemon, on the client's thread; the loop is woken by a descriptor.
class Line {
 public:
  explicit Line(const std::string& socket)
      : client_({.base_url = "http://localhost", .unix_socket = socket}) {}

  int fd() const { return bell_.fd(); }

  struct News {
    std::string stream;                                        // pieces of the stream of events
    std::vector<std::pair<std::string, std::string>> answers;  // "history NAME" → body
    bool began = false, ended = false;
  };
  News take() {
    bell_.silence();
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
  }

  void listen() {
    client_.submit(
        {.path = "/api/v1/events", .timeout = Duration::zero()},
        [this](const Result<HttpResponse>&) { tell([](News& n) { n.ended = true; }); },
        [this](std::string_view piece) {
          bool room = true;
          tell([&](News& n) {
            n.began = true;
            room = n.stream.size() + piece.size() <= kMostPending;
            if (room) n.stream += piece;
          });
          return room;
        });
  }

  void get(const std::string& what, std::string path) {
    client_.submit({.path = std::move(path)}, [this, what](const Result<HttpResponse>& r) {
      if (r && r->status == 200) tell([&](News& n) { n.answers.emplace_back(what, r->body); });
    });
  }

 private:
  template <class Change>
  void tell(Change&& change) {
    {
      const std::lock_guard lock(mutex_);
      change(news_);
    }
    bell_.ring();
  }

  const Bell bell_{"no descriptor is left to follow the daemon with"};
  std::mutex mutex_;
  News news_;
  HttpClient client_;  // last: its thread uses all above
};

// The same program with other words, in the foreground.
void run_ourselves(std::vector<std::string> words) {
  words.insert(words.begin(), "docktor");
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, &how, argv.data(), environ) == 0) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  posix_spawnattr_destroy(&how);
}

void wait_for_enter() {
  fmt::print("\nEnter goes back to docktor top.");
  std::fflush(stdout);
  char c = 0;
  while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
  }
}

class Top {
 public:
  Top(const Chosen& chosen, bool acts) : instance_(chosen.instance), line_(instance_.http_socket_file()) {
    model_.acts = acts;
    model_.host = notify::host_name();
    line_.listen();
    connecting_ = true;
  }

  // For a pipe: what is now, once.
  int print_table() {
    const auto until = steady_clock::now() + 10s;
    while (steady_clock::now() < until) {
      pollfd p{line_.fd(), POLLIN, 0};
      ::poll(&p, 1, 100);
      take_news();
      if (complete_) {
        fmt::print("{}", top::table(model_));
        return 0;
      }
      if (!connecting_) break;
    }
    say(stderr, "docktor: the daemon does not answer at {}\n", instance_.http_socket_file());
    return kExitFailed;
  }

  int run(int signals) {
    Screen screen;
    const auto terminal = Terminal::of(stdout);
    while (!ended_) {
      const auto now = steady_clock::now();
      if (!connecting_ && now >= retry_) {
        connecting_ = true;
        line_.listen();
      }
      ask_history(now);
      model_.now = unix_now();
      model_.silent.reset();
      const auto quiet = now - heard_;
      if ((!listening_ && quiet > 2 * kReconnect) || quiet > kSilent)
        model_.silent = std::chrono::duration<double>(quiet).count();
      const auto size = Screen::size();
      if (dirty_ || now >= drawn_ + 1s) {
        if (now - drawn_ >= kLeastBetween || typed_) {
          screen.show(top::picture(model_, {size.columns, size.rows, terminal.colour, terminal.utf8}));
          drawn_ = now;
          dirty_ = typed_ = false;
        }
      }
      std::array<pollfd, 3> ready{{{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}, {line_.fd(), POLLIN, 0}}};
      ::poll(ready.data(), ready.size(), dirty_ ? 50 : 250);
      if (ready[2].revents) take_news();
      if (ready[1].revents) take_signals(signals, screen);
      if (ready[0].revents & (POLLHUP | POLLERR)) ended_ = true;
      if (ready[0].revents & POLLIN) take_keys(screen);
    }
    return 0;
  }

 private:
  void take_news() {
    auto news = line_.take();
    if (news.began || !news.stream.empty()) {
      listening_ = true;
      heard_ = steady_clock::now();
    }
    if (!reader_.feed(news.stream)) news.ended = true;
    for (const auto& [what, body] : news.answers) {
      const auto service = what.substr(what.find(' ') + 1);
      if (what.starts_with("history ")) {
        model_.take_history(service, body);
      } else if (const auto j = parse_json<nlohmann::ordered_json>(body);
                 j.is_object() && j.contains("decisions")) {
        model_.take_decisions(service, j["decisions"]);
      }
      dirty_ = true;
    }
    if (news.ended) {
      connecting_ = listening_ = false;
      retry_ = steady_clock::now() + kReconnect;
      reader_ = make_reader();
      asked_for_.clear();
      dirty_ = true;
    }
  }

  top::EventReader make_reader() {
    return top::EventReader([this](const std::string& event, const std::string& data) {
      model_.take(event, data);
      complete_ = complete_ || event == "services";
      dirty_ = true;
    });
  }

  void take_signals(int signals, Screen& screen) {
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const auto s = static_cast<int>(info.ssi_signo);
      if (s == SIGWINCH) screen.forget();
      if (s == SIGTERM || s == SIGHUP || s == SIGQUIT) ended_ = true;
    }
    typed_ = dirty_ = true;
  }

  void ask_history(steady_clock::time_point now) {
    const auto* s = model_.chosen();
    if (!s || !listening_) return;
    if (s->name == asked_for_ && now < ask_again_) return;
    const auto path = "/api/v1/services/" + url_encoded(s->name);
    line_.get("history " + s->name, path + "/history");
    if (s->name != asked_for_) line_.get("decisions " + s->name, path + "/decisions?changes=true&last=20");
    asked_for_ = s->name;
    ask_again_ = now + kHistoryEvery;
  }

  void take_keys(Screen& screen) {
    std::array<char, 256> bytes{};
    const auto n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n <= 0) {
      ended_ = true;
      return;
    }
    for (const auto& key : keys_in(std::string(bytes.data(), static_cast<std::size_t>(n)))) {
      if (key == "ctrl-c")
        ended_ = true;
      else if (key == "ctrl-z")
        screen.suspend();
      else if (key == "ctrl-l")
        screen.forget();
      else if (model_.question)
        answer(key);
      else if (model_.typing)
        type(key);
      else
        press(key, screen);
    }
    typed_ = dirty_ = true;
  }

  void type(const std::string& key) {
    if (key == "esc") model_.filter.clear();
    if (key == "esc" || key == "enter") model_.typing = false;
    if (key == "backspace" && !model_.filter.empty()) model_.filter.pop_back();
    if (key.size() == 1 && model_.filter.size() < 60) model_.filter += key;
  }

  void answer(const std::string& key) {
    const auto q = *std::exchange(model_.question, {});
    if (key != "y" && key != "Y") {
      model_.message = "nothing was done";
      return;
    }
    const auto done =
        ask(instance_.socket_file(), {{"command", q.operation}, {"arguments", q.arguments}, {"via", "top"}},
            kActTimeout);
    model_.message = plain_text(done ? done->value("text", "done") : done.error().message);
  }

  void press(const std::string& key, Screen& screen) {
    model_.message.clear();
    const int page = static_cast<int>(Screen::size().rows) - 4;
    if (key == "up" || key == "k") model_.move(-1);
    if (key == "down" || key == "j") model_.move(1);
    if (key == "page_up") model_.move(-page);
    if (key == "page_down") model_.move(page);
    if (key == "home" || key == "g") model_.move(-1'000'000);
    if (key == "end" || key == "G") model_.move(1'000'000);
    if (key == "/") model_.typing = true;
    if (key == "esc") model_.filter.clear();
    if (key == "s") model_.next_sort();
    if (key == "r") model_.reverse = !model_.reverse;
    if (key == "?" || model_.help) model_.help = key == "?" && !model_.help;
    if (key == "q") ended_ = true;
    const auto* s = model_.chosen();
    if (key == "w") elsewhere(screen, {"web", "--config", instance_.config});
    if (s && key == "l")
      elsewhere(screen, {"daemon", "logs", "--config", instance_.config, "--service", s->name});
    if (s && key == "enter" && s->decision)
      elsewhere(screen, {"explain", s->decision->id, "--config", instance_.config});
    if (model_.acts && s) act(key, *s);
  }

  void act(const std::string& key, const top::ServiceLine& s) {
    const auto ask_once = [&](const std::string& text, const char* operation,
                              nlohmann::ordered_json arguments) {
      model_.question = top::Question{text, operation, std::move(arguments)};
    };
    if (key == "p") ask_once(fmt::format("Pause scaling of {}?", s.name), "pause", {{"service", s.name}});
    if (key == "u")
      ask_once(fmt::format("Let the policy decide for {} again?", s.name), "resume", {{"service", s.name}});
    if (key == "+" || key == "-") {
      const int n = std::clamp(s.target + (key == "+" ? 1 : -1), s.min, s.max);
      ask_once(fmt::format("Run {} replicas of {} until resumed (now {})?", n, s.name, s.target), "scale",
               {{"service", s.name}, {"replicas", n}});
    }
    if (key == "a" || key == "x") {
      const auto list =
          ask(instance_.socket_file(), {{"command", "proposals"}, {"arguments", {{"service", s.name}}}}, 5s);
      const auto proposals =
          list ? list->value("proposals", nlohmann::ordered_json::array()) : nlohmann::ordered_json::array();
      if (proposals.empty()) {
        model_.message = list ? "no proposal waits for " + s.name : plain_text(list.error().message);
        return;
      }
      const auto& p = proposals.front();
      ask_once(fmt::format("{} {} → {} of {}: {}?", key == "a" ? "Approve" : "Reject",
                           p.value("current_replicas", 0), p.value("target_replicas", 0), s.name,
                           plain_text(p.value("reason", ""))),
               key == "a" ? "approve" : "reject", {{"id", p.value("id", "")}});
    }
  }

  void elsewhere(Screen& screen, const std::vector<std::string>& words) {
    screen.outside([&] {
      run_ourselves(words);
      wait_for_enter();
    });
  }

  const Instance instance_;
  Line line_;
  top::Model model_;
  top::EventReader reader_ = make_reader();
  bool connecting_ = false, listening_ = false, complete_ = false;
  bool dirty_ = true, typed_ = true, ended_ = false;
  steady_clock::time_point heard_ = steady_clock::now(), retry_{}, drawn_{}, ask_again_{};
  std::string asked_for_;
};

}  // namespace

int top_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  ::signal(SIGPIPE, SIG_IGN);
  const bool terminal = ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
  if (!terminal) return Top(*chosen, false).print_table();
  // Blocked before the client's thread begins, which then has them blocked, too.
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  return Top(*chosen, cli.act).run(signals.get());
}

}  // namespace docktor
