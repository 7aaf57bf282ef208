// The high_availability block: several daemons with one configuration, of which one acts.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/kind.h"
#include "config/parts.h"
#include "core/text.h"

namespace docktor {
namespace {

// A name of the kind that Kubernetes takes for objects: "docktor", "shop.docktor-2".
bool names_an_object(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

// Where daemons of two hosts cannot act in turns nobody could take over.
void check_targets(ConfigContext& context, Position at, const Config& config) {
  for (const auto& service : config.services) {
    const auto* kind = context.kinds.target(service.target.kind);
    if (!kind || kind->fenced) continue;
    std::string fenced;
    for (const auto* k : context.kinds.targets) {
      if (k->fenced) fenced += fmt::format("{}{}", fenced.empty() ? "" : ", ", k->name);
    }
    context.mistakes.add(
        at, fmt::format("high_availability is for targets of kind {}, and service {} has one of kind {}; "
                        "put it into a file of its own, for a docktor of its own",
                        fenced, in_quotes(service.name), kind->name));
  }
}

void check_times(Section& section, ConfigContext& context, const LeaseSpec& s) {
  using namespace std::chrono_literals;
  if (s.lease_duration % 1s != 0s)
    context.mistakes.add(section.key_at("lease_duration"), "lease_duration is in whole seconds; write 15s");
  if (s.renew_deadline >= s.lease_duration)
    context.mistakes.add(
        section.key_at("renew_deadline"),
        fmt::format(
            "renew_deadline must be shorter than lease_duration ({}): a leader stops before another begins",
            short_duration(s.lease_duration)));
  if (s.retry_period * 12 / 10 >= s.renew_deadline)
    context.mistakes.add(
        section.key_at("retry_period"),
        fmt::format(
            "1.2 times retry_period must be shorter than renew_deadline ({}): a renewal may fail once",
            short_duration(s.renew_deadline)));
}

}  // namespace

std::optional<LeaseSpec> read_high_availability(Section& top, const Config& config) {
  const auto* node = top.section("high_availability");
  if (!node) return std::nullopt;
  auto& context = top.context();
  Section section(context, kHighAvailability, *node);
  LeaseSpec out;
  for (const auto& [key, into] : {std::pair{"name", &out.name}, {"namespace", &out.namespace_}}) {
    const auto text = section.text(key);
    if (!text || text->value.empty()) continue;
    if (!names_an_object(text->value))
      context.mistakes.add(
          text->place,
          fmt::format("{} {} is not one that Kubernetes takes; allowed: small letters, digits, - and .", key,
                      text->shown));
    *into = text->value;
  }
  if (const auto file = section.text("kubeconfig"); file && !file->value.empty()) {
    out.kubeconfig = file->value;
    if (out.kubeconfig.front() != '/' && !out.kubeconfig.starts_with("~/"))
      context.mistakes.add(
          file->place,
          fmt::format("kubeconfig {} is neither an absolute path nor one under ~/; write all of it",
                      file->shown));
  }
  if (const auto text = section.text("context")) out.context = text->value;
  if (const auto text = section.text("identity")) out.identity = text->value;
  if (const auto d = section.duration("lease_duration")) out.lease_duration = d->value;
  if (const auto d = section.duration("renew_deadline")) out.renew_deadline = d->value;
  if (const auto d = section.duration("retry_period")) out.retry_period = d->value;
  check_times(section, context, out);
  check_targets(context, top.key_at("high_availability"), config);
  return out;
}

}  // namespace docktor
