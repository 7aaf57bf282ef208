// The default law: the core's autoscaler with the objective policy, the same object that the daemon drives.
#pragma once

#include <string>

#include "core/autoscaler.h"
#include "docktor/provisioner.h"
#include "provisioner/law.h"

namespace docktor {

/// The service that an embedding program describes by its options.
ServiceSpec spec_of(const ObjectiveLaw& law, const std::string& stream, const std::string& consumer);

class ObjectiveLawRunner final : public Law {
 public:
  explicit ObjectiveLawRunner(ServiceSpec spec);

  void observe(Time now, const ReplicaCounts& instances, const QueueSample& queue) override;
  Ruling decide(Time now, const ReplicaCounts& instances, const Overrides& overrides, bool fresh) override;

 private:
  Autoscaler autoscaler_;
};

}  // namespace docktor
