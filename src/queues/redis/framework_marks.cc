#include "queues/redis/framework_marks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"
#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

constexpr int kScans = 100;
constexpr const char* kKeysAScan = "1000";
constexpr std::size_t kMaxNamed = 10;

std::optional<Reply> one(const Layout::Ask& ask, RedisCommand command) {
  auto answer = ask({std::move(command)});
  if (!answer || answer->replies.empty() || answer->replies.front().is_error()) return std::nullopt;
  return std::move(answer->replies.front());
}

std::vector<std::string> words_of(const std::optional<Reply>& reply) {
  std::vector<std::string> out;
  if (!reply) return out;
  for (const auto& item : reply->items) {
    if (item.words()) out.push_back(one_line(*item.words()));
  }
  std::ranges::sort(out);
  return out;
}

std::string text_of(const std::optional<Reply>& reply) {
  return reply && reply->words() ? one_line(*reply->words()) : std::string();
}

// Processes write their version since 7; since 6 how much memory they have.
std::string sidekiq_version(const std::string& process, const Layout::Ask& ask) {
  const auto written = one(ask, {"HGET", process, "info"});
  const auto info = written && written->words() ? parse_json(*written->words()) : nlohmann::json();
  if (info.is_object() && info.contains("version") && info["version"].is_string())
    return " " + one_line(info["version"].get<std::string>());
  return text_of(one(ask, {"HGET", process, "rss"})).empty() ? "" : " 6";
}

std::string sidekiq_mark(const RedisSpec& spec, const Layout::Ask& ask) {
  const auto queues = words_of(one(ask, {"SMEMBERS", spec.key_prefix + "queues"}));
  const auto processes = words_of(one(ask, {"SMEMBERS", spec.key_prefix + "processes"}));
  if (queues.empty() && processes.empty()) return {};
  std::string version;
  if (!processes.empty()) version = sidekiq_version(spec.key_prefix + processes.front(), ask);
  const auto n = processes.size();
  return fmt::format("Sidekiq{}: {}, {} process{}", version, some(queues.size(), "queue"), n,
                     n == 1 ? "" : "es");
}

std::string rq_mark(const Layout::Ask& ask) {
  const auto queues = words_of(one(ask, {"SMEMBERS", "rq:queues"}));
  const auto workers = words_of(one(ask, {"SMEMBERS", "rq:workers"}));
  if (queues.empty() && workers.empty()) return {};
  std::string version;
  if (!workers.empty()) version = text_of(one(ask, {"HGET", workers.front(), "version"}));
  return fmt::format("RQ{}{}: {}, {}", version.empty() ? "" : " ", version, some(queues.size(), "queue"),
                     some(workers.size(), "worker"));
}

// "bullmq:5.81.0"; those of before 5.12 or so wrote none.
std::string bullmq_mark(const RedisSpec& spec, const Layout::Ask& ask) {
  const auto base = fmt::format("{}:{}:", spec.key_prefix, spec.queues.front());
  const auto version = text_of(one(ask, {"HGET", base + "meta", "version"}));
  if (const auto at = version.rfind(':'); at != std::string::npos)
    return fmt::format("BullMQ {}: {}meta", version.substr(at + 1), base);
  if (const auto meta = one(ask, {"EXISTS", base + "meta"}); meta && meta->count() == 1)
    return fmt::format("BullMQ, of a version that does not write its number: {}meta", base);
  return {};
}

// Celery and Laravel write no version into Redis.
std::string celery_mark(const RedisSpec& spec, const Layout::Ask& ask) {
  const auto found = one(ask, {"EXISTS", spec.key_prefix + "_kombu.binding." + spec.queues.front()});
  if (!found || found->count() != 1) return {};
  return fmt::format("Celery (its version is not in Redis): {}_kombu.binding.{}", spec.key_prefix,
                     spec.queues.front());
}

std::string laravel_mark(const RedisSpec& spec, const Layout::Ask& ask) {
  for (const auto& queue : spec.queues) {
    for (const char* part : {":notify", "", ":delayed", ":reserved"}) {
      const auto key = fmt::format("{}queues:{}{}", spec.key_prefix, queue, part);
      if (const auto found = one(ask, {"EXISTS", key}); found && found->count() == 1)
        return fmt::format("Laravel (its version is not in Redis): {}", one_line(key));
    }
  }
  return {};
}

// A glob's own characters within a name are to mean themselves.
std::string globbed(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (std::string_view("*?[]^\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::set<std::string> keys_like(const std::string& pattern, const Layout::Ask& ask) {
  std::set<std::string> out;
  std::string cursor = "0";
  for (int i = 0; i < kScans && out.size() < 1000; ++i) {
    const auto reply = one(ask, {"SCAN", cursor, "MATCH", pattern, "COUNT", kKeysAScan});
    if (!reply || reply->items.size() != 2 || !reply->items[0].words()) break;
    for (const auto& key : reply->items[1].items) {
      if (key.words()) out.insert(*key.words());
    }
    cursor = *reply->items[0].words();
    if (cursor == "0") break;
  }
  return out;
}

// What stands before `middle` is the prefix, what stands behind it the queue.
struct Found {
  std::string prefix, queue;
};
using Finder = std::optional<Found> (*)(const std::string& key);

std::optional<Found> around(const std::string& key, std::string_view middle) {
  const auto at = key.find(middle);
  if (at == std::string::npos) return std::nullopt;
  return Found{key.substr(0, at), key.substr(at + middle.size())};
}

std::optional<Found> celery_key(const std::string& key) {
  auto found = around(key, "_kombu.binding.");
  // These are its workers' own, for remote control.
  if (found && (found->queue == "celeryev" || found->queue.find("pidbox") != std::string::npos))
    found.reset();
  return found;
}

std::optional<Found> sidekiq_key(const std::string& key) {
  if (key.starts_with("rq:")) return std::nullopt;
  return around(key, "queue:");
}

std::optional<Found> bullmq_key(const std::string& key) {
  const auto end = key.rfind(':');
  const auto middle = end == std::string::npos || end == 0 ? end : key.rfind(':', end - 1);
  if (middle == std::string::npos || middle == end) return std::nullopt;
  return Found{key.substr(0, middle), key.substr(middle + 1, end - middle - 1)};
}

std::optional<Found> laravel_key(const std::string& key) {
  auto found = around(key, "queues:");
  if (!found) return found;
  for (const std::string_view part : {":delayed", ":reserved", ":notify"}) {
    if (found->queue.ends_with(part)) found->queue.resize(found->queue.size() - part.size());
  }
  return found;
}

struct Sort {
  std::string_view framework;
  const char* pattern;
  Finder find;
};
constexpr Sort kSorts[] = {
    {"celery", "*_kombu.binding.*", celery_key},
    {"sidekiq", "*queue:*", sidekiq_key},
    {"bullmq", "*:meta", bullmq_key},
    {"laravel", "*queues:*", laravel_key},
};

template <class Names>
std::string listed(const Names& names) {
  std::vector<std::string> some_names;
  for (const auto& n : names) {
    if (some_names.size() == kMaxNamed) {
      some_names.push_back("...");
      break;
    }
    some_names.push_back(one_line(n));
  }
  return fmt::format("{}", fmt::join(some_names, ", "));
}

OtherQueues by_prefix(const RedisSpec& spec, const Sort& sort, const Layout::Ask& ask) {
  std::map<std::string, std::set<std::string>> queues;  // by prefix
  for (const auto& key : keys_like(sort.pattern, ask)) {
    if (const auto found = sort.find(key); found && !found->queue.empty())
      queues[found->prefix].insert(found->queue);
  }
  if (queues.empty()) return {};
  std::vector<std::string> out;
  for (const auto& [prefix, names] : queues) {
    if (out.size() == kMaxNamed) break;
    out.push_back(prefix == spec.key_prefix
                      ? fmt::format("with this prefix {}", listed(names))
                      : fmt::format("with key_prefix \"{}\" {}", one_line(prefix), listed(names)));
  }
  OtherQueues other{fmt::format("queues that are there: {}", fmt::join(out, "; ")), {}};
  // The prefix that has this queue is the one that was meant.
  for (const auto& [prefix, names] : queues) {
    if (prefix != spec.key_prefix && names.contains(spec.queues.front()))
      other.cure = fmt::format("write key_prefix: \"{}\"", one_line(prefix));
  }
  return other;
}

// Databases with keys, from INFO: "db3:keys=7,expires=0,avg_ttl=0".
std::string other_databases(const Layout::Ask& ask) {
  const auto answer = ask({{"INFO", "keyspace"}});
  if (!answer || answer->replies.front().is_error() || !answer->replies.front().words()) return {};
  std::vector<std::string> out;
  const std::string_view info = *answer->replies.front().words();
  for (auto at = info.find("db"); at != std::string_view::npos; at = info.find("\ndb", at + 1)) {
    const auto from = info.find_first_of("0123456789", at);
    if (from == std::string_view::npos) break;
    auto number = std::string(info.substr(from, info.find(':', from) - from));
    if (number != std::to_string(answer->server->db)) out.push_back(std::move(number));
  }
  if (out.empty()) return {};
  return fmt::format("database{} {} of this server {} keys, too", out.size() == 1 ? "" : "s",
                     fmt::join(out, ", "), out.size() == 1 ? "has" : "have");
}

}  // namespace

std::string framework_mark(const RedisSpec& spec, const Layout::Ask& ask) {
  if (spec.framework == "sidekiq") return sidekiq_mark(spec, ask);
  if (spec.framework == "rq") return rq_mark(ask);
  if (spec.framework == "bullmq") return bullmq_mark(spec, ask);
  if (spec.framework == "celery") return celery_mark(spec, ask);
  if (spec.framework == "laravel") return laravel_mark(spec, ask);
  return {};
}

OtherQueues other_queues(const RedisSpec& spec, const Layout::Ask& ask) {
  OtherQueues out;
  if (spec.framework == "rq") {
    std::vector<std::string> names;
    for (auto& key : words_of(one(ask, {"SMEMBERS", "rq:queues"})))
      names.push_back(key.starts_with("rq:queue:") ? key.substr(9) : key);
    if (!names.empty()) out.what = fmt::format("queues that are there: {}", listed(names));
  } else if (!spec.list.empty()) {
    const auto keys = keys_like(fmt::format("*{}*", globbed(spec.list)), ask);
    if (!keys.empty()) out.what = fmt::format("keys of such a name: {}", listed(keys));
  } else if (const auto* sort = std::ranges::find(kSorts, spec.framework, &Sort::framework);
             sort != std::end(kSorts)) {
    out = by_prefix(spec, *sort, ask);
  }
  if (const auto databases = other_databases(ask); !databases.empty())
    out.what += (out.what.empty() ? "" : "; ") + databases;
  return out;
}

}  // namespace docktor
