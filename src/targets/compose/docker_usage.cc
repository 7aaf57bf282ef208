#include "targets/compose/docker_usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "core/json_text.h"
#include "docker/container.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kMostStats = 256 << 10;  // bytes; 100 block devices make some 30 KiB

// "0-3,7" is 5 CPUs.
double cpus_in_set(const std::string& text) {
  double n = 0;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find(',', from), text.size());
    const auto dash = text.find('-', from);
    const auto number = [&](std::size_t begin, std::size_t stop) {
      int v = 0;
      std::from_chars(text.data() + begin, text.data() + stop, v);
      return v;
    };
    n += dash < end ? number(dash + 1, end) - number(from, dash) + 1 : 1;
    from = end + 1;
  }
  return n;
}

// Takes the few numbers that count out of an answer of some hundred, without a tree of all of them.
class StatsReader final : public nlohmann::json_sax<json> {
 public:
  ContainerCounters counters;
  std::uint64_t used = 0, limit = 0, inactive = 0, inactive_v1 = 0, per_cpu = 0;
  bool has_total = false, has_read = false;

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool number_unsigned(number_unsigned_t n) override {
    if (path_ == "/cpu_stats/cpu_usage/total_usage") {
      counters.cpu_total = n;
      has_total = true;
    } else if (path_ == "/cpu_stats/system_cpu_usage") {
      counters.cpu_system = n;
    } else if (path_ == "/cpu_stats/online_cpus") {
      counters.online_cpus = n;
    } else if (path_ == "/cpu_stats/cpu_usage/percpu_usage/") {
      ++per_cpu;
    } else if (path_ == "/memory_stats/usage") {
      used = n;
    } else if (path_ == "/memory_stats/limit") {
      limit = n;
    } else if (path_ == "/memory_stats/stats/inactive_file") {
      inactive = n;
    } else if (path_ == "/memory_stats/stats/total_inactive_file") {  // cgroup v1's name
      inactive_v1 = n;
    }
    return value();
  }
  bool string(string_t& text) override {
    if (path_ == "/read") {
      const auto read = parse_rfc3339(text);
      has_read = read.has_value();
      counters.read = read.value_or(Time{});
    }
    return value();
  }
  bool key(string_t& name) override {
    path_ += '/';
    path_ += name;
    return true;
  }
  bool start_object(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  // A member's name goes with its value; within an array all values stand under an empty name.
  bool value() {
    if (!arrays_.empty() && !arrays_.back()) path_.resize(path_.rfind('/'));
    return true;
  }
  bool open(bool array) {
    arrays_.push_back(array);
    if (array) path_ += '/';
    return true;
  }
  bool close() {
    if (arrays_.back()) path_.pop_back();
    arrays_.pop_back();
    return value();
  }

  std::string path_;
  std::vector<bool> arrays_;  // for each value that is open: is it an array?
};

}  // namespace

std::optional<ContainerCounters> read_counters(std::string_view stats) {
  StatsReader r;
  if (!json::sax_parse(stats, &r) || !r.has_read || !r.has_total) return std::nullopt;
  auto& c = r.counters;
  if (c.online_cpus == 0) c.online_cpus = r.per_cpu;
  if (r.used > 0) {
    const auto inactive = r.inactive_v1 > 0 ? r.inactive_v1 : r.inactive;
    c.memory = static_cast<double>(inactive < r.used ? r.used - inactive : r.used);
  }
  if (r.limit > 0) c.memory_limit = static_cast<double>(r.limit);
  return c;
}

std::optional<double> cpu_percent(const ContainerCounters& before, const ContainerCounters& after) {
  if (after.cpu_total < before.cpu_total || after.read <= before.read) return std::nullopt;
  const auto used = static_cast<double>(after.cpu_total - before.cpu_total);
  if (before.cpu_system > 0 && after.cpu_system > before.cpu_system && after.online_cpus > 0) {
    return used / static_cast<double>(after.cpu_system - before.cpu_system) *
           static_cast<double>(after.online_cpus) * 100;
  }
  return used / static_cast<double>((after.read - before.read).count()) * 100;
}

std::optional<double> cpu_limit(const json& host) {
  const auto number = [&](std::string_view pointer) {
    const auto& v = at(host, pointer);
    return v.is_number() ? v.get<double>() : 0.0;
  };
  if (const auto nano = number("/NanoCpus"); nano > 0) return nano / 1e9;
  if (number("/CpuQuota") > 0 && number("/CpuPeriod") > 0) return number("/CpuQuota") / number("/CpuPeriod");
  if (const auto set = text_at(host, "/CpusetCpus"); !set.empty()) return cpus_in_set(set);
  return std::nullopt;
}

/// Shared with answers that come when the source is gone.
struct DockerUsageSource::State {
  struct Known {
    std::optional<ContainerCounters> last;
    bool limit_known = false;
    std::optional<double> cpus;  // its CPU limit
  };
  std::mutex mutex;
  std::map<std::string, Known> known;  // by container id

  struct Round {
    std::size_t left = 0;
    std::vector<ReplicaUsage> usage;
    std::size_t answered = 0;
    std::optional<Error> error;
    std::function<void(Result<Reading>)> done;
  };

  void take(const Replica& replica, const Result<HttpResponse>& answer, Round& round) {
    if (!answer) {
      round.error = answer.error();
      return;
    }
    ++round.answered;
    const auto now = read_counters(answer->body);
    const auto found = known.find(replica.container);
    if (!now || found == known.end()) return;
    auto& k = found->second;
    const auto before = std::exchange(k.last, now);
    const auto cpu = before ? cpu_percent(*before, *now) : std::nullopt;
    if (!cpu) return;
    const auto host_cpus = static_cast<double>(std::max<std::uint64_t>(1, now->online_cpus));
    ReplicaUsage u{.id = replica.id, .cpu = *cpu, .mem = now->memory};
    if (k.limit_known) u.cpu_limit_pct = *cpu / std::min(k.cpus.value_or(host_cpus), host_cpus);
    if (now->memory && now->memory_limit) u.mem_limit_pct = *now->memory / *now->memory_limit * 100;
    round.usage.push_back(std::move(u));
  }

  void close(Round& round) const {
    Reading reading;
    reading.usage = std::move(round.usage);
    if (round.answered == 0 && round.error)
      round.done(tl::unexpected<Error>(*round.error));
    else
      round.done(std::move(reading));
  }
};

DockerUsageSource::DockerUsageSource(Docker& docker) : docker_(docker), state_(std::make_shared<State>()) {}

void DockerUsageSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  std::vector<Replica> ready;
  std::set<std::string> present;
  for (const auto& r : request.replicas) {
    if (r.container.empty()) continue;
    present.insert(r.container);
    if (r.state == ReplicaState::kReady) ready.push_back(r);
  }
  std::vector<std::string> without_limit;
  {
    const std::lock_guard lock(state_->mutex);
    std::erase_if(state_->known, [&](const auto& entry) { return !present.contains(entry.first); });
    for (const auto& r : ready) {
      if (!state_->known[r.container].limit_known) without_limit.push_back(r.container);
    }
  }
  if (ready.empty()) {
    Reading nothing;
    nothing.usage.emplace();
    return done(std::move(nothing));
  }
  for (const auto& id : without_limit) {
    docker_.engine().submit({.what = "inspect " + id.substr(0, 12),
                             .path = "/containers/" + id + "/json",
                             .timeout = request.timeout},
                            [state = state_, id](const Result<HttpResponse>& r) {
                              if (!r) return;
                              const auto j = parse_json(r->body);
                              const std::lock_guard lock(state->mutex);
                              const auto found = state->known.find(id);
                              if (found == state->known.end()) return;
                              found->second.cpus = cpu_limit(at(j, "/HostConfig"));
                              found->second.limit_known = true;
                            });
  }
  auto round = std::make_shared<State::Round>();
  round->left = ready.size();
  round->done = std::move(done);
  for (const auto& r : ready) {
    docker_.engine().submit({.what = "read the stats of " + r.id,
                             .path = "/containers/" + r.container + "/stats?stream=false&one-shot=true",
                             .timeout = request.timeout,
                             .max_body = kMostStats},
                            [state = state_, round, r](const Result<HttpResponse>& answer) {
                              bool last = false;
                              {
                                const std::lock_guard lock(state->mutex);
                                state->take(r, answer, *round);
                                last = --round->left == 0;
                              }
                              if (last) state->close(*round);
                            });
  }
}

std::vector<Finding> DockerUsageSource::check(Duration timeout) {
  (void)timeout;  // connecting has a deadline of its own, five seconds
  const auto c = docker_.engine().connect();
  if (c)
    return {
        {Severity::kOk, fmt::format("CPU and memory of containers can be read at {}", c->endpoint.host), ""}};
  return {{Severity::kError, c.error().message, "see whether `docker stats` answers"}};
}

}  // namespace docktor
