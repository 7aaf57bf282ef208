#include "mcp/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "api/schema.h"
#include "core/text.h"
#include "mcp/message.h"

namespace docktor::mcp {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kModern = "2026-07-28";
constexpr std::array<std::string_view, 4> kLegacy{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
constexpr std::string_view kBatches = "2025-03-26";   // the only revision that has them
constexpr auto kLastWords = std::chrono::seconds(1);  // for answers after the end of input
constexpr int kListTtlMs = 3'600'000;  // the list of tools does not change while the program runs

std::string text_of(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

struct Server::Impl {
  /// Answers of a batch go out together, when the last one is there.
  struct Batch {
    std::mutex mutex;
    std::vector<std::string> answers;
    std::size_t left = 0;
  };

  /// Where one request's answer goes.
  struct Reply {
    json id;
    bool modern = false;
    std::shared_ptr<Batch> batch;
  };

  /// A tool call, waiting or running.
  struct Call {
    Reply reply;
    const Tool* tool = nullptr;
    json arguments;
    json progress_token;
    std::string client;
    std::stop_source stop;
    std::atomic<bool> cancelled{false};
  };

  Impl(ServerInfo i, std::vector<Tool> t, std::function<void(const std::string&)> w)
      : info(std::move(i)), tools(std::move(t)), write(std::move(w)) {
    for (int n = 0; n < kThreads; ++n)
      threads.emplace_back([this](const std::stop_token& token) { work(token); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      for (auto& [id, call] : calls) {
        call->cancelled = true;
        call->stop.request_stop();
      }
      waiting.clear();
    }
    for (auto& t : threads) t.request_stop();
    wake.notify_all();
    threads.clear();  // joins
  }

  // Lines out.
  void send(const std::string& line) {
    const std::scoped_lock lock(write_mutex);
    write(line);
  }
  void answer(const Reply& to, std::string line) {
    if (!to.batch) return send(line);
    std::string all;
    {
      const std::scoped_lock lock(to.batch->mutex);
      if (!line.empty()) to.batch->answers.push_back(std::move(line));
      if (--to.batch->left > 0 || to.batch->answers.empty()) return;
      all = fmt::format("[{}]", fmt::join(to.batch->answers, ","));
    }
    send(all);
  }
  void result(const Reply& to, ordered_json r) {
    if (to.modern) {
      ordered_json with = {{"resultType", "complete"}};
      with.update(r);
      r = std::move(with);
    }
    answer(to, result_line(to.id, std::move(r)));
  }
  void error(const Reply& to, int code, const std::string& text, const ordered_json& data = nullptr) {
    answer(to, error_line(to.id, code, text, data));
  }

  // Lines in.
  void take(std::string_view text) {
    Line line = parse_line(text);
    if (line.batch && version != kBatches) {
      return send(error_line(nullptr, kInvalidRequest,
                             "one message a line: this revision of the protocol has no batches"));
    }
    std::shared_ptr<Batch> batch;
    if (line.batch) {
      batch = std::make_shared<Batch>();
      batch->left = static_cast<std::size_t>(std::ranges::count_if(line.messages, [](const Message& m) {
        return m.kind == Message::Kind::kRequest || m.kind == Message::Kind::kBad;
      }));
    }
    for (auto& m : line.messages) handle(std::move(m), batch);
  }

  void handle(Message m, const std::shared_ptr<Batch>& batch) {
    Reply to{m.id, false, batch};
    switch (m.kind) {
      case Message::Kind::kIgnored:
        return;
      case Message::Kind::kBad:
        return error(to, m.error_code, m.error_text);
      case Message::Kind::kNotification:
        if (m.method == "notifications/cancelled") cancel(m.params);
        return;
      case Message::Kind::kRequest:
        break;
    }
    if (const auto wanted = m.version(); !wanted.empty()) {
      to.modern = true;
      if (wanted != kModern) {
        return error(to, kUnsupportedVersion, fmt::format("protocol version {} is not supported", wanted),
                     {{"supported", json::array({kModern})}, {"requested", wanted}});
      }
      modern(std::move(m), to);
    } else {
      legacy(std::move(m), to);
    }
  }

  void modern(Message m, const Reply& to) {
    if (m.method == "server/discover") {
      return result(to, {{"supportedVersions", json::array({kModern})},
                         {"capabilities", capabilities()},
                         {"instructions", info.instructions},
                         {"ttlMs", kListTtlMs},
                         {"cacheScope", "private"},
                         {"_meta", {{"io.modelcontextprotocol/serverInfo", server_info()}}}});
    }
    if (m.method == "tools/list") {
      auto r = list();
      r["ttlMs"] = kListTtlMs;
      r["cacheScope"] = "private";
      return result(to, std::move(r));
    }
    if (m.method == "tools/call") {
      const json meta = m.params.value("_meta", json::object());
      const auto client = meta.find("io.modelcontextprotocol/clientInfo");
      return call(m, to, client != meta.end() && client->is_object() ? text_of(*client, "name") : "");
    }
    error(to, kMethodNotFound,
          fmt::format("unknown method '{}'; there are server/discover, tools/list and tools/call", m.method));
  }

  void legacy(Message m, const Reply& to) {
    if (m.method == "initialize") {
      const auto wanted = text_of(m.params, "protocolVersion");
      version = std::ranges::find(kLegacy, wanted) != kLegacy.end() ? wanted : std::string(kLegacy[0]);
      if (const auto it = m.params.find("clientInfo"); it != m.params.end() && it->is_object())
        client_name = text_of(*it, "name");
      return result(to, {{"protocolVersion", version},
                         {"capabilities", capabilities()},
                         {"serverInfo", server_info()},
                         {"instructions", info.instructions}});
    }
    if (m.method == "ping") return result(to, ordered_json::object());
    if (m.method == "tools/list") return result(to, list());
    if (m.method == "tools/call") return call(m, to, client_name);
    error(
        to, kMethodNotFound,
        fmt::format("unknown method '{}'; there are initialize, ping, tools/list and tools/call", m.method));
  }

  static ordered_json capabilities() { return {{"tools", ordered_json::object()}}; }
  ordered_json server_info() const {
    return {{"name", info.name}, {"title", info.title}, {"version", info.version}};
  }

  ordered_json list() const {
    auto all = ordered_json::array();
    for (const auto& t : tools) {
      if (!t.off.empty()) continue;
      all.push_back({{"name", t.name},
                     {"title", t.title},
                     {"description", t.description},
                     {"inputSchema", t.input},
                     {"outputSchema", t.output},
                     {"annotations",
                      {{"title", t.title},
                       {"readOnlyHint", t.read_only},
                       {"destructiveHint", t.destructive},
                       {"idempotentHint", t.idempotent},
                       {"openWorldHint", false}}}});
    }
    return {{"tools", std::move(all)}};
  }

  // Calls.
  static ordered_json failed(const std::string& text) {
    return {{"content", json::array({{{"type", "text"}, {"text", text}}})}, {"isError", true}};
  }

  void call(const Message& m, const Reply& to, const std::string& client) {
    const auto name = text_of(m.params, "name");
    const auto tool = std::ranges::find(tools, name, &Tool::name);
    if (tool == tools.end()) {
      std::vector<std::string_view> names;
      for (const auto& t : tools) {
        if (t.off.empty()) names.push_back(t.name);
      }
      const auto near = did_you_mean(name, names);
      return error(
          to, kInvalidParams,
          fmt::format("unknown tool '{}'{}; there are: {}", name.substr(0, 100),
                      near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", ")));
    }
    if (!tool->off.empty()) return result(to, failed(tool->off));
    const auto arguments = m.params.find("arguments");
    const json given = arguments == m.params.end() || arguments->is_null() ? json::object() : *arguments;
    if (const auto fits = check_schema(tool->input, given, "arguments"); !fits)
      return result(to, failed(fits.error().message));

    auto c = std::make_shared<Call>();
    c->reply = to;
    c->tool = &*tool;
    c->arguments = given;
    c->client = client;
    if (const auto meta = m.params.find("_meta"); meta != m.params.end() && meta->is_object()) {
      const auto token = meta->find("progressToken");
      if (token != meta->end() && (token->is_string() || token->is_number_integer()))
        c->progress_token = *token;
    }
    {
      const std::scoped_lock lock(mutex);
      const auto key = to.id.dump();
      if (calls.size() >= kMaxCalls || calls.contains(key)) {
        const bool twice = calls.contains(key);
        return error(to, twice ? kInvalidRequest : kBusy,
                     twice ? "a request with this id is in progress"
                           : "too many calls at once; try again when some have answered");
      }
      calls.emplace(key, c);
      waiting.push_back(std::move(c));
    }
    wake.notify_one();
  }

  void cancel(const json& params) {
    const auto id = params.find("requestId");
    if (id == params.end()) return;
    const std::scoped_lock lock(mutex);
    const auto it = calls.find(id->dump(-1, ' ', false, json::error_handler_t::replace));
    if (it == calls.end()) return;  // answered already, or never asked
    it->second->cancelled = true;
    it->second->stop.request_stop();
  }

  void work(const std::stop_token& token) {
    while (true) {
      std::shared_ptr<Call> c;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, token, [&] { return !waiting.empty(); });
        if (token.stop_requested()) return;
        c = std::move(waiting.front());
        waiting.pop_front();
      }
      auto r = c->cancelled ? ordered_json() : carry_out(*c);
      {
        // Out of the list first: the client may use the id again as soon as it has the answer.
        const std::scoped_lock lock(mutex);
        calls.erase(c->reply.id.dump());
      }
      if (c->cancelled)
        dropped(c->reply);
      else
        result(c->reply, std::move(r));
      idle.notify_all();
    }
  }

  // A cancelled request gets no reply; the others of its batch do.
  void dropped(const Reply& to) {
    if (to.batch) answer(to, "");
  }

  ordered_json carry_out(Call& c) {
    CallContext context{c.stop.get_token(), c.client, [](double, double, const std::string&) {}};
    if (!c.progress_token.is_null()) {
      context.progress = [this, &c](double progress, double total, const std::string& text) {
        if (c.cancelled) return;
        ordered_json params = {{"progressToken", c.progress_token}, {"progress", progress}, {"total", total}};
        if (!text.empty()) params["message"] = text;
        send(ordered_json{
            {"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", std::move(params)}}
                 .dump(-1, ' ', false, json::error_handler_t::replace));
      };
    }
    Result<ordered_json> done = fail(ErrorCode::kInternal, "");
    try {
      done = c.tool->call(c.arguments, context);
    } catch (const std::exception& e) {  // a bug of ours must not end the session
      done = fail(ErrorCode::kInternal, fmt::format("a bug of docktor's: {}", e.what()));
    }
    if (!done) return failed(done.error().message);
    const auto text = done->dump(-1, ' ', false, json::error_handler_t::replace);
    return {{"content", json::array({{{"type", "text"}, {"text", text}}})},
            {"structuredContent", std::move(*done)},
            {"isError", false}};
  }

  void drain(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex);
    idle.wait_for(lock, patience, [&] { return calls.empty(); });
  }

  const ServerInfo info;
  const std::vector<Tool> tools;
  const std::function<void(const std::string&)> write;
  std::mutex write_mutex;

  std::string version;      // of the legacy era, once initialized; the reader's thread alone
  std::string client_name;  // likewise

  std::mutex mutex;  // guards what follows
  std::condition_variable_any wake;
  std::condition_variable idle;
  std::map<std::string, std::shared_ptr<Call>> calls;  // by id, as JSON: 1 and "1" are two
  std::deque<std::shared_ptr<Call>> waiting;
  std::vector<std::jthread> threads;
};

Server::Server(ServerInfo info, std::vector<Tool> tools, std::function<void(const std::string&)> write)
    : impl_(std::make_unique<Impl>(std::move(info), std::move(tools), std::move(write))) {}
Server::~Server() = default;
void Server::take(std::string_view line) { impl_->take(line); }
void Server::drain(std::chrono::milliseconds patience) { impl_->drain(patience); }

void serve(int in, int out, ServerInfo info, std::vector<Tool> tools) {
  std::atomic<bool> gone{false};
  Server server(std::move(info), std::move(tools), [&](const std::string& line) {
    const std::string text = line + "\n";
    for (std::size_t done = 0; done < text.size() && !gone;) {
      const auto n = ::write(out, text.data() + done, text.size() - done);
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n < 0 && errno != EINTR && errno != EAGAIN)
        gone = true;  // nobody reads any more; end of input follows
    }
  });
  std::string line;
  bool too_long = false;
  std::string block(64 << 10, '\0');
  while (!gone) {
    const auto n = ::read(in, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    std::string_view rest(block.data(), static_cast<std::size_t>(n));
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto part = rest.substr(0, end);
      // One byte more than is allowed is kept: enough for the parser to refuse it.
      if (!too_long)
        line.append(
            part.substr(0, std::min(part.size(), kMaxLine + 1 - std::min(line.size(), kMaxLine + 1))));
      too_long = line.size() > kMaxLine;
      if (end == std::string_view::npos) break;
      server.take(line);
      line.clear();
      too_long = false;
      rest.remove_prefix(end + 1);
    }
  }
  if (!line.empty() && !gone) server.take(line);  // the last line may lack its end
  if (!gone) server.drain(kLastWords);
}

}  // namespace docktor::mcp
