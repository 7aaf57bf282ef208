#include "metrics/table.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "control/desired.h"

namespace docktor::metrics {
namespace {

using F = const ServiceFigures&;
using W = const World&;
using S = Samples&;
constexpr auto kGauge = Type::kGauge;
constexpr auto kCounter = Type::kCounter;
constexpr auto kHistogram = Type::kHistogram;

void maybe(S out, std::optional<double> v, double scale = 1) {
  if (v && std::isfinite(*v)) out.put(*v * scale);
}

constexpr bool is_rate(Metric m) { return m == Metric::kQueueRateIn || m == Metric::kQueueRateOut; }

// What the newest sample showed; of a stale one nothing is known any more.
std::optional<double> fresh(F f, Metric m) {
  const bool stale = is_queue(m) ? f.latest.queue_stale : f.latest.usage_stale;
  return stale ? std::nullopt : f.latest.get(m);
}
// As rules see it: the mean over metrics_window; before the first decision the newest.
std::optional<double> mean(F f, Metric m) {
  if (f.latest.queue_stale) return std::nullopt;
  return f.decision ? f.decision->observation.get(m) : f.latest.get(m);
}
template <Metric M>
void gauge(F f, S out) {
  maybe(out, fresh(f, M));
}
// Each of several queues; of a service with one there is nothing to tell apart.
template <Metric M>
void each(F f, S out) {
  const Observation& seen = f.decision && is_rate(M) ? f.decision->observation : f.latest;
  if (f.latest.queue_stale) return;
  for (const auto& part : seen.parts) {
    if (const auto v = part.seen.get(M)) out.put(*v, {{"queue", part.name}});
  }
}
template <Metric M>
void percent(F f, S out) {
  maybe(out, fresh(f, M), .01);
}
template <Metric M>
void windowed(F f, S out) {
  maybe(out, mean(f, M));
}
double number(std::uint64_t n) { return static_cast<double>(n); }
std::optional<double> learned(F f, std::string_view name) {
  if (!f.decision) return std::nullopt;
  for (const auto& [key, v] : f.decision->recommendation.numbers) {
    if (key == name) return v;
  }
  return std::nullopt;
}
bool has_queue(F f) { return !f.queue.empty(); }

template <std::size_t N>
void named(S out, std::string_view label, const std::array<std::string_view, N>& names,
           const std::array<std::uint64_t, N>& counts) {
  for (std::size_t i = 0; i < N; ++i) out.put(number(counts[i]), {{label, names[i]}});
}

constexpr std::array<std::string_view, 3> kActions{"hold", "scale_up", "scale_down"};
constexpr std::array<std::string_view, 5> kVerdicts{"not_asked", "followed", "clamped", "ignored",
                                                    "unavailable"};

void waits(F f, S out) {
  if (!has_queue(f)) return;
  // Parts of messages are estimates; what is told are whole ones that only grow.
  std::array<double, kWaitBuckets.size() + 1> whole{};
  double before = 0, sum = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    sum += f.tally.waits.counts[i];
    whole[i] = std::floor(sum + 1e-6) - before;
    before += whole[i];
  }
  out.histogram(kWaitBuckets, whole, f.tally.waits.sum);
}

void delays(W w, S out) {
  std::array<double, kDelayBuckets.size() + 1> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = number(w.daemon.delays.counts[i]);
  out.histogram(kDelayBuckets, counts, w.daemon.delays.sum);
}

// All services together: a histogram for each would be dear, and orders are few.
void order_seconds(W w, S out) {
  std::map<std::string_view, std::pair<std::array<double, kOrderBuckets.size() + 1>, double>> kinds;
  for (const auto& f : w.services) {
    auto& [counts, sum] = kinds[f->target];
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += number(f->tally.order_seconds.counts[i]);
    sum += f->tally.order_seconds.sum;
  }
  for (const auto& [kind, h] : kinds) out.histogram(kOrderBuckets, h.first, h.second, {{"kind", kind}});
}

// clang-format off: a table, in the order of the documentation.
constexpr std::array kTable = std::to_array<Row>({
    {"docktor_replicas", kGauge, "state", "Replicas by state.", [](F f, S out) {
      out.put(f.starting, {{"state", "starting"}});
      out.put(f.counts.ready, {{"state", "ready"}});
      out.put(f.counts.failing, {{"state", "failing"}});
      out.put(f.counts.not_placed, {{"state", "not_placed"}});
      out.put(f.stopping, {{"state", "stopping"}});
    }, nullptr},
    {"docktor_current_replicas", kGauge, "", "Replicas that count: all but the stopping ones.",
     [](F f, S out) { out.put(f.counts.current); }, nullptr},
    {"docktor_target_replicas", kGauge, "", "Replicas last ordered, else the current ones.",
     [](F f, S out) { out.put(f.wanted); }, nullptr},
    {"docktor_desired_replicas", kGauge, "",
     "Replicas that the last decision asks for, for another autoscaler to set; nothing where it rests on no fresh data.",
     [](F f, S out) { if (const auto n = desired_replicas(f)) out.put(*n); }, nullptr},
    {"docktor_min_replicas", kGauge, "", "Fewest replicas allowed: a person's bound, else the configuration's.",
     [](F f, S out) { out.put(f.bounds.min); }, nullptr},
    {"docktor_max_replicas", kGauge, "", "Most replicas allowed: a person's bound, else the configuration's.",
     [](F f, S out) { out.put(f.bounds.max); }, nullptr},
    {"docktor_queue_backlog", kGauge, "", "Messages ready and not yet given to a worker.",
     gauge<Metric::kQueueBacklog>, nullptr},
    {"docktor_queue_lag", kGauge, "", "Messages between the newest in the log and the last delivered one.",
     gauge<Metric::kQueueLag>, nullptr},
    {"docktor_queue_num_ack_pending", kGauge, "", "Messages in the workers' hands.",
     gauge<Metric::kQueueAckPending>, nullptr},
    {"docktor_queue_num_redelivered", kGauge, "", "Messages delivered more than once and not yet acknowledged.",
     gauge<Metric::kQueueRedelivered>, nullptr},
    {"docktor_queue_num_waiting", kGauge, "", "Open pulls.", gauge<Metric::kQueueWaiting>, nullptr},
    {"docktor_queue_scheduled", kGauge, "", "Messages that wait for their time; not part of the backlog.",
     gauge<Metric::kQueueScheduled>, nullptr},
    {"docktor_queue_consumers", kGauge, "", "Workers that the queue knows of.",
     gauge<Metric::kQueueConsumers>, nullptr},
    {"docktor_queue_rate_in", kGauge, "", "Messages per second that come, as rules see it: mean over metrics_window.",
     windowed<Metric::kQueueRateIn>, nullptr},
    {"docktor_queue_rate_out", kGauge, "", "Messages per second that are settled, as rules see it: mean over metrics_window.",
     windowed<Metric::kQueueRateOut>, nullptr},
    {"docktor_one_queue_backlog", kGauge, "queue", "Messages ready in each of several queues, of which docktor_queue_backlog is the sum.",
     each<Metric::kQueueBacklog>, nullptr},
    {"docktor_one_queue_num_ack_pending", kGauge, "queue", "Messages of each of several queues in the workers' hands.",
     each<Metric::kQueueAckPending>, nullptr},
    {"docktor_one_queue_rate_in", kGauge, "queue", "Messages per second that come to each of several queues.",
     each<Metric::kQueueRateIn>, nullptr},
    {"docktor_one_queue_rate_out", kGauge, "queue", "Messages per second that are settled of each of several queues.",
     each<Metric::kQueueRateOut>, nullptr},
    {"docktor_queue_oldest_wait_seconds", kGauge, "",
     "How long the oldest message has waited that nobody has begun with; 0 when none waits. Estimated where the queue does not tell.",
     [](F f, S out) { if (!f.latest.queue_stale) maybe(out, f.oldest_wait); }, nullptr},
    {"docktor_queue_wait_seconds", kHistogram, "", "Estimated time from publishing to the first delivery.",
     waits, nullptr, true},
    {"docktor_queue_arrivals_total", kCounter, "", "Messages that came since docktor began to watch.",
     [](F f, S out) { if (has_queue(f)) out.put(std::floor(f.tally.arrivals)); }, nullptr},
    {"docktor_queue_settled_total", kCounter, "", "Messages settled by the workers since docktor began to watch.",
     [](F f, S out) { if (has_queue(f)) out.put(std::floor(f.tally.settled_most)); }, nullptr},
    {"docktor_queue_late_total", kCounter, "", "Messages begun with after the objective's max_wait; estimated.",
     [](F f, S out) { if (f.max_wait) out.put(std::floor(f.tally.waits.late)); }, nullptr},
    {"docktor_queue_dead_total", kCounter, "", "Messages given up after their last delivery, since docktor began to watch.",
     [](F f, S out) { if (f.tally.dead_seen) out.put(std::floor(f.tally.dead)); }, nullptr},
    {"docktor_queue_resets_total", kCounter, "", "Times that the queue's counters went back.",
     [](F f, S out) { if (has_queue(f)) out.put(number(f.tally.waits.resets)); }, nullptr},
    {"docktor_queue_sample_timestamp_seconds", kGauge, "", "Time of the newest sample of the queue.",
     [](F f, S out) { if (f.latest.queue_at) out.put(to_seconds(*f.latest.queue_at + f.by_wall)); }, nullptr},
    {"docktor_cpu_avg_ratio", kGauge, "", "Mean CPU of the ready replicas; 1 is one core.", percent<Metric::kCpuAvg>, nullptr},
    {"docktor_cpu_min_ratio", kGauge, "", "CPU of the least busy ready replica; 1 is one core.", percent<Metric::kCpuMin>, nullptr},
    {"docktor_cpu_max_ratio", kGauge, "", "CPU of the busiest ready replica; 1 is one core.", percent<Metric::kCpuMax>, nullptr},
    {"docktor_cpu_limit_ratio", kGauge, "", "Mean CPU of the ready replicas against their limit; 1 is the limit.",
     percent<Metric::kCpuLimitPct>, nullptr},
    {"docktor_mem_limit_ratio", kGauge, "", "Mean memory of the ready replicas against their limit; 1 is the limit.",
     percent<Metric::kMemLimitPct>, nullptr},
    {"docktor_mem_used_bytes", kGauge, "", "Mean memory of the ready replicas.", gauge<Metric::kMemUsed>, nullptr},
    {"docktor_decisions_total", kCounter, "decision", "Evaluations by what was decided.",
     [](F f, S out) { named(out, "decision", kActions, f.tally.decisions); }, nullptr},
    {"docktor_orders_total", kCounter, "outcome", "Orders to the target by what became of them.",
     [](F f, S out) { named(out, "outcome", kOutcomes, f.tally.orders); }, nullptr, true},
    {"docktor_limits_total", kCounter, "limit", "Decisions that this limit changed.",
     [](F f, S out) { named(out, "limit", kLimitNames, f.tally.limits); }, nullptr, true},
    {"docktor_wakes_total", kCounter, "", "Times that a service was woken from zero replicas.",
     [](F f, S out) { out.put(number(f.tally.wakes)); }, nullptr},
    {"docktor_replica_starts_total", kCounter, "", "Replicas that docktor started.",
     [](F f, S out) { out.put(number(f.tally.starts)); }, nullptr},
    {"docktor_replica_stops_total", kCounter, "", "Replicas that docktor stopped.",
     [](F f, S out) { out.put(number(f.tally.stops)); }, nullptr},
    {"docktor_replica_restarts_total", kCounter, "", "Restarts of replicas after a crash, seen since docktor began to watch.",
     [](F f, S out) { out.put(number(f.tally.restarts)); }, nullptr},
    {"docktor_last_decision_timestamp_seconds", kGauge, "", "Time of the last decision.",
     [](F f, S out) { if (f.decision) out.put(to_seconds(f.decision->at + f.by_wall)); }, nullptr},
    {"docktor_last_change_timestamp_seconds", kGauge, "", "Time when the number of replicas last changed, whoever changed it.",
     [](F f, S out) { if (f.tally.last_change) out.put(to_seconds(*f.tally.last_change + f.by_wall)); }, nullptr},
    {"docktor_check_interval_seconds", kGauge, "", "Time between two decisions.",
     [](F f, S out) { out.put(to_seconds(f.check_interval)); }, nullptr},
    {"docktor_condition", kGauge, "condition", "1 while the condition holds, else 0.", [](F f, S out) {
      for (const auto& c : kConditions) out.put(has(f.holdings, c.condition) ? 1 : 0, {{"condition", c.name}});
    }, nullptr},
    {"docktor_proposals", kGauge, "", "Proposals that wait for a person's yes.",
     [](F f, S out) { out.put(number(f.proposals)); }, nullptr},
    {"docktor_source_reads_total", kCounter, "source", "Reads of the queue, and of the replicas' CPU and memory.", [](F f, S out) {
      out.put(number(f.tally.queue_reads), {{"source", "queue"}});
      out.put(number(f.tally.usage_reads), {{"source", "usage"}});
    }, nullptr},
    {"docktor_source_failures_total", kCounter, "source", "Reads without a good answer.", [](F f, S out) {
      out.put(number(f.tally.queue_failures), {{"source", "queue"}});
      out.put(number(f.tally.usage_failures), {{"source", "usage"}});
    }, nullptr},
    {"docktor_objective_max_wait_seconds", kGauge, "", "The objective: how long a message may wait.",
     [](F f, S out) { maybe(out, f.max_wait); }, nullptr},
    {"docktor_objective_quantile", kGauge, "", "The objective: share of the messages that are to wait no longer.",
     [](F f, S out) { maybe(out, f.quantile); }, nullptr},
    {"docktor_learned_capacity", kGauge, "", "Messages per second of one replica, as learned.",
     [](F f, S out) { maybe(out, learned(f, "capacity")); }, nullptr},
    {"docktor_learned_start_up_seconds", kGauge, "", "Time from an order until a replica works, as learned.",
     [](F f, S out) { maybe(out, learned(f, "start_up")); }, nullptr},
    {"docktor_service_info", kGauge, "queue, target, policy", "1; what the service is, to join with other metrics.",
     [](F f, S out) { out.put(1, {{"queue", f.queue}, {"target", f.target}, {"policy", f.policy}}); }, nullptr},

    {"docktor_model_answers_total", kCounter, "verdict", "Decisions of all services by what a model's answer did to them.", nullptr,
     [](W w, S out) {
       std::array<std::uint64_t, 5> all{};
       for (const auto& f : w.services) {
         for (std::size_t i = 0; i < all.size(); ++i) all[i] += f->tally.verdicts[i];
       }
       for (std::size_t i = 1; i < all.size(); ++i) out.put(number(all[i]), {{"verdict", kVerdicts[i]}});
     }},
    {"docktor_build_info", kGauge, "version", "1; the version that runs.", nullptr,
     [](W w, S out) { out.put(1, {{"version", w.version}}); }},
    {"docktor_services", kGauge, "", "Services that are scaled.", nullptr,
     [](W w, S out) { out.put(number(w.services.size())); }},
    {"docktor_leader", kGauge, "", "1 where this docktor leads and acts, 0 where it follows; nothing without high_availability.", nullptr,
     [](W w, S out) { if (w.daemon.lease) out.put(w.daemon.lease->leads ? 1 : 0); }},
    {"docktor_lease_epoch", kGauge, "", "How often the lease went from one docktor to another.", nullptr,
     [](W w, S out) { if (w.daemon.lease) out.put(number(w.daemon.lease->epoch)); }},
    {"docktor_config_last_reload_successful", kGauge, "", "1 when the last reload was taken, 0 when it was refused.", nullptr,
     [](W w, S out) { out.put(w.reload_ok ? 1 : 0); }},
    {"docktor_config_last_reload_success_timestamp_seconds", kGauge, "", "Time when a configuration was last taken.", nullptr,
     [](W w, S out) { out.put(w.reload_at); }},
    {"docktor_evaluation_delay_seconds", kHistogram, "", "How late evaluations were.", nullptr, delays},
    {"docktor_order_duration_seconds", kHistogram, "kind", "Time from an order until the target's answer, by the target's kind.",
     nullptr, order_seconds},
    {"docktor_journal_records_total", kCounter, "", "Records written to the journal.", nullptr,
     [](W w, S out) { out.put(number(w.daemon.journal_records)); }},
    {"docktor_journal_failures_total", kCounter, "", "Records that the journal did not take.", nullptr,
     [](W w, S out) { out.put(number(w.daemon.journal_failures)); }},
    {"docktor_state_save_failures_total", kCounter, "", "Times that a service's state could not be saved.", nullptr,
     [](W w, S out) { out.put(number(w.daemon.save_failures)); }},
    {"docktor_notifications_total", kCounter, "channel", "Events that a receiver has taken.", nullptr, [](W w, S out) {
      for (const auto& c : w.channels) out.put(number(c.sent), {{"channel", c.name}});
    }},
    {"docktor_notification_failures_total", kCounter, "channel", "Tries that a receiver did not take.", nullptr, [](W w, S out) {
      for (const auto& c : w.channels) out.put(number(c.failures), {{"channel", c.name}});
    }},
    {"docktor_notifications_dropped_total", kCounter, "channel", "Events that were given up.", nullptr, [](W w, S out) {
      for (const auto& c : w.channels) out.put(number(c.dropped), {{"channel", c.name}});
    }},
    {"docktor_http_requests_total", kCounter, "handler, code", "HTTP requests by route and status.", nullptr, [](W w, S out) {
      for (const auto& [of, n] : w.http_requests)
        out.put(number(n), {{"handler", of.first}, {"code", std::to_string(of.second)}});
    }},
    {"docktor_http_connections", kGauge, "", "Open HTTP connections.", nullptr,
     [](W w, S out) { out.put(number(w.http_connections)); }},
    {"docktor_http_streams", kGauge, "", "Open streams of events.", nullptr,
     [](W w, S out) { out.put(number(w.http_streams)); }},
    {"docktor_metrics_reduced", kGauge, "", "1 where there are more than 500 services, and what is dear was left out.", nullptr,
     [](W w, S out) { out.put(w.reduced ? 1 : 0); }},
    {"process_cpu_seconds_total", kCounter, "", "CPU that the daemon has used.", nullptr,
     [](W w, S out) { out.put(w.process.cpu_seconds); }},
    {"process_resident_memory_bytes", kGauge, "", "Resident memory of the daemon.", nullptr,
     [](W w, S out) { out.put(w.process.resident); }},
    {"process_virtual_memory_bytes", kGauge, "", "Virtual memory of the daemon.", nullptr,
     [](W w, S out) { out.put(w.process.virtual_memory); }},
    {"process_start_time_seconds", kGauge, "", "Time when the daemon was started.", nullptr,
     [](W w, S out) { out.put(w.process.start_time); }},
    {"process_open_fds", kGauge, "", "Open file descriptors of the daemon.", nullptr,
     [](W w, S out) { out.put(w.process.open_fds); }},
    {"process_max_fds", kGauge, "", "File descriptors that the daemon may have.", nullptr,
     [](W w, S out) { out.put(w.process.max_fds); }},
    {"process_threads", kGauge, "", "Threads of the daemon.", nullptr,
     [](W w, S out) { out.put(w.process.threads); }},
});
// clang-format on

}  // namespace

std::span<const Row> table() { return kTable; }

World::Process this_process() {
  World::Process p;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  p.cpu_seconds = of(used.ru_utime) + of(used.ru_stime);
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  if (const auto end = text.rfind(')'); end != std::string::npos) {
    std::istringstream fields(text.substr(end + 2));  // from the third field on
    std::vector<std::string> f;
    for (std::string one; fields >> one;) f.push_back(std::move(one));
    if (f.size() > 21) {
      const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
      p.threads = std::strtod(f[17].c_str(), nullptr);
      p.virtual_memory = std::strtod(f[20].c_str(), nullptr);
      p.resident = std::strtod(f[21].c_str(), nullptr) * page;
      timespec now{}, boot{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      ::clock_gettime(CLOCK_BOOTTIME, &boot);
      const auto s = [](const timespec& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
      };
      p.start_time = s(now) - s(boot) +
                     std::strtod(f[19].c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
  }
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++p.open_fds;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) p.max_fds = static_cast<double>(limit.rlim_cur);
  return p;
}

}  // namespace docktor::metrics
