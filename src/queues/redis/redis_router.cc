#include "queues/redis/redis_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <system_error>
#include <utility>

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr auto kMapWait = std::chrono::milliseconds(700);   // for one server's CLUSTER SLOTS
constexpr auto kMapPause = std::chrono::milliseconds(200);  // between two that are asked for
constexpr std::size_t kMapTries = 8;                        // servers, one after the other
constexpr std::size_t kMaxNodes = 1000;

// A server that says so has no keys for us now, and another one may.
bool out_of_service(const Reply& r) {
  return r.is_error("CLUSTERDOWN") || r.is_error("MASTERDOWN") || r.is_error("LOADING") ||
         r.is_error("TRYAGAIN");
}

// Several servers that answered one batch, as one: another run id when any of them has another.
std::shared_ptr<const RedisServer> all_in_one(std::vector<std::shared_ptr<const RedisServer>> servers) {
  std::ranges::sort(servers, {}, [](const auto& s) { return s->place; });
  const auto same = std::ranges::unique(servers, {}, [](const auto& s) { return s->place; });
  servers.erase(same.begin(), same.end());
  if (servers.size() == 1) return servers.front();
  RedisServer all = *servers.front();
  for (std::size_t i = 1; i < servers.size(); ++i) {
    all.place += (i + 1 == servers.size() ? " and " : ", ") + servers[i]->place;
    all.run_id += " " + servers[i]->run_id;
  }
  return std::make_shared<const RedisServer>(std::move(all));
}

}  // namespace

// Used on the callbacks' thread, and handed in by send().
struct RouterRequest {
  struct Way {
    std::size_t command = 0;
    std::string place;  // empty: where the first connection leads
    bool ask = false;   // the slot is being moved there
  };

  std::vector<RedisCommand> commands;
  std::vector<Reply> replies;                               // by command
  std::vector<std::shared_ptr<const RedisServer>> servers;  // that gave them
  RedisRouter::SteadyTime deadline;
  RedisRouter::Done done;

  std::size_t open = 0;  // parts that have no answer yet
  std::vector<Way> again;
  int rounds = 0;
  std::optional<Error> error;

  ~RouterRequest() { finish(fail(ErrorCode::kUnavailable, "the connection was closed", true)); }
  void finish(Result<RedisAnswer> answer) {
    if (auto call = std::exchange(done, nullptr)) call(std::move(answer));
  }
};

class RedisRouter::State final : public std::enable_shared_from_this<State> {
 public:
  using RequestPtr = std::shared_ptr<RouterRequest>;
  using Way = RouterRequest::Way;

  State(RedisConnection& first, RedisLoginOptions options) : first_(first), options_(std::move(options)) {}

  void begin(const RequestPtr& request) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (stale_ && !asking_map_ && steady_clock::now() >= map_at_) ask_map();
    if (!asking_map_) return dispatch(request, ways(*request));
    waiting_.push_back(request);
    first_.after(
        std::max<Duration>(request->deadline - steady_clock::now(), Duration::zero()),
        [weak = std::weak_ptr(request), shown = first_.shown()] {
          const auto late = weak.lock();
          if (late && late->open == 0)
            late->finish(fail(
                ErrorCode::kTimeout,
                fmt::format("{}: no server of the cluster tells in time who has which slot", shown), true));
        });
  }

  void close() {
    std::map<std::string, std::shared_ptr<RedisConnection>> nodes;
    std::vector<std::future<void>> leaving;
    std::vector<RequestPtr> waiting;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    nodes.swap(nodes_);
    leaving.swap(leaving_);
    waiting.swap(waiting_);
  }

  std::optional<Cluster> cluster() const {
    const std::lock_guard lock(mutex_);
    return cluster_ ? std::optional(Cluster{map_, may_ask_}) : std::nullopt;
  }

 private:
  // All of these with the mutex held, but for those that say so.

  std::vector<Way> ways(const RouterRequest& request) const {
    std::vector<Way> out;
    for (std::size_t i = 0; i < request.commands.size(); ++i) {
      const auto key = cluster_ ? key_of(request.commands[i]) : std::nullopt;
      out.push_back({i, key ? map_.master(redis_slot(*key)) : std::string()});
    }
    return out;
  }

  void dispatch(const RequestPtr& request, const std::vector<Way>& ways) {
    std::map<std::pair<std::string, bool>, std::vector<std::size_t>> parts;
    for (const auto& w : ways) parts[{w.place, w.ask}].push_back(w.command);
    request->replies.resize(request->commands.size());
    request->servers.resize(request->commands.size());
    request->open = std::max<std::size_t>(parts.size(), 1);
    if (parts.empty()) parts[{}] = {};
    for (auto& [to, commands] : parts) send_part(request, to.first, to.second, std::move(commands));
  }

  void send_part(const RequestPtr& request, const std::string& place, bool ask,
                 std::vector<std::size_t> commands) {
    std::vector<RedisCommand> batch;
    for (const auto i : commands) {
      if (ask) batch.push_back({"ASKING"});
      batch.push_back(request->commands[i]);
    }
    auto done = [weak = weak_from_this(), request, ask,
                 commands = std::move(commands)](Result<RedisAnswer> answer) {
      if (const auto self = weak.lock()) self->answered(request, commands, ask, std::move(answer));
    };
    send_to(place, std::move(batch), request->deadline, std::move(done));
  }

  // `done` runs on the callbacks' thread, whoever answers.
  void send_to(const std::string& place, std::vector<RedisCommand> batch, SteadyTime deadline, Done done) {
    if (place.empty()) return first_.send(std::move(batch), deadline, std::move(done));
    auto& first = first_;
    const auto back = [&first, done](Result<RedisAnswer> answer) {
      first.after(Duration::zero(),
                  [done, answer = std::move(answer)]() mutable { done(std::move(answer)); });
    };
    const auto node = connection(place);
    if (node) return (*node)->send(std::move(batch), deadline, back);
    back(tl::unexpected(node.error()));
  }

  Result<std::shared_ptr<RedisConnection>> connection(const std::string& place) {
    if (const auto known = nodes_.find(place); known != nodes_.end()) return known->second;
    if (nodes_.size() >= kMaxNodes)
      return fail(ErrorCode::kExhausted, fmt::format("{}: the cluster has too many servers", place), true);
    try {
      return nodes_.emplace(place, std::make_shared<RedisConnection>(options_.at(place))).first->second;
    } catch (const std::system_error& error) {
      return fail(ErrorCode::kExhausted, fmt::format("{}: no connection: {}", place, error.what()), true);
    }
  }

  // Takes the mutex itself.
  void answered(const RequestPtr& request, const std::vector<std::size_t>& commands, bool ask,
                Result<RedisAnswer> answer) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      if (answer)
        take(*request, commands, ask, *answer);
      else
        request->error = answer.error();
      stale_ = stale_ || (cluster_ && !answer);
      if (--request->open > 0) return;
      if (!request->error && !request->again.empty() && ++request->rounds <= kMaxRounds)
        return dispatch(request, std::exchange(request->again, {}));
    }
    if (request->error) return request->finish(tl::unexpected(*request->error));
    if (!request->again.empty()) {
      return request->finish(
          fail(ErrorCode::kUnavailable,
               fmt::format("{}: the cluster sends us from one server to the next, {} at last: "
                           "slots of the queue are being moved",
                           first_.shown(), request->again.front().place),
               true));
    }
    auto server = request->servers.empty() ? answer->server : all_in_one(request->servers);
    request->finish(RedisAnswer{std::move(request->replies), std::move(server)});
  }

  void take(RouterRequest& request, const std::vector<std::size_t>& commands, bool ask, RedisAnswer& answer) {
    if (!cluster_ && answer.server->mode == "cluster") cluster_ = stale_ = true;
    for (std::size_t i = 0; i < commands.size(); ++i) {
      auto& reply = answer.replies[ask ? 2 * i + 1 : i];
      const auto at = commands[i];
      if (const auto elsewhere = redirection(reply, answer.server->place)) {
        cluster_ = true;
        if (!elsewhere->ask) {
          map_.moved(elsewhere->slot, elsewhere->place);
          stale_ = true;
        }
        request.again.push_back({at, elsewhere->place, elsewhere->ask});
      }
      stale_ = stale_ || (cluster_ && out_of_service(reply));
      request.replies[at] = std::move(reply);
      request.servers[at] = answer.server;
    }
  }

  // Whom to ask who has which slot: another one first each time, for one that is cut off from the others goes on telling
  // what was.
  void ask_map() {
    const auto masters = map_.masters();
    tellers_ = {std::string()};
    tellers_.insert(tellers_.end(), masters.begin(), masters.end());
    tellers_.insert(tellers_.end(), map_.replicas().begin(), map_.replicas().end());
    std::ranges::rotate(tellers_, tellers_.begin() + static_cast<std::ptrdiff_t>(maps_++ % tellers_.size()));
    if (tellers_.size() > kMapTries) tellers_.resize(kMapTries);
    std::ranges::reverse(tellers_);
    asking_map_ = true;
    ask_next();
  }

  void ask_next() {
    const auto teller = std::move(tellers_.back());
    tellers_.pop_back();
    send_to(teller, {{"CLUSTER", "SLOTS"}}, steady_clock::now() + kMapWait,
            [weak = weak_from_this()](const Result<RedisAnswer>& answer) {
              if (const auto self = weak.lock()) self->map_told(answer);
            });
  }

  // Takes the mutex itself. Whoever waits goes on with what is known now: the servers say what is wrong with it.
  void map_told(const Result<RedisAnswer>& answer) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const auto* reply = answer ? &answer->replies.front() : nullptr;
    auto map = reply ? SlotMap::parse(*reply, answer->server->place) : std::nullopt;
    may_ask_ = !reply || !reply->is_error("NOPERM");
    const bool plain = reply && reply->is_error("ERR");  // it has no cluster support
    if (!map && may_ask_ && !plain && !tellers_.empty()) return ask_next();
    if (map || !may_ask_ || plain) {
      map_ = map ? std::move(*map) : SlotMap();
      stale_ = false;
      cluster_ = !plain;
      drop_strangers();
    }
    asking_map_ = false;
    map_at_ = steady_clock::now() + kMapPause;
    for (const auto& request : std::exchange(waiting_, {})) {
      if (request->done) dispatch(request, ways(*request));
    }
  }

  // Connections to servers that have no slot any more. To end one may take seconds, and is not waited for here.
  void drop_strangers() {
    std::erase_if(leaving_, [](const auto& f) {
      return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    const auto masters = map_.masters();
    for (auto it = nodes_.begin(); it != nodes_.end();) {
      if (masters.contains(it->first)) {
        ++it;
        continue;
      }
      try {
        leaving_.push_back(std::async(std::launch::async, [gone = it->second]() mutable { gone.reset(); }));
      } catch (const std::system_error&) {
        return;  // no thread: the next time
      }
      it = nodes_.erase(it);
    }
  }

  RedisConnection& first_;  // outlives the threads of nodes_; not used once this is closed
  const RedisLoginOptions options_;

  mutable std::mutex mutex_;  // guards the rest
  bool closed_ = false;
  bool cluster_ = false;
  bool may_ask_ = true;
  bool stale_ = false;  // the map may be wrong
  bool asking_map_ = false;
  SlotMap map_;
  std::vector<std::string> tellers_;  // who is asked next, the last one first
  std::size_t maps_ = 0;
  SteadyTime map_at_{};
  std::vector<RequestPtr> waiting_;  // for the map
  std::map<std::string, std::shared_ptr<RedisConnection>> nodes_;
  std::vector<std::future<void>> leaving_;
};

RedisRouter::RedisRouter(RedisLoginOptions options)
    : first_(std::make_unique<RedisConnection>(options)),
      state_(std::make_shared<State>(*first_, std::move(options))) {}

RedisRouter::~RedisRouter() { state_->close(); }

void RedisRouter::send(std::vector<RedisCommand> commands, SteadyTime deadline, Done done) {
  auto request = std::make_shared<RouterRequest>();
  request->commands = std::move(commands);
  request->deadline = deadline;
  request->done = std::move(done);
  state_->begin(request);
}

void RedisRouter::after(Duration wait, std::function<void()> task) { first_->after(wait, std::move(task)); }

Result<RedisAnswer> RedisRouter::call(std::vector<RedisCommand> commands, Duration timeout) {
  auto promise = std::make_shared<std::promise<Result<RedisAnswer>>>();
  auto future = promise->get_future();
  send(std::move(commands), steady_clock::now() + timeout,
       [promise](Result<RedisAnswer> r) { promise->set_value(std::move(r)); });
  if (future.wait_for(timeout + std::chrono::seconds(5)) != std::future_status::ready)
    return fail(ErrorCode::kTimeout, fmt::format("{}: no answer in time", first_->shown()), true);
  return future.get();
}

std::optional<RedisRouter::Cluster> RedisRouter::cluster() const { return state_->cluster(); }

std::shared_ptr<RedisRouter> RedisRouters::get(const RedisLoginOptions& options) {
  const auto key = options.key();
  const std::lock_guard lock(mutex_);
  std::erase_if(routers_, [](const auto& r) { return r.second.expired(); });
  for (const auto& [known, weak] : routers_) {
    if (known != key) continue;
    if (auto router = weak.lock()) return router;
  }
  auto router = std::make_shared<RedisRouter>(options);
  routers_.emplace_back(key, router);
  return router;
}

}  // namespace docktor
