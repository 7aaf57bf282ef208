#include "targets/compose/engine_host.h"

#include <sys/utsname.h>

#include <chrono>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/json_text.h"
#include "docker/container.h"
#include "os/host_reader.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr auto kAskAgain = std::chrono::seconds(30);

bool answered_from_here(const HttpResponse& answer) {
  utsname names{};
  const auto figures = HostReader().look();
  if (answer.status != 200 || figures.memory.empty() || ::uname(&names) != 0) return false;
  return is_this_machine(parse_json(answer.body), figures.memory.front().total, names.release);
}

}  // namespace

bool is_this_machine(const nlohmann::json& info, double memory_bytes, const std::string& kernel) {
  const auto& memory = at(info, "/MemTotal");
  return memory.is_number() && std::abs(memory.get<double>() - memory_bytes) < 1 &&
         text_at(info, "/KernelVersion") == kernel;
}

struct EngineHost::State {
  std::mutex mutex;
  std::optional<HostPlace> place;
  std::optional<steady_clock::time_point> asked;
};

EngineHost::EngineHost(DockerEngine& engine) : engine_(engine), state_(std::make_shared<State>()) {}

HostPlace EngineHost::place() {
  {
    const std::lock_guard lock(state_->mutex);
    const auto now = steady_clock::now();
    if (state_->place) return *state_->place;
    if (state_->asked && now < *state_->asked + kAskAgain) return HostPlace::kElsewhere;
    state_->asked = now;
  }
  // Not under the lock: where no engine is found the answer comes from within the call.
  engine_.submit({.what = "tell its machine", .path = "/info", .timeout = std::chrono::seconds(10)},
                 [state = state_](const Result<HttpResponse>& answer) {
                   if (!answer) return;
                   const auto place =
                       answered_from_here(*answer) ? HostPlace::kThisHost : HostPlace::kElsewhere;
                   const std::lock_guard lock(state->mutex);
                   state->place = place;
                 });
  return HostPlace::kElsewhere;
}

}  // namespace docktor
