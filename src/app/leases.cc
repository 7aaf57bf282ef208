#include "app/leases.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "leases/kubernetes/kubernetes_lease.h"

namespace docktor {
namespace {

// A further kind is a row here.
constexpr std::array kLeases{kKubernetesLease};

const LeaseRow* row_of(const LeaseSpec& spec) {
  const auto* it = std::ranges::find(kLeases, spec.kind, &LeaseRow::kind);
  return it == kLeases.end() ? nullptr : it;
}

}  // namespace

Result<std::unique_ptr<Lease>> open_lease(const std::optional<LeaseSpec>& spec, LeaseParts parts) {
  if (!spec) return std::unique_ptr<Lease>();
  const auto* row = row_of(*spec);
  if (!row) return fail(ErrorCode::kInvalid, fmt::format("there is no lease of kind '{}'", spec->kind));
  return row->open(*spec, std::move(parts));
}

std::vector<Finding> check_lease(const LeaseSpec& spec) {
  const auto* row = row_of(spec);
  return row ? row->check(spec) : std::vector<Finding>();
}

}  // namespace docktor
