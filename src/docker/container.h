// A Compose container as the Engine API shows it: the few fields that decisions need, out of JSON that stays
// opaque.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/rfc3339.h"
#include "core/time.h"

namespace docktor {

enum class ContainerState { kCreated, kRunning, kPaused, kRestarting, kRemoving, kExited, kDead };
enum class Health { kNone, kStarting, kHealthy, kUnhealthy };

/// Read out of GET /containers/{id}/json.
struct Container {
  std::string id;
  std::string name;  ///< without the leading slash
  std::string project;
  std::string service;
  std::string config_hash;
  std::string image_id;
  int number = 0;          ///< com.docker.compose.container-number; 0 when absent
  bool one_off = false;    ///< `docker compose run`
  bool replacing = false;  ///< Compose is putting it in the place of another one, under a temporary name
  ContainerState state = ContainerState::kExited;
  Health health = Health::kNone;
  std::string health_output;  ///< of the last failed check, cut to a line
  std::string error;          ///< why it did not start
  int exit_code = 0;
  bool oom_killed = false;
  int restarts = 0;
  /// Its restart policy starts it again after such an exit as this one (`on-failure` not after 0, nor when
  /// its retries are used up), unless somebody stopped it.
  bool restarted_by_docker = false;
  std::string depends_on;  ///< Compose's label: "nats:service_healthy:false,..."
  Time created{};
  std::optional<Time> started;
  std::optional<Time> finished;
  Duration stop_timeout = std::chrono::seconds(10);

  bool alive() const {
    return state == ContainerState::kRunning || state == ContainerState::kPaused ||
           state == ContainerState::kRestarting;
  }
  bool ended() const { return state == ContainerState::kExited || state == ContainerState::kDead; }
};

/// Fields that are missing or of another type keep their defaults.
Container read_container(const nlohmann::json& inspect);

/// A label's value; empty when it is not there. `labels` is an object, as in Config.Labels.
std::string label(const nlohmann::json& labels, std::string_view name);

/// The value behind a JSON pointer ("/HostConfig/NetworkMode"), or null: outside JSON never throws.
const nlohmann::json& at(const nlohmann::json& j, std::string_view pointer);
std::string text_at(const nlohmann::json& j, std::string_view pointer);

}  // namespace docktor
