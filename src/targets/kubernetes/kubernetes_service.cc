#include "targets/kubernetes/kubernetes_service.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr auto kPoll = std::chrono::seconds(2);      // of /scale, where nothing tells of a change
constexpr auto kTryAgain = std::chrono::seconds(2);  // after a failure to read it
constexpr auto kCacheLag =
    std::chrono::milliseconds(100);      // until the cluster's controllers have seen a mark
constexpr std::size_t kMostMarks = 100;  // pods marked for one scale-down
constexpr std::string_view kMark = "-1000";
constexpr std::size_t kMostMemory = 64 << 10;
constexpr std::size_t kMostNews = 100;

std::string memory_path(const KubernetesOptions& o) {
  return o.state_directory.empty() ? "" : fmt::format("{}/{}.kubernetes.json", o.state_directory, o.service);
}

WorkloadMemory load(const std::string& path) {
  WorkloadMemory out;
  const auto text = path.empty() ? fail(ErrorCode::kNotFound, "") : read_file(path, kMostMemory);
  if (!text) return out;
  const auto j = parse_json(*text);
  if (!j.is_object()) return out;
  if (const auto d = j.find("desired"); d != j.end() && d->is_number_integer()) out.desired = d->get<int>();
  if (const auto d = j.find("sent"); d != j.end() && d->is_number_integer()) out.sent = d->get<int>();
  if (const auto s = j.find("stopped_by_hand"); s != j.end() && s->is_string())
    out.stopped_by_hand = plain_text(s->get<std::string>());
  return out;
}

}  // namespace

template <class F>
auto KubernetesTarget::Service::guarded(F f) {
  return [weak = weak_from_this(), f = std::move(f)](auto&&... arguments) {
    if (const auto self = weak.lock(); self && !self->ended_)
      f(std::forward<decltype(arguments)>(arguments)...);
  };
}

KubernetesTarget::Service::Service(KubernetesOptions options, KubeCluster& cluster, const Clock& clock)
    : options_(std::move(options)),
      cluster_(cluster),
      clock_(clock),
      namespace_(options_.spec.namespace_.empty() ? cluster.default_namespace() : options_.spec.namespace_),
      state_(options_.spec.workload),
      saved_(load(memory_path(options_))) {
  state_.restore(saved_);
  if (options_.spec.advise_only) state_.follow();
  shown_.problem = fmt::format("{} was not read yet", state_.workload().shown());
}

void KubernetesTarget::Service::begin() {
  if (ended_) return;
  cluster_.resolve(state_.workload(), guarded([this](const Result<WorkloadName>& w) {
                     if (w) return watch_all(*w);
                     scale_trouble_ = w.error();
                     changed();
                     timer_ = cluster_.client().loop().at(steady_clock::now() + kTryAgain * 5,
                                                          guarded([this] { begin(); }));
                   }));
}

void KubernetesTarget::Service::watch_all(WorkloadName w) {
  state_.named(std::move(w));
  pods_ = cluster_.pods(namespace_);
  workloads_ = cluster_.workloads(state_.workload(), namespace_);
  hpas_ = cluster_.hpas(namespace_);
  scaled_objects_ = cluster_.scaled_objects(namespace_);
  const auto on_change = [this] { changed(); };
  pods_id_ = pods_->listen({.anew = [this] { look_at_pods(); },
                            .changed =
                                [this](const std::string& name, const KubePod* pod) {
                                  const bool known = state_.pods().contains(name);
                                  if (pod && state_.owns(*pod))
                                    state_.on_pod(*pod);
                                  else if (known)
                                    state_.on_pod_gone(name);
                                  else
                                    return;
                                  changed();
                                },
                            .state = on_change});
  const auto take_facts = [this](const WorkloadFacts* facts) {
    state_.on_facts(facts ? std::optional(*facts) : std::nullopt);
    if (!facts || !state_.scale() || state_.scale()->version != facts->version) read_scale_now();
    changed();
  };
  workloads_id_ =
      workloads_->listen({.anew =
                              [this, take_facts] {
                                const auto at = workloads_->all().find(state_.workload().name);
                                take_facts(at == workloads_->all().end() ? nullptr : &at->second);
                              },
                          .changed =
                              [this, take_facts](const std::string& name, const WorkloadFacts* facts) {
                                if (name == state_.workload().name) take_facts(facts);
                              },
                          .state = on_change});
  const auto on_autoscaler = [this](const std::string&, const OtherAutoscaler*) { look_at_autoscalers(); };
  const auto on_autoscalers = [this] { look_at_autoscalers(); };
  hpas_id_ = hpas_->listen({on_autoscalers, on_autoscaler, {}});
  scaled_objects_id_ = scaled_objects_->listen({on_autoscalers, on_autoscaler, {}});
  look_at_autoscalers();
  if (const auto at = workloads_->all().find(state_.workload().name); at != workloads_->all().end())
    state_.on_facts(at->second);
  read_scale_now();
  poll();
}

void KubernetesTarget::Service::end() {
  ended_ = true;
  if (timer_) cluster_.client().loop().cancel(*timer_);
  if (pods_) pods_->forget(pods_id_);
  if (workloads_) workloads_->forget(workloads_id_);
  if (hpas_) hpas_->forget(hpas_id_);
  if (scaled_objects_) scaled_objects_->forget(scaled_objects_id_);
  pods_.reset();
  workloads_.reset();
  hpas_.reset();
  scaled_objects_.reset();
  const auto gone = fail(ErrorCode::kUnavailable, "docktor ends", true);
  for (auto& o : std::exchange(conflicts_, {})) answer(o, gone);
  if (order_) answer(order_, gone);
}

// Where the watch tells of each change there is nothing to poll, but for a trouble that may be over.
void KubernetesTarget::Service::poll() {
  if (!workloads_->watch().synced() || scale_trouble_) read_scale_now();
  if (state_.waits_for_time()) changed();
  timer_ = cluster_.client().loop().at(steady_clock::now() + (scale_trouble_ ? kTryAgain : kPoll),
                                       guarded([this] { poll(); }));
}

void KubernetesTarget::Service::read_scale_now() {
  if (std::exchange(reading_, true)) {
    read_again_ = true;
    return;
  }
  read_again_ = false;
  cluster_.client().submit({.path = scale_path(state_.workload(), namespace_)},
                           guarded([this, writes = writes_](const KubeAnswer& a) {
                             reading_ = false;
                             // Of before docktor's own order: it would look like somebody else's.
                             const bool old = writes != writes_;
                             if (!old) take_scale(a);
                             if (old || read_again_) read_scale_now();
                           }));
}

void KubernetesTarget::Service::take_scale(const KubeAnswer& a) {
  const auto had = state_.scale() ? state_.scale()->selector + state_.scale()->uid : std::string();
  scale_trouble_ = a.error;
  if (a.ok()) {
    const auto scale = read_scale(a.body);
    if (!scale) {
      scale_trouble_ = scale.error();
    } else if (!LabelSelector::parse(scale->selector) || scale->selector.empty()) {
      scale_trouble_ = Error{
          ErrorCode::kInvalid,
          fmt::format(
              "the /scale of {} tells no selector, so that its pods cannot be found; its custom resource "
              "definition lacks labelSelectorPath",
              state_.workload().shown()),
          true};
    } else {
      state_.on_scale(*scale, clock_.now());
    }
  } else if (a.status == 404) {
    scale_trouble_->message = fmt::format("{} is not there in namespace {}: {}", state_.workload().shown(),
                                          namespace_, scale_trouble_->message);
  }
  for (auto& o : std::exchange(conflicts_, {}))
    answer(o, fail(ErrorCode::kConflict, fmt::format("{} has changed meanwhile", state_.workload().shown()),
                   true));
  if (state_.scale() && had != state_.scale()->selector + state_.scale()->uid) look_at_pods();
  changed();
}

void KubernetesTarget::Service::look_at_pods() {
  std::vector<KubePod> mine;
  for (const auto& [name, pod] : pods_->all()) {
    if (state_.owns(pod)) mine.push_back(pod);
  }
  state_.set_pods(std::move(mine));
  changed();
}

void KubernetesTarget::Service::look_at_autoscalers() {
  const OtherAutoscaler* found = nullptr;
  for (const auto* list :
       {hpas_.get(), scaled_objects_.get()}) {  // KEDA's own object rather than the HPA that it makes
    for (const auto& [name, a] : list->all()) {
      if (scales(a, state_.workload()) && (!found || found->of_keda)) found = &a;
    }
  }
  // Where another one is to scale it, nobody fights.
  state_.set_autoscaler(found && !options_.spec.advise_only ? fight_text(*found) : "");
  changed();
}

// Orders.

void KubernetesTarget::Service::order(ScaleOrder what, Done done) {
  auto o = std::make_shared<Order>();
  o->what = std::move(what);
  o->done = std::move(done);
  if (ended_) return answer(o, fail(ErrorCode::kUnavailable, "docktor ends", true));
  if (const auto before = order_) answer(before, fail(ErrorCode::kConflict, "superseded by a newer order"));
  order_ = o;
  if (const auto why = trouble(); !why.empty() || !state_.scale())
    return answer(o, fail(ErrorCode::kUnavailable, why.empty() ? "nothing is known of it yet" : why, true));
  o->from = state_.scale()->desired;
  if (lease_) {
    o->term = lease_->term(clock_.now());
    if (!o->term) return answer(o, fail(ErrorCode::kConflict, "the lease is not surely held", true));
    // Decided before this was known, as one begins to lead.
    if (const auto& by = state_.memory().stopped_by_hand; !by.empty() && o->what.replicas > 0)
      return answer(o, fail(ErrorCode::kConflict, by, true));
  }
  if (options_.spec.advise_only)
    return answer(o, fmt::format("{} {} → {} is left to the autoscaler that scales it (scaled_by: another)",
                                 state_.workload().shown(), o->from, o->what.replicas));
  if (o->what.replicas == o->from)
    return answer(o, fmt::format("{} has {} replicas already", state_.workload().shown(), o->from));
  mark(o);
}

// The cluster chooses which pods go, and takes those with the lowest cost among the ready ones.
void KubernetesTarget::Service::mark(const Posted& o) {
  const auto& kind = state_.workload().kind;
  const bool steered = options_.spec.choose_idle && (kind == "Deployment" || kind == "ReplicaSet");
  if (!steered || o->what.replicas >= o->from) return patch(o);
  if (!o->what.busyness.empty()) return mark_idlest(o);
  // Without a rule on CPU nobody has asked for it yet.
  cluster_.metrics(namespace_, guarded([this, o](const Result<KubeCluster::Metrics>& metrics) {
                     if (o != order_) return;
                     if (!metrics) return patch(o);
                     for (const auto& [name, m] : *metrics) o->what.busyness[name] = m.cpu;
                     mark_idlest(o);
                   }));
}

void KubernetesTarget::Service::mark_idlest(const Posted& o) {
  const auto chosen = state_.idlest(o->from - o->what.replicas, o->what.busyness);
  unmark(chosen);
  std::vector<std::string> to_mark;
  for (const auto& name : chosen) {
    const auto& cost = state_.pods().at(name).deletion_cost;
    if (cost.empty() && to_mark.size() < kMostMarks) to_mark.push_back(name);  // somebody else's mark stands
  }
  if (to_mark.empty()) return patch(o);
  o->marks_left = to_mark.size();
  for (const auto& name : to_mark) {
    cluster_.client().submit(
        {.method = "PATCH",
         .path = fmt::format("{}/{}?fieldManager={}", pods_path(namespace_), name, kFieldManager),
         .body = Json{{"metadata", {{"annotations", {{kDeletionCost, kMark}}}}}}.dump(),
         .content_type = "application/merge-patch+json"},
        guarded([this, o](const KubeAnswer& a) {
          if (a.status == 403 && !std::exchange(cannot_mark_, true))
            state_.news(fmt::format("cannot mark idle pods to go first: {}", a.error->message));
          if (--o->marks_left > 0 || o != order_) return;
          cluster_.client().loop().at(steady_clock::now() + kCacheLag, guarded([this, o] {
                                        if (o == order_) patch(o);
                                      }));
        }));
  }
}

void KubernetesTarget::Service::unmark(const std::set<std::string>& keep) {
  for (const auto& [name, pod] : state_.pods()) {
    if (pod.deletion_cost != kMark || keep.contains(name) || pod.state == ReplicaState::kStopping) continue;
    cluster_.client().submit(
        {.method = "PATCH",
         .path = fmt::format("{}/{}?fieldManager={}", pods_path(namespace_), name, kFieldManager),
         .body = Json{{"metadata", {{"annotations", {{kDeletionCost, nullptr}}}}}}.dump(),
         .content_type = "application/merge-patch+json"},
        [](const KubeAnswer&) {});
  }
}

void KubernetesTarget::Service::patch(const Posted& o) {
  Json body = {{"spec", {{"replicas", o->what.replicas}}}};
  if (!o->what.version.empty()) body["metadata"] = {{"resourceVersion", o->what.version}};
  KubeCall call = {
      .method = "PATCH",
      .path = fmt::format("{}?fieldManager={}", scale_path(state_.workload(), namespace_), kFieldManager),
      .body = body.dump(),
      .content_type = "application/merge-patch+json",
      .timeout = std::chrono::seconds(5)};
  if (const auto& term = o->term) {
    call.timeout =
        std::clamp<Duration>(term->ends - clock_.now(), std::chrono::milliseconds(1), call.timeout);
    call.may_go = [&clock = clock_, until = term->send_before] { return clock.now() < until; };
  }
  ++writes_;
  state_.on_sent(o->what.replicas);
  remember();
  cluster_.client().submit(std::move(call), guarded([this, o](const KubeAnswer& a) { patched(o, a); }));
}

void KubernetesTarget::Service::patched(const Posted& o, const KubeAnswer& a) {
  ++writes_;  // what was read meanwhile may be of before or of after
  const bool current = o == order_;
  if (a.ok()) {
    if (const auto scale = read_scale(a.body)) state_.on_own_scale(*scale, clock_.now());
    changed();
    if (current) answer(o, fmt::format("{} {} → {}", state_.workload().shown(), o->from, o->what.replicas));
    return;
  }
  if (a.unsent || (a.status >= 400 && a.status < 500)) state_.on_refused();
  if (a.status == 409) {
    // The controller decides anew, on what is true now.
    if (current) conflicts_.push_back(std::exchange(order_, nullptr));
    return read_scale_now();
  }
  unmark({});
  read_scale_now();  // without an answer it may have been carried out all the same
  if (current) answer(o, tl::unexpected<Error>(*a.error));
}

void KubernetesTarget::Service::answer(const Posted& o, Result<std::string> result) {
  if (order_ == o) order_.reset();
  if (auto done = std::exchange(o->done, {})) done(std::move(result));
}

void KubernetesTarget::Service::resume() {
  state_.resume();
  changed();
}

void KubernetesTarget::Service::follow() { state_.follow(); }

void KubernetesTarget::Service::lead(const Lease& lease, const LedBefore& before) {
  lease_ = &lease;
  if (options_.spec.advise_only) return;  // the other autoscaler's doing, whoever leads
  state_.lead(before);
  changed();
}

// What is shown.

std::string KubernetesTarget::Service::trouble() const {
  if (scale_trouble_) return scale_trouble_->message;
  if (!pods_ || !state_.scale()) return fmt::format("{} was not read yet", state_.workload().shown());
  if (const auto& t = pods_->watch().trouble()) return t->message;
  if (!pods_->watch().synced()) return "the pods were not read yet";
  // Without the right to look at workloads /scale is polled; a server that is gone is told by that.
  if (const auto& t = workloads_->watch().trouble();
      t && t->code != ErrorCode::kDenied && t->code != ErrorCode::kNotFound)
    return t->message;
  return {};
}

void KubernetesTarget::Service::changed() {
  if (ended_) return;
  auto shown = state_.report(clock_.now());
  shown.problem = trouble();
  auto news = state_.take_news();
  {
    const std::lock_guard lock(mutex_);
    shown_ = std::move(shown);
    for (auto& n : news)
      if (news_.size() < kMostNews) news_.push_back(std::move(n));
  }
  remember();
  gate_.pass([this] {
    if (options_.on_change) options_.on_change();
  });
}

void KubernetesTarget::Service::remember() {
  const auto path = memory_path(options_);
  if (path.empty() || saved_ == state_.memory()) return;
  saved_ = state_.memory();
  Json j = {{"stopped_by_hand", saved_.stopped_by_hand}};
  if (saved_.desired) j["desired"] = *saved_.desired;
  if (saved_.sent) j["sent"] = *saved_.sent;
  // What cannot be kept is known until docktor ends; the disk's trouble is told by those who need it.
  static_cast<void>(write_atomically(path, j.dump(), {.then = OnDisk::kNotKnown}));
}

TargetReport KubernetesTarget::Service::report() {
  const std::lock_guard lock(mutex_);
  auto out = shown_;
  out.news = std::exchange(news_, {});
  return out;
}

}  // namespace docktor
