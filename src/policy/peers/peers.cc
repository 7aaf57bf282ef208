#include "policy/peers/peers.h"

#include <fmt/format.h>

#include <charconv>

#include "core/text.h"
#include "policy/peers/aws.h"
#include "policy/peers/flink.h"
#include "policy/peers/hpa.h"
#include "policy/peers/keda.h"
#include "policy/peers/knative.h"
#include "policy/peers/laravel.h"
#include "policy/peers/loop.h"
#include "policy/peers/nomad.h"
#include "policy/peers/seeds.h"

namespace docktor::peers {
namespace {

class Static final : public Policy {
 public:
  explicit Static(int replicas) : replicas_(replicas) {}
  Recommendation recommend(const Situation&) override { return want(replicas_, "static"); }

 private:
  int replicas_;
};

constexpr std::string_view kStatic = "static";

// How many is the whole law, so it stands in the name and there is nothing to set.
Peer static_peer() {
  return {.name = std::string(kStatic), .source = "no autoscaler: as many replicas as its name says"};
}

Result<std::unique_ptr<Policy>> static_policy(std::string_view name, const ServiceSpec& service) {
  const std::string_view number = name.size() > kStatic.size() ? name.substr(kStatic.size() + 1) : "";
  int replicas = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), replicas);
  if (error != std::errc{} || end != number.data() + number.size() || !is_whole_number(number) ||
      replicas < 0 || replicas > service.limits.max_replicas) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: give the number of replicas, 0 to max_replicas {}, as in static:5", name,
                            service.limits.max_replicas));
  }
  return std::make_unique<Static>(replicas);
}

}  // namespace

const std::vector<Peer>& all() {
  static const std::vector<Peer> table = {keda_peer(),    hpa_peer(),   knative_peer(), flink_peer(),
                                          aws_peer(),     nomad_peer(), laravel_peer(), natsbyexample_peer(),
                                          docktor_peer(), static_peer()};
  return table;
}

Result<std::unique_ptr<Policy>> make(std::string_view name, std::size_t setting, const ServiceSpec& service,
                                     const Known& known) {
  if (name == kStatic || name.starts_with("static:")) return static_policy(name, service);
  std::vector<std::string_view> names;
  std::string list;
  for (const Peer& p : all()) {
    if (p.name != name) {
      names.emplace_back(p.name);
      list += fmt::format("{}{}{}", list.empty() ? "" : ", ", p.name, p.name == kStatic ? ":N" : "");
      continue;
    }
    if (setting >= p.settings.size()) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} has {} settings, 0 to {}; there is none with number {}", name,
                              p.settings.size(), p.settings.size() - 1, setting));
    }
    return p.settings[setting].make(service, known);
  }
  const auto near = did_you_mean(name, names);
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: no autoscaler of that name is known{}; known are {}", name,
                          near ? fmt::format(" (did you mean {}?)", *near) : "", list));
}

}  // namespace docktor::peers
