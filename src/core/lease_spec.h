// How several daemons agree on the one that acts, as plain values.
#pragma once

#include <string>

#include "core/time.h"

namespace docktor {

/// The Lease object of a Kubernetes cluster (coordination.k8s.io) that they share. lease_duration > renew_deadline >
/// 1.2 × retry_period.
struct LeaseSpec {
  std::string kind = "kubernetes";  ///< a row of app/leases.cc
  std::string name = "docktor";
  std::string namespace_;  ///< empty: that of the access
  std::string kubeconfig;  ///< see KubeLookup
  std::string context;
  std::string identity;                                ///< of this daemon; empty: the host's name
  Duration lease_duration = std::chrono::seconds(15);  ///< whole seconds
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
  friend bool operator==(const LeaseSpec&, const LeaseSpec&) = default;
};

}  // namespace docktor
