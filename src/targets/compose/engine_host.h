// Whether an engine's containers run on this very machine.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/host_spec.h"
#include "docker/engine.h"

namespace docktor {

/// An engine behind a local socket may still be in a virtual machine, with memory and cores of its own, or at the other
/// end of a tunnel. `info` is its answer to /info: of this machine are those with its memory, to the byte, and its kernel.
bool is_this_machine(const nlohmann::json& info, double memory_bytes, const std::string& kernel);

/// Thread-safe; never blocks. `engine` must outlive this.
class EngineHost {
 public:
  explicit EngineHost(DockerEngine& engine);

  /// Asks the engine when it was not asked yet, and again after half a minute where it did not answer; elsewhere
  /// until it has.
  HostPlace place();

 private:
  struct State;
  DockerEngine& engine_;
  std::shared_ptr<State> state_;
};

}  // namespace docktor
