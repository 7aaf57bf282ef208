#include "queues/redis/redis_login.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "core/text.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

// "role:master\r\n" → master
std::string info_field(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const auto end = info.find('\n');
    auto line = info.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      return one_line(line.substr(name.size() + 1));
    info = end == std::string_view::npos ? std::string_view() : info.substr(end + 1);
  }
  return {};
}

RedisCommand auth(const std::string& user, const std::string& password) {
  return user.empty() ? RedisCommand{"AUTH", password} : RedisCommand{"AUTH", user, password};
}

class Login {
 public:
  explicit Login(const RedisLoginOptions& options) : o_(options) {}

  Result<RedisLogin> run() {
    std::string url = o_.resolve ? o_.resolve(o_.url) : std::string();
    if (url.empty()) url = o_.url;
    const auto addresses = parse_redis_url(url);
    if (!addresses) return fail(ErrorCode::kInvalid, "the queue's url " + addresses.error().message);
    Error worst{ErrorCode::kUnavailable, "the queue's url is empty", true};
    bool first = true;
    for (const auto& address : *addresses) {
      auto got = o_.sentinel.empty() ? sign_in(address) : by_sentinel(address);
      if (got && o_.sentinel.empty() && addresses->size() > 1 && got->server.mode != "cluster")
        got = several_apart(got->server);
      if (got) return got;
      // One that refuses us tells more than those that are not there.
      if (first || worst.code == ErrorCode::kUnavailable || worst.code == ErrorCode::kTimeout)
        worst = got.error();
      first = false;
    }
    return tl::unexpected(std::move(worst));
  }

 private:
  // Which one of several servers that know nothing of each other is meant nobody can tell.
  static tl::unexpected<Error> several_apart(const RedisServer& server) {
    if (server.mode.empty()) {
      return fail(
          ErrorCode::kDenied,
          fmt::format(
              "{} does not tell whether it belongs to a cluster, and queue.url has several addresses: "
              "allow this user INFO (ACL SETUSER NAME +info), or write one address",
              server.place),
          true);
    }
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is no cluster, and queue.url has several addresses: write one; or "
                            "queue.sentinel with the master's name, where they are sentinels",
                            server.place),
                true);
  }

  Error in_place(const RedisAddress& a, const Error& e) const {
    return {e.code, fmt::format("{}: {}", a.place(), e.message), e.retry};
  }

  Result<RedisLogin> sign_in(const RedisAddress& address) {
    const auto deadline = steady_clock::now() + o_.timeout;
    auto socket = RedisSocket::connect(address, o_.tls, deadline);
    if (!socket) return tl::unexpected(socket.error());
    ReplyReader reader;
    std::vector<RedisCommand> commands;
    // What the queue's own keys say comes before what its address carries.
    const bool keys = !o_.password.empty() || !o_.user.empty();
    const auto& user = keys ? o_.user : address.user;
    const auto& password = keys ? o_.password.value : address.password.value;
    if (!password.empty() || !user.empty()) commands.push_back(auth(user, password));
    if (address.db != 0) commands.push_back({"SELECT", std::to_string(address.db)});
    commands.push_back({"INFO", "server"});
    commands.push_back({"INFO", "replication"});
    const auto replies = socket->talk(commands, reader, deadline);
    if (!replies) return tl::unexpected(in_place(address, replies.error()));
    RedisServer server{.place = address.place(), .db = address.db};
    for (std::size_t i = 0; i < replies->size(); ++i) {
      const auto& reply = (*replies)[i];
      const auto& name = commands[i].front();
      if (reply.is_error()) {
        if (name == "INFO" && reply.is_error("NOPERM")) continue;  // then what it would tell is not known
        return tl::unexpected(redis_error(server.place, reply, name));
      }
      if (name != "INFO" || !reply.words()) continue;
      const auto take = [&](std::string& into, std::string_view field) {
        if (auto text = info_field(*reply.words(), field); !text.empty()) into = std::move(text);
      };
      take(server.version, "redis_version");
      take(server.run_id, "run_id");
      take(server.mode, "redis_mode");
      if (commands[i].back() == "replication") take_replication(server, *reply.words());
    }
    if (server.mode == "sentinel") {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} is a sentinel; write queue.sentinel with the name of the master too",
                              server.place));
    }
    return RedisLogin{std::move(*socket), std::move(server)};
  }

  // The sentinels know the master's address; the master itself must say that it is one, for they may be late.
  Result<RedisLogin> by_sentinel(const RedisAddress& sentinel) {
    const auto deadline = steady_clock::now() + o_.timeout;
    auto socket = RedisSocket::connect(sentinel, o_.tls, deadline);
    if (!socket) return tl::unexpected(socket.error());
    ReplyReader reader;
    std::vector<RedisCommand> commands;
    // Its own stand in the address; else those of the server, which one that asks for none does not mind.
    const bool its_own = !sentinel.password.empty();
    const auto& password = its_own ? sentinel.password.value : o_.password.value;
    if (!password.empty()) commands.push_back(auth(its_own ? sentinel.user : o_.user, password));
    commands.push_back({"SENTINEL", "get-master-addr-by-name", o_.sentinel});
    const auto replies = socket->talk(commands, reader, deadline);
    if (!replies) return tl::unexpected(in_place(sentinel, replies.error()));
    const auto& reply = replies->back();
    if (reply.is_error("ERR")) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{} is not a sentinel ({}): write the addresses of the sentinels in queue.url, or "
                      "leave queue.sentinel out",
                      sentinel.place(), one_line(reply.text)));
    }
    if (reply.is_error("NOAUTH")) {
      return fail(
          ErrorCode::kDenied,
          fmt::format("the sentinel at {} {}: write its own before its address in queue.url "
                      "(redis://:PASSWORD@HOST); queue.password is that of the servers",
                      sentinel.place(), password.empty() ? "asks for a password" : "refused the credentials"),
          true);
    }
    if (reply.is_error()) return tl::unexpected(redis_error(sentinel.place(), reply, "SENTINEL"));
    const bool known = reply.items.size() == 2 && reply.items[0].words() && reply.items[1].count();
    if (!known) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("the sentinel at {} knows no master {:?}: check queue.sentinel",
                              sentinel.place(), one_line(o_.sentinel)),
                  true);
    }
    RedisAddress master = sentinel;
    master.path.clear();
    master.host = *reply.items[0].words();
    master.port = static_cast<int>(std::min<std::uint64_t>(*reply.items[1].count(), 65'535));
    auto got = sign_in(master);
    if (got && got->server.role == "slave") {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("{} is a replica: the sentinels have not agreed on a master yet", master.place()),
          true);
    }
    return got;
  }

  const RedisLoginOptions& o_;
};

}  // namespace

RedisLoginOptions RedisLoginOptions::from(const RedisSpec& spec) {
  RedisLoginOptions o;
  o.url = spec.url;
  o.user = spec.user;
  o.password = spec.password;
  o.tls = {spec.tls_ca_file, spec.tls_cert_file, spec.tls_key_file, spec.tls_verify};
  o.sentinel = spec.sentinel;
  return o;
}

std::string RedisLoginOptions::key() const {
  std::string out;
  for (const auto* part :
       {&url, &scope, &user, &password.value, &tls.ca_file, &tls.cert_file, &tls.key_file, &sentinel}) {
    out += *part;
    out += '\0';
  }
  out += tls.verify ? 'v' : '-';
  return out;
}

RedisLoginOptions RedisLoginOptions::at(const std::string& place) const {
  RedisLoginOptions o = *this;
  bool encrypted = false;
  if (const auto addresses = parse_redis_url(url)) {
    encrypted = addresses->front().tls;
    if (user.empty() && password.empty()) {
      o.user = addresses->front().user;
      o.password = addresses->front().password;
    }
  }
  o.url = (encrypted ? "rediss://" : "redis://") + place;
  return o;
}

std::string RedisLoginOptions::shown() const { return redacted_url(url); }

int RedisServer::major() const {
  int n = 0;
  std::from_chars(version.data(), version.data() + version.size(), n);
  return n;
}

void take_replication(RedisServer& server, std::string_view info) {
  server.role = info_field(info, "role");
  server.master.clear();
  server.behind = false;
  if (server.role != "slave") return;
  server.master = fmt::format("{}:{}", info_field(info, "master_host"), info_field(info, "master_port"));
  server.behind = info_field(info, "master_link_status") != "up";
}

Result<RedisLogin> log_in(const RedisLoginOptions& options) { return Login(options).run(); }

Error redis_error(const std::string& place, const Reply& error, const std::string& command) {
  const auto said = one_line(error.text);
  if (error.is_error("NOAUTH") ||
      said ==
          "ERR AUTH <password> called without any password configured for the default "
          "user. Are you sure your configuration is correct?") {
    return {ErrorCode::kDenied,
            error.is_error("NOAUTH")
                ? fmt::format("{} asks for a password: write queue.password or queue.password_file", place)
                : fmt::format("{} has no password, and the queue has one: take the password out of "
                              "queue.url or queue.password",
                              place),
            true};
  }
  if (error.is_error("WRONGPASS") || said.starts_with("ERR invalid password")) {
    return {ErrorCode::kDenied,
            fmt::format("{} refused the credentials: check user and password of the queue", place), true};
  }
  if (error.is_error("NOPERM")) {
    return {ErrorCode::kDenied,
            fmt::format("{}: this user may not use {}: allow it (docs/redis.md has the list): {}", place,
                        command, said),
            true};
  }
  if (error.is_error("LOADING"))
    return {ErrorCode::kUnavailable, fmt::format("{} is reading its data from disk", place), true};
  if (error.is_error("MASTERDOWN"))
    return {ErrorCode::kUnavailable, fmt::format("{} is a replica that has lost its master", place), true};
  if (error.is_error("BUSY"))
    return {ErrorCode::kUnavailable, fmt::format("{} is busy with a script", place), true};
  if (command == "SELECT" && said.find("cluster mode") != std::string::npos) {
    return {
        ErrorCode::kInvalid,
        fmt::format("{} belongs to a cluster, which has only database 0: take the number out of queue.url",
                    place),
        true};
  }
  if (error.is_error("CLUSTERDOWN") || error.is_error("TRYAGAIN") || error.is_error("MOVED") ||
      error.is_error("ASK")) {
    return {ErrorCode::kUnavailable, fmt::format("{}: the cluster answers {}", place, said), true};
  }
  if (error.is_error("WRONGTYPE")) {
    return {ErrorCode::kInvalid,
            fmt::format("{}: a key of the queue holds another type of value than {} reads", place, command),
            true};
  }
  return {ErrorCode::kInternal, fmt::format("{}: {} is answered with: {}", place, command, said), true};
}

}  // namespace docktor
