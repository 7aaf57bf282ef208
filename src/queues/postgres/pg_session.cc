#include "queues/postgres/pg_session.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <map>
#include <vector>

#include "queues/postgres/pg_address.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxLine = 300;
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

using Words = std::map<std::string, std::string>;

Result<Words> connection_words(const PgLogin& login) {
  auto words = pg_words(login.url);
  if (!words)
    return fail(ErrorCode::kInvalid, "the queue's url is no address of PostgreSQL: write postgres://HOST/DB");
  if (login.resolve) {
    // The name stays: a certificate is checked against it.
    const auto url = login.resolve(login.url);
    if (const auto there = pg_words(url); there && url != login.url && there->contains("host")) {
      (*words)["hostaddr"] = there->at("host");
      if (there->contains("port")) (*words)["port"] = there->at("port");
    }
  }
  // What the queue's own keys say comes before what its address carries.
  if (!login.user.empty()) (*words)["user"] = login.user;
  if (!login.password.empty()) (*words)["password"] = login.password;
  if (login.tls) {
    (*words)["sslmode"] = login.tls_verify ? "verify-full" : "require";
    (*words)["sslrootcert"] = !login.ca_file.empty() ? login.ca_file
                              : login.tls_verify     ? kSystemAuthorities
                                                     : "/nonexistent";
    if (!login.cert_file.empty()) (*words)["sslcert"] = login.cert_file;
    if (!login.key_file.empty()) (*words)["sslkey"] = login.key_file;
  }
  words->erase("replication");
  (*words)["client_encoding"] = "UTF8";
  words->try_emplace("application_name", "docktor");
  return std::move(*words);
}

std::string place_of(const PGconn* c) {
  const auto text = [](const char* t) { return std::string(t ? t : ""); };
  auto host = text(PQhost(c));
  if (host.find(':') != std::string::npos) host = '[' + host + ']';
  return fmt::format("{}:{}", host, text(PQport(c)));
}

// "FATAL:  28P01: password authentication failed ..." → 28P01
std::string sqlstate_in(std::string_view said) {
  for (auto at = said.find(":  "); at != std::string_view::npos; at = said.find(":  ", at + 1)) {
    const auto code = said.substr(at + 3, 5);
    const bool is_code =
        code.size() == 5 && said.substr(at + 8, 1) == ":" &&
        std::ranges::all_of(code, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
    if (is_code) return std::string(code);
  }
  return {};
}

Error refused(const std::string& place, PGconn* c) {
  const std::string said = PQerrorMessage(c);
  const auto state = sqlstate_in(said);
  const auto line = pg_line(said);
  if (PQconnectionNeedsPassword(c))
    return {ErrorCode::kDenied,
            fmt::format("{} asks for a password: write queue.password or queue.password_file", place), true};
  if (state == "28P01")
    return {ErrorCode::kDenied,
            fmt::format("{} refused the credentials: check user and password of the queue", place), true};
  if (state.starts_with("28")) return {ErrorCode::kDenied, fmt::format("{}: {}", place, line), true};
  if (state == "3D000")
    return {ErrorCode::kNotFound, fmt::format("{}: {}; check the database in queue.url", place, line), true};
  if (state == "53300")
    return {ErrorCode::kUnavailable,
            fmt::format("{} has no connection left (max_connections, or the role's limit): {}", place, line),
            true};
  if (state == "57P03")
    return {ErrorCode::kUnavailable, fmt::format("{} is starting up or shutting down: {}", place, line),
            true};
  if (line.find("unsupported startup parameter: options") != std::string::npos)
    return {ErrorCode::kDenied,
            fmt::format("{} takes no options: leave them out of queue.url, or name them in PgBouncer's "
                        "ignore_startup_parameters",
                        place),
            true};
  // Of TLS only libpq itself tells.
  const bool tls = state.empty() &&
                   (line.find("SSL") != std::string::npos || line.find("certificate") != std::string::npos ||
                    line.find("private key") != std::string::npos);
  if (tls) return {ErrorCode::kDenied, fmt::format("{}: no TLS connection: {}", place, line), true};
  return {ErrorCode::kUnavailable, fmt::format("{} cannot be reached: {}", place, line), true};
}

struct State {
  std::string_view code;  // or what it begins with
  ErrorCode error;
  std::string_view text;  // {0}: what the server said
};

// clang-format off: a table
constexpr State kStates[] = {
    {"57014", ErrorCode::kTimeout, "the reading was ended by its time-out: the database is slow, or the queue has no index that serves"},
    {"55P03", ErrorCode::kTimeout, "the table is locked (a migration?): {0}"},
    {"42P01", ErrorCode::kNotFound, "{0}"},
    {"3F000", ErrorCode::kNotFound, "{0}"},
    {"42501", ErrorCode::kDenied, "this user may not read it: {0}"},
    {"25006", ErrorCode::kInvalid, "the query wants to write, and docktor only reads: {0}"},
    {"42601", ErrorCode::kInvalid, "the query is no SQL that reads: {0}"},
    {"0A", ErrorCode::kInvalid, "{0}"},
    {"57P0", ErrorCode::kUnavailable, "{0}"},
    {"08", ErrorCode::kUnavailable, "{0}"},
    {"53", ErrorCode::kUnavailable, "{0}"},
    {"40", ErrorCode::kUnavailable, "{0}"},
    {"22", ErrorCode::kInvalid, "{0}"},
    {"42", ErrorCode::kInvalid, "{0}"},
};
// clang-format on

Error answered(const std::string& place, const PGresult* result) {
  const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view state = code ? code : "";
  const auto said = pg_line(text ? text : PQresultErrorMessage(result));
  for (const auto& s : kStates) {
    if (!state.starts_with(s.code)) continue;
    return {s.error, fmt::format("{}: {}", place, fmt::format(fmt::runtime(s.text), said)), true};
  }
  return {ErrorCode::kInternal, fmt::format("{}: {}", place, said), true};
}

long long ms_until(steady_clock::time_point t) {
  return std::max<long long>(1,
                             std::chrono::floor<std::chrono::milliseconds>(t - steady_clock::now()).count());
}

}  // namespace

std::string pg_line(std::string_view text) {
  std::string out;
  // Of what libpq says in verbose form the code and the place in the server's source are of no use to people.
  auto line = text.substr(0, text.find('\n'));
  for (const char c : line) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  if (const auto state = sqlstate_in(out); !state.empty()) {
    const auto at = out.find(":  " + state);
    out.erase(at + 2, state.size() + 2);
  }
  if (out.size() > kMaxLine) out.resize(kMaxLine);
  return out;
}

Result<std::unique_ptr<PgSession>> PgSession::connect(const PgLogin& login, SteadyTime deadline,
                                                      const Wait& wait) {
  const auto words = connection_words(login);
  if (!words) return tl::unexpected(words.error());
  std::vector<const char*> names, values;
  for (const auto& [name, value] : *words) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<PgSession> out(new PgSession(PQconnectStartParams(names.data(), values.data(), 0)));
  auto* c = out->connection_.get();
  if (!c) return fail(ErrorCode::kExhausted, "no memory for a connection to PostgreSQL", true);
  PQsetNoticeProcessor(c, [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(c, PQERRORS_VERBOSE);  // with the code, which is the same in every language
  auto poll = PQstatus(c) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (poll != PGRES_POLLING_OK) {
    const auto place = place_of(c);
    if (poll == PGRES_POLLING_FAILED) return tl::unexpected(refused(place, c));
    if (!wait(PQsocket(c), poll == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
      return fail(ErrorCode::kUnavailable, fmt::format("{}: the connection was closed", place), true);
    if (steady_clock::now() >= deadline)
      return fail(ErrorCode::kUnavailable, fmt::format("{} cannot be reached: no answer in time", place),
                  true);
    poll = PQconnectPoll(c);
  }
  PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
  PQsetnonblocking(c, 1);
  const char* version = PQparameterStatus(c, "server_version");
  const std::string host = PQhost(c) ? PQhost(c) : "";
  out->server_ = {
      .place = place_of(c),
      .database = pg_line(PQdb(c)),
      .user = pg_line(PQuser(c)),
      .version = pg_line(version ? version : ""),
      .encrypted = PQsslInUse(c) != 0,
      .local = host.starts_with('/') || host == "localhost" || host.starts_with("127.") || host == "::1",
      .pid = PQbackendPID(c)};
  return out;
}

Error PgSession::lost(std::string why) {
  if (why.empty()) why = pg_line(PQerrorMessage(connection_.get()));
  broken_ = true;
  return {ErrorCode::kUnavailable,
          fmt::format("{}: {}", server_.place, why.empty() ? "the connection was lost" : why), true};
}

// The last result of what was sent, or the first error among them.
Result<PgSession::Answer> PgSession::answer(SteadyTime deadline, const Wait& wait) {
  auto* c = connection_.get();
  Answer kept(nullptr, PQclear);
  std::size_t bytes = 0;
  int unsent = 1;
  while (true) {
    if (unsent != 0) unsent = PQflush(c);
    if (unsent < 0) return tl::unexpected(lost());
    if (unsent == 0 && !PQisBusy(c)) {
      Answer next(PQgetResult(c), PQclear);
      if (!next) break;
      if (!kept || PQresultStatus(kept.get()) != PGRES_FATAL_ERROR) kept = std::move(next);
      continue;
    }
    if (!wait(PQsocket(c), static_cast<short>(POLLIN | (unsent != 0 ? POLLOUT : 0)), deadline))
      return tl::unexpected(lost("the connection was closed"));
    if (steady_clock::now() >= deadline) {
      const auto e = lost("no answer in time: the server is overloaded, or stands still");
      return fail(ErrorCode::kTimeout, e.message, true);
    }
    int there = 0;
    if (::ioctl(PQsocket(c), FIONREAD, &there) == 0 && there > 0) bytes += static_cast<std::size_t>(there);
    if (bytes > PgConnection::kMaxBytes) {
      const auto e = lost("the answer is larger than 16 MiB");
      return fail(ErrorCode::kInvalid, e.message, true);
    }
    if (PQconsumeInput(c) == 0) return tl::unexpected(lost());
  }
  if (!kept) return tl::unexpected(lost());
  if (PQresultStatus(kept.get()) == PGRES_FATAL_ERROR) {
    broken_ = broken_ || PQstatus(c) != CONNECTION_OK;
    return tl::unexpected(answered(server_.place, kept.get()));
  }
  return kept;
}

Result<void> PgSession::command(const std::string& sql, SteadyTime deadline, const Wait& wait) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return tl::unexpected(lost());
  const auto done = answer(deadline, wait);
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<PgRows> PgSession::read(const PgQuery& query, SteadyTime deadline, const Wait& wait) {
  // The server gives up a little before we do, so that the connection survives it. A lock is waited for half as long at most.
  const auto most = std::max<long long>(1, ms_until(deadline) * 9 / 10);
  const long long lock_wait = std::chrono::floor<std::chrono::milliseconds>(query.lock_wait).count();
  if (const auto begun = command(
          fmt::format("BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}{}",
                      most, std::clamp<long long>(most / 2, 1, std::max(1LL, lock_wait)),
                      query.strict ? "; SET LOCAL row_security = off" : ""),
          deadline, wait);
      !begun)
    return tl::unexpected(begun.error());
  std::vector<const char*> values;
  for (const auto& p : query.parameters) values.push_back(p ? p->c_str() : nullptr);
  if (PQsendQueryParams(connection_.get(), query.sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0)
    return tl::unexpected(lost());
  auto result = answer(deadline, wait);
  if (broken_) return tl::unexpected(result ? lost() : result.error());
  const auto ended =
      command("ROLLBACK", std::max(deadline, steady_clock::now() + std::chrono::seconds(1)), wait);
  if (!result) return tl::unexpected(result.error());
  if (!ended) return tl::unexpected(ended.error());
  const auto* r = result->get();
  if (PQresultStatus(r) != PGRES_TUPLES_OK)
    return fail(ErrorCode::kInvalid, fmt::format("{}: the query has no rows", server_.place));
  if (PQntuples(r) > PgConnection::kMaxRows)
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: the answer has more than {} rows", server_.place, PgConnection::kMaxRows));
  PgRows out;
  for (int i = 0; i < PQnfields(r); ++i) out.columns.emplace_back(PQfname(r, i));
  for (int row = 0; row < PQntuples(r); ++row) {
    auto& cells = out.rows.emplace_back();
    for (int i = 0; i < PQnfields(r); ++i) {
      if (PQgetisnull(r, row, i))
        cells.emplace_back();
      else
        cells.emplace_back(
            std::string(PQgetvalue(r, row, i), static_cast<std::size_t>(PQgetlength(r, row, i))));
    }
  }
  return out;
}

Result<void> PgSession::notifications(
    const std::function<void(const std::string&, const std::string&)>& told) {
  auto* c = connection_.get();
  if (PQconsumeInput(c) == 0) return tl::unexpected(lost());
  while (true) {
    const std::unique_ptr<PGnotify, void (*)(PGnotify*)> n(PQnotifies(c), [](PGnotify* p) { PQfreemem(p); });
    if (!n) break;
    told(n->relname, n->extra ? n->extra : "");
  }
  // The server's last words ("terminating connection due to administrator command") come with its end.
  if (PQstatus(c) != CONNECTION_OK) return tl::unexpected(lost());
  return {};
}

}  // namespace docktor
