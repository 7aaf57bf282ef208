#include "docker/container.h"

#include <fmt/format.h>

#include <charconv>

namespace docktor {

using nlohmann::json;

const json& at(const json& j, std::string_view pointer) {
  static const json null;
  const json* here = &j;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const auto key = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(key.size());
    if (!here->is_object()) return null;
    const auto found = here->find(key);
    if (found == here->end()) return null;
    here = &*found;
  }
  return *here;
}

std::string text_at(const json& j, std::string_view pointer) {
  const auto& v = at(j, pointer);
  return v.is_string() ? v.get<std::string>() : "";
}

namespace {

std::int64_t number_at(const json& j, std::string_view pointer, std::int64_t otherwise = 0) {
  const auto& v = at(j, pointer);
  return v.is_number_integer() ? v.get<std::int64_t>() : otherwise;
}

bool bool_at(const json& j, std::string_view pointer) {
  const auto& v = at(j, pointer);
  return v.is_boolean() && v.get<bool>();
}

ContainerState state_of(const std::string& text) {
  if (text == "created") return ContainerState::kCreated;
  if (text == "running") return ContainerState::kRunning;
  if (text == "paused") return ContainerState::kPaused;
  if (text == "restarting") return ContainerState::kRestarting;
  if (text == "removing") return ContainerState::kRemoving;
  if (text == "dead") return ContainerState::kDead;
  return ContainerState::kExited;
}

Health health_of(const std::string& text) {
  if (text == "starting") return Health::kStarting;
  if (text == "healthy") return Health::kHealthy;
  if (text == "unhealthy") return Health::kUnhealthy;
  return Health::kNone;
}

std::string one_line(std::string text) {
  constexpr std::size_t kMost = 200;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (text.size() > kMost) {
    auto cut = kMost;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
      --cut;  // never within a character
    text.resize(cut);
  }
  return text;
}

// "0" when absent or no number: Compose counts from 1.
int small_number(const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() && n > 0 ? n : 0;
}

}  // namespace

std::string label(const json& labels, std::string_view name) {
  if (!labels.is_object()) return {};
  const auto found = labels.find(name);
  return found != labels.end() && found->is_string() ? found->get<std::string>() : "";
}

Container read_container(const json& inspect) {
  Container c;
  c.id = text_at(inspect, "/Id");
  c.name = text_at(inspect, "/Name");
  if (c.name.starts_with("/")) c.name.erase(0, 1);
  const auto& labels = at(inspect, "/Config/Labels");
  c.project = label(labels, "com.docker.compose.project");
  c.service = label(labels, "com.docker.compose.service");
  c.config_hash = label(labels, "com.docker.compose.config-hash");
  c.number = small_number(label(labels, "com.docker.compose.container-number"));
  c.one_off = label(labels, "com.docker.compose.oneoff") == "True";
  // The label stays on for good; the temporary name <12 hex digits>_<name> only until the old container is
  // gone.
  c.replacing = !label(labels, "com.docker.compose.replace").empty() && c.name.size() > 13 &&
                c.name[12] == '_' && c.name.find_first_not_of("0123456789abcdef") == 12;
  c.image_id = text_at(inspect, "/Image");
  c.state = state_of(text_at(inspect, "/State/Status"));
  c.health = health_of(text_at(inspect, "/State/Health/Status"));
  if (const auto& log = at(inspect, "/State/Health/Log"); log.is_array() && !log.empty()) {
    c.health_output = one_line(text_at(log.back(), "/Output"));
  }
  c.error = one_line(text_at(inspect, "/State/Error"));
  c.exit_code = static_cast<int>(number_at(inspect, "/State/ExitCode"));
  c.oom_killed = bool_at(inspect, "/State/OOMKilled");
  c.restarts = static_cast<int>(number_at(inspect, "/RestartCount"));
  const auto policy = text_at(inspect, "/HostConfig/RestartPolicy/Name");
  const auto retries = number_at(inspect, "/HostConfig/RestartPolicy/MaximumRetryCount");
  c.restarted_by_docker =
      policy == "always" || policy == "unless-stopped" ||
      (policy == "on-failure" && (c.exit_code != 0 || c.alive()) && (retries == 0 || c.restarts < retries));
  c.depends_on = label(labels, "com.docker.compose.depends_on");
  c.created = parse_rfc3339(text_at(inspect, "/Created")).value_or(Time{});
  c.started = parse_rfc3339(text_at(inspect, "/State/StartedAt"));
  c.finished = parse_rfc3339(text_at(inspect, "/State/FinishedAt"));
  c.stop_timeout = std::chrono::seconds(
      std::clamp<std::int64_t>(number_at(inspect, "/Config/StopTimeout", 10), 0, 86'400));
  return c;
}

}  // namespace docktor
