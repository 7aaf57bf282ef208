// The `compose` target: replicas are containers of one service of a Compose project, made and removed by the
// Engine API.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/target.h"
#include "docker/docker.h"
#include "targets/compose/compose_service.h"
#include "targets/compose/compose_spec.h"

namespace docktor {

struct ComposeOptions {
  std::string service;
  ComposeSpec spec;             ///< compose_file, project, ready_after count
  std::string state_directory;  ///< the record: <service>.compose.json; made when missing
  std::function<void()>
      on_change;            ///< the report may differ now; called from the worker's thread, must not block
  int max_replicas = 1000;  ///< orders for more are refused, whoever made the mistake
  bool look_only = false;   ///< nothing is started or removed but by an order
  ComposeCare care{};
  /// Takes the sole right to scale what is named, held for as long as the answer lives; an error where
  /// another docktor has it. Nobody else is asked where there is no such function. Called from the worker's
  /// thread.
  std::function<Result<std::shared_ptr<void>>(const std::string& what)> claim{};
};

/// A replica more is a clone of a running one, whatever the Compose file says by now: what is edited and not
/// deployed stays so. The Compose command is used only where its knowledge is needed
/// (ComposeFileService::needs_cli), where there is nothing to clone, and where none is left and the files define the
/// service otherwise than its last container. Never another service, never a pull
/// or a build, never `down`.
///
/// One thread per object does all the work; it speaks to the engine with deadlines, follows its events, and
/// lists again after a gap and every ComposeCare::list_again. Replica ids are container names.
///
/// What begins and is not done when docktor ends is written down before it begins: the next object with the
/// same state directory and service removes the containers that were being stopped, and those created and
/// never started.
///
/// Thread-safe. The destructor waits for the thread, not for replicas to stop; orders not yet done are
/// answered with an error.
class ComposeTarget final : public Target {
 public:
  /// Returns within half a second, and at once where Docker does not answer another one. report() says that
  /// Docker was not asked yet until it was. `docker` and `clock` must outlive this.
  ComposeTarget(ComposeOptions options, Docker& docker, const Clock& clock);
  ~ComposeTarget() override;

  /// `done` is called from the worker's thread. Errors: kInvalid (a trap, with its cure), kConflict (somebody
  /// is changing the service just now), kNotFound (nothing to clone, the image is gone), kUnavailable (no
  /// Docker, or pausing after replicas that never became healthy).
  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override;
  TargetReport report() override;
  void resume() override;
  /// Blocks for some seconds at most. Works before anything was deployed, too.
  std::vector<Finding> check() override;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace docktor
