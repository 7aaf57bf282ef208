#include "leases/kubernetes/kubernetes_lease.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <future>
#include <random>
#include <utility>

#include "kube/fields.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr auto kFirstRead = std::chrono::seconds(3);
constexpr auto kReleaseTime = std::chrono::seconds(4);
constexpr auto kGiveUpTime =
    std::chrono::milliseconds(1500);  // for one request of those that give the lease up
constexpr int kGiveUpTries = 3;
constexpr auto kSaidApart = std::chrono::seconds(1);     // what people said is written so soon
constexpr auto kLearnedApart = std::chrono::minutes(2);  // what was learned is written so often
constexpr auto kMapAgain = std::chrono::seconds(30);     // after a failure
constexpr std::string_view kFieldManager = "docktor";

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "docktor";
}

std::string unique(const LeaseSpec& spec) {
  return fmt::format("{}_{:08x}", spec.identity.empty() ? host_name() : spec.identity,
                     std::random_device{}());
}

// For people and other programs: nobody compares it with a clock.
std::string utc_micros() {
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto us = now.time_since_epoch().count() % 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     us);
}

struct GiveUp {
  KubeClient& client;
  std::string path, name, me;
  LeaseRecord record;
  std::function<void()> done;
};

// Where somebody wrote into the object since it was read, or the answer is lost, what is there is the base of the
// next try.
void give_up(GiveUp g, const Json& object, int tries) {
  KubeCall write{.method = "PUT",
                 .path = g.path,
                 .body = write_lease(object, g.name, g.record).dump(),
                 .timeout = kGiveUpTime};
  auto& client = g.client;
  client.submit(std::move(write), [g = std::move(g), tries](const KubeAnswer& a) mutable {
    if (a.ok() || tries <= 1) return g.done();
    KubeCall look{.path = g.path, .timeout = kGiveUpTime};
    auto& again = g.client;
    again.submit(std::move(look), [g = std::move(g), tries](const KubeAnswer& seen) mutable {
      if (!seen.ok()) return g.done();
      const auto there = read_lease(seen.body);
      if (!there || there->holder != g.me) return g.done();
      give_up(std::move(g), seen.body, tries - 1);
    });
  });
}

}  // namespace

Result<std::unique_ptr<Lease>> open_kubernetes_lease(const LeaseSpec& spec, LeaseParts parts) {
  auto access = find_kube_access({.kubeconfig = spec.kubeconfig, .context = spec.context});
  if (!access)
    return fail(access.error().code,
                "high_availability: " + access.error().message +
                    "; name the cluster there (kubeconfig:, context:), or run docktor in a pod");
  return std::make_unique<KubernetesLease>(spec, std::move(parts), std::move(*access));
}

KubernetesLease::KubernetesLease(LeaseSpec spec, LeaseParts parts, KubeAccess access)
    : spec_(std::move(spec)),
      parts_(std::move(parts)),
      namespace_(spec_.namespace_.empty() ? access.namespace_ : spec_.namespace_),
      me_(unique(spec_)),
      election_(me_, spec_.lease_duration, spec_.renew_deadline, spec_.retry_period),
      client_(std::move(access)) {}

KubernetesLease::~KubernetesLease() { client_.stop(); }

std::string KubernetesLease::lease_path() const {
  return fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases", namespace_);
}
std::string KubernetesLease::map_path() const {
  return fmt::format("/api/v1/namespaces/{}/configmaps", namespace_);
}
std::string KubernetesLease::where() const {
  return fmt::format("lease {} in namespace {}", spec_.name, namespace_);
}
// A request that hangs must leave time for another before the deadline.
Duration KubernetesLease::patience() const {
  return std::max<Duration>(std::chrono::milliseconds(500), spec_.renew_deadline / 2);
}

void KubernetesLease::begin() {
  auto read = std::make_shared<std::promise<void>>();
  auto done = read->get_future();
  client_.loop().post([this, read] {
    read_legacies([this, read] {
      read->set_value();
      turn();
    });
  });
  done.wait_for(kFirstRead);
}

// One after the other, each with its own deadline: a turn begins a retry_period after the one before, or when that ends.
void KubernetesLease::turn() {
  turned_ = steady_clock::now();
  busy_ = true;
  if (fresh_ && election_.mine()) return write();
  read();
}

void KubernetesLease::next_turn() {
  busy_ = false;
  publish();
  if (releasing_) return hand_over();
  write_legacies({});
  const auto now = parts_.clock.now();
  const auto at = election_.mine() ? std::max(steady_clock::now(), turned_ + spec_.retry_period)
                                   : steady_clock::now() + (election_.look_at(now) - now);
  client_.loop().at(at, [this] {
    if (!busy_ && !releasing_ && !handing_over_) turn();
  });
}

void KubernetesLease::read() {
  client_.submit({.path = fmt::format("{}/{}", lease_path(), spec_.name), .timeout = patience()},
                 [this](const KubeAnswer& a) {
                   fresh_ = false;
                   std::optional<LeaseRecord> record;
                   if (a.ok()) {
                     const auto r = read_lease(a.body);
                     if (!r) return failed("read", r.error());
                     record = *r;
                     object_ = a.body;
                   } else if (a.status == 404) {
                     object_ = nullptr;
                   } else {
                     return failed("read", *a.error);
                   }
                   fresh_ = true;
                   const Time now = parts_.clock.now();
                   bool take = false;
                   {
                     const std::lock_guard lock(mutex_);
                     election_.saw(record, now);
                     take = election_.may_take(now);
                     trouble_.clear();
                   }
                   if (take && !releasing_) return write();
                   next_turn();
                 });
}

void KubernetesLease::write() {
  const auto record = election_.taken(utc_micros());
  const bool make = object_.is_null();
  const Time sent = parts_.clock.now();
  client_.submit({.method = make ? "POST" : "PUT",
                  .path = make ? lease_path() : fmt::format("{}/{}", lease_path(), spec_.name),
                  .body = write_lease(object_, spec_.name, record).dump(),
                  .timeout = patience()},
                 [this, record, sent](const KubeAnswer& a) { wrote(a, record, sent); });
}

void KubernetesLease::wrote(const KubeAnswer& a, LeaseRecord record, Time sent) {
  fresh_ = a.ok();
  if (a.ok()) {
    object_ = a.body;
    {
      const std::lock_guard lock(mutex_);
      election_.wrote(std::move(record), sent);
      trouble_.clear();
    }
    if (!warm_) {
      // Not before it is known what the one before has left: orders rest on it, too.
      return read_legacies([this] { next_turn(); });
    }
    return next_turn();
  }
  if (a.status == 409) {
    // Somebody else was quicker, or wrote something into the object. Who keeps it looks again at once.
    return election_.mine() && !releasing_ ? read() : next_turn();
  }
  failed("written", *a.error);  // perhaps it was, all the same: the next turn reads it
}

void KubernetesLease::failed(const std::string& what, const Error& error) {
  fresh_ = false;
  {
    const std::lock_guard lock(mutex_);
    trouble_ = fmt::format("the {} cannot be {}: {}", where(), what, error.message);
  }
  next_turn();
}

void KubernetesLease::publish() {
  std::string trouble;
  if (!election_.mine()) warm_ = false;
  {
    const std::lock_guard lock(mutex_);
    ready_ = warm_ && !released_;
    trouble = trouble_;
  }
  if (trouble != told_trouble_) {
    if (trouble.empty())
      parts_.log(false, fmt::format("the {} can be kept again", where()));
    else
      parts_.log(true, trouble);
    told_trouble_ = trouble;
  }
  if (parts_.on_change) parts_.on_change();
}

// What a leader has left.

void KubernetesLease::read_legacies(std::function<void()> then) {
  client_.submit(
      {.path = fmt::format("{}/{}-state", map_path(), spec_.name), .timeout = patience()},
      [this, then = std::move(then)](const KubeAnswer& a) {
        map_denied_ = a.status == 403;
        map_there_ = a.ok();
        // Without an answer nothing is known of it; it is asked for again with the next turn.
        const bool known = a.ok() || a.status == 404 || a.status == 403;
        if (known) {
          std::vector<std::string> odd;
          {
            const std::lock_guard lock(mutex_);
            odd = legacies_.take(a.ok() ? a.body : Json());
          }
          for (std::size_t i = 0; i < std::min<std::size_t>(odd.size(), 10); ++i)
            parts_.log(true, fmt::format("what {}-state has for '{}' is not docktor's, and is not used",
                                         spec_.name, odd[i]));
          if (a.status == 403)
            parts_.log(true, fmt::format(
                                 "what a leader leaves cannot be read: {}; `docktor config validate` has the "
                                 "line for the Role",
                                 a.error->message));
        }
        warm_ = known && election_.mine();
        then();
      });
}

void KubernetesLease::write_legacies(std::function<void()> then) {
  const auto done = [&] {
    if (then) then();
  };
  const auto now = steady_clock::now();
  const bool last = releasing_ != nullptr;
  if (writing_map_) return done();
  if (!warm_ || !election_.term(parts_.clock.now())) {
    answer_left(fail(ErrorCode::kConflict, "the lease is not surely held", true));
    return done();
  }
  if (map_denied_) {
    answer_left({});  // nobody will read it, either
    return done();
  }
  if (!last && asked_.empty() && now - map_failed_ < kMapAgain) return done();
  Json patch;
  std::size_t left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto apart = legacies_.urgent() ? Duration(kSaidApart) : Duration(kLearnedApart);
    if (!last && asked_.empty() && now - map_written_ < apart) return done();
    patch = legacies_.patch(left_out);
  }
  if (left_out > 0 && told_left_out_ == 0)
    parts_.log(
        true,
        fmt::format("what was learned of {} services finds no room in {}-state: a new leader learns it again",
                    left_out, spec_.name));
  told_left_out_ = left_out;
  if (patch.empty()) {
    answer_left({});
    return done();
  }
  writing_map_ = true;
  being_left_ = std::exchange(asked_, {});
  map_written_ = now;
  const auto name = spec_.name + "-state";
  Json body = {{"data", patch}};
  KubeCall call{.timeout = patience()};
  if (map_there_) {
    call.method = "PATCH";
    call.path = fmt::format("{}/{}?fieldManager={}", map_path(), name, kFieldManager);
    call.content_type = "application/merge-patch+json";
  } else {
    body.update({{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}});
    call.method = "POST";
    call.path = map_path();
  }
  // Whoever leads writes over what is there; whoever may no longer lead writes nothing.
  call.may_go = [this] { return election_.term(parts_.clock.now()).has_value(); };
  call.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  client_.submit(std::move(call), [this, patch, then = std::move(then)](const KubeAnswer& a) {
    wrote_legacies(a, patch, then);
  });
}

void KubernetesLease::wrote_legacies(const KubeAnswer& a, const Json& patch,
                                     const std::function<void()>& then) {
  writing_map_ = false;
  if (a.ok()) {
    map_there_ = true;
    const std::lock_guard lock(mutex_);
    legacies_.wrote(patch);
  } else {
    map_failed_ = steady_clock::now();
    if (a.status == 403) map_denied_ = true;
    if (a.status == 404) map_there_ = false;
    if (a.status != 409 && !a.unsent)
      parts_.log(true,
                 fmt::format("what the next leader is to know cannot be written: {}", a.error->message));
  }
  auto later = std::exchange(asked_, std::exchange(being_left_, {}));
  answer_left(
      a.ok() || a.status == 403
          ? Result<void>()
          : fail(ErrorCode::kUnavailable,
                 fmt::format("what the next leader is to know cannot be written: {}", a.error->message),
                 true));
  asked_ = std::move(later);
  if (then)
    then();
  else if (releasing_ && !busy_)
    hand_over();
  else if (!asked_.empty())
    write_legacies({});
}

void KubernetesLease::answer_left(const Result<void>& result) {
  for (const auto& done : std::exchange(asked_, {})) done(result);
}

// The end.

void KubernetesLease::hand_over() {
  if (writing_map_ || std::exchange(handing_over_, true)) return;  // the write comes back here
  write_legacies([this] {
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
      ready_ = false;
    }
    const auto done = [this] {
      if (auto f = std::exchange(releasing_, {})) f();
    };
    if (!election_.mine() || object_.is_null()) return done();
    give_up({client_, fmt::format("{}/{}", lease_path(), spec_.name), spec_.name, me_,
             election_.given_up(utc_micros()), done},
            object_, kGiveUpTries);
  });
}

void KubernetesLease::release() {
  auto given = std::make_shared<std::promise<void>>();
  auto done = given->get_future();
  client_.loop().post([this, given] {
    releasing_ = [given] { given->set_value(); };
    if (!busy_) hand_over();
  });
  done.wait_for(kReleaseTime);
  const std::lock_guard lock(mutex_);
  released_ = true;
  ready_ = false;
}

// What is asked of it.

LeaseStanding KubernetesLease::standing() const {
  const std::lock_guard lock(mutex_);
  LeaseStanding out;
  const Time now = parts_.clock.now();
  out.leads = ready_ && election_.term(now);
  if (const auto& r = election_.record()) {
    if (!r->holder.empty() && (!election_.mine() || out.leads)) out.leader = holder_name(r->holder);
    out.epoch = r->transitions;
  }
  out.trouble = trouble_;
  return out;
}

std::optional<LeaseTerm> KubernetesLease::term(Time now) const {
  const std::lock_guard lock(mutex_);
  return ready_ ? election_.term(now) : std::nullopt;
}

Legacy KubernetesLease::left(const std::string& service) const {
  const std::lock_guard lock(mutex_);
  return legacies_.of(service);
}

void KubernetesLease::leave(const std::string& service, Legacy legacy) {
  {
    const std::lock_guard lock(mutex_);
    legacies_.put(service, std::move(legacy));
    if (!legacies_.urgent()) return;
  }
  client_.loop().post([this] { write_legacies({}); });
}

void KubernetesLease::once_left(std::function<void(Result<void>)> done) {
  client_.loop().post([this, done = std::move(done)]() mutable {
    asked_.push_back(std::move(done));
    write_legacies({});
  });
}

void KubernetesLease::keep(const std::vector<std::string>& services) {
  const std::lock_guard lock(mutex_);
  legacies_.keep(services);
}

}  // namespace docktor
