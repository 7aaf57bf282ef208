// The factory of one kind of queue or target: makes what a service needs, and owns what services of that kind
// share (connections, an engine's client, a supervisor of processes).
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/finding.h"
#include "core/host_spec.h"
#include "core/result.h"
#include "core/source.h"
#include "core/spec.h"
#include "core/target.h"

namespace docktor {

/// What factories are made with. The clock outlives them.
struct FactoryOptions {
  const Clock& clock;
  std::string state_dir;  ///< where replicas' records are kept, in files that carry the service's name
  std::string log_dir;    ///< where replicas' output goes, likewise
  /// What a library says of its own accord, a line each; thread-safe. Empty: nobody wants to know.
  std::function<void(const std::string&)> log{};
};

/// How addresses that only a target's own network knows are reached from here. Empty functions: as they are.
struct Reach {
  std::string scope;  ///< addresses of the same name in different scopes are different servers
  /// The address to connect to in place of `url`; an address without a port is at `port`. Blocks for seconds
  /// at most; thread-safe.
  std::function<std::string(const std::string& url, int port)> resolve;
  /// `url` for people, without credentials, with what resolve() found last. Does not block; thread-safe.
  std::function<std::string(const std::string& url)> shown;
};

struct OpenQueue {
  std::unique_ptr<Source> source;
  std::function<std::string()> shown;  ///< QueueSpec::shown as it is reached now; thread-safe
};

/// Thread-safe. Outlives what it made. Specs are of its kind and have passed the kind's check.
class QueueFactory {
 public:
  virtual ~QueueFactory() = default;
  virtual OpenQueue open(const ServiceSpec& spec, const Reach& reach) = 0;
};

struct TargetOptions {
  std::function<void()> on_change;  ///< the report may differ now; called from any thread, must not block
  bool look_only = false;           ///< a dry run: nothing is started, not even what has crashed
  /// Takes the lock of what the target has found out that it scales, for as long as the answer is held;
  /// kConflict where another docktor has it. Absent: nobody else is asked. Thread-safe.
  std::function<Result<std::shared_ptr<void>>(const std::string& what)> claim{};
};

/// Thread-safe. Outlives what it made. Specs are of its kind and have passed the kind's check.
class TargetFactory {
 public:
  virtual ~TargetFactory() = default;
  virtual std::unique_ptr<Target> open(const ServiceSpec& spec, TargetOptions options) = 0;

  /// CPU and memory of the replicas; nullptr where this kind cannot tell.
  virtual std::unique_ptr<Source> usage(const ServiceSpec& spec) = 0;

  /// Tells whether the replicas are on this machine, whose memory and cores then bound them: at once, from any thread,
  /// for as long as the factory lives. It may tell another place later: an engine is elsewhere until it has answered.
  /// Empty where they never are.
  virtual std::function<HostPlace()> place() { return {}; }

  /// How many replicas run, without adopting or watching any. Blocking.
  virtual Result<int> count(const ServiceSpec& spec, const std::stop_token& stop) = 0;

  /// For `config validate`: looks at the world, beside a running daemon too. Blocking, for seconds at most.
  virtual std::vector<Finding> check(const ServiceSpec& spec) = 0;

  /// What the service scales: the same text for any two configurations that would fight over it. `config` is
  /// the path of the service's configuration.
  virtual std::string identity(const ServiceSpec& spec, const std::string& config) = 0;

  /// The same, and what the engine adds to it: texts of which two that would fight share one. Blocking, for two
  /// seconds at most; where the engine does not answer the target claims the rest later.
  virtual std::vector<std::string> identities(const ServiceSpec& spec, const std::string& config) {
    return {identity(spec, config)};
  }

  virtual Reach reach(const ServiceSpec& spec) {
    (void)spec;
    return {};
  }
};

}  // namespace docktor
