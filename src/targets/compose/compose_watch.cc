// The worker's eyes: lists containers, inspects those that changed, keeps the template, sees whether the
// project is there.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/json_text.h"
#include "targets/compose/compose_choice.h"
#include "targets/compose/compose_project.h"
#include "targets/compose/compose_worker.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kMostContainers = 2000;  // of one service

// "running" and "(healthy)" out of a row of the list: what says that the container must be inspected again.
std::string shown_state(const json& row) {
  const auto status = text_at(row, "/Status");
  const auto paren = status.find('(');
  return text_at(row, "/State") + (paren == std::string::npos ? "" : status.substr(paren));
}

std::vector<std::string> service_labels(const std::string& project, const std::string& service) {
  return {"com.docker.compose.project=" + project, "com.docker.compose.service=" + service,
          "com.docker.compose.oneoff=False"};
}

}  // namespace

bool ComposeTarget::Worker::refresh(const std::stop_token& stop) {
  const auto at = now();
  if (next_list_ && at < *next_list_ && dirty_.empty() && !all_dirty_) {
    // Nothing new from the engine; but time alone makes replicas ready and lets changes settle.
    std::vector<Container> all;
    for (const auto& [id, k] : known_) all.push_back(read_container(k.inspect));
    if (problem_.empty()) view_.update(all, at);
    return problem_.empty();
  }
  next_list_ = at + (problem_.empty() ? options_.care.list_again : std::chrono::seconds(1));
  auto all = list(stop);
  if (!all) {
    if (stop.stop_requested()) return false;
    problem_ = all.error().message;
    all_dirty_ = true;
    if (!away_since_ && all.error().code == ErrorCode::kUnavailable) away_since_ = at;
    return false;
  }
  if (view_.told_just_now(at) && !docker_.engine().answers_anew(stop)) {
    // It tells its containers to end because it shuts down itself: nobody's hand, and nothing to act upon.
    problem_ = "Docker is shutting down";
    all_dirty_ = true;
    if (!away_since_) away_since_ = at;
    return false;
  }
  if (away_since_) view_.on_return(*std::exchange(away_since_, std::nullopt), now());
  if (!has_history_) view_.remember(history(*all, stop));
  has_history_ = true;
  view_.compose_waits(compose_waits(*all, stop));
  if (!record_.creating.empty() && remove_leftovers(*all, stop)) {
    std::erase_if(*all, [&](const Container& c) { return !known_.contains(c.id); });
  }
  problem_.clear();
  docker_.prompt = true;
  view_.update(*all, now());
  keep_template();
  if (all->empty()) {
    look_at_project(stop);
  } else {
    project_alive_ = true;
    if (view_.count(at) > 0) resumed_ = false;
  }
  next_list_ = now() + options_.care.list_again;
  return problem_.empty();
}

Result<void> ComposeTarget::Worker::find_and_claim(const std::stop_token& stop) {
  const auto project = find_project(docker_.engine(), options_.spec, stop);
  if (!project) return tl::unexpected<Error>(project.error());
  if (*project == project_) return {};
  std::vector<std::shared_ptr<void>> claims;
  if (options_.claim) {
    const auto all = compose_identities(docker_.engine(), *project, options_.service, stop);
    if (!all) return tl::unexpected<Error>(all.error());
    for (const auto& what : *all) {
      auto claim = options_.claim(what);
      if (!claim) return tl::unexpected<Error>(claim.error());
      claims.push_back(std::move(*claim));
    }
  }
  claims_ = std::move(claims);
  project_ = *project;
  project_lock_ = docker_.project_lock(project_);
  return {};
}

Result<std::vector<Container>> ComposeTarget::Worker::list(const std::stop_token& stop) {
  if (project_.empty() || known_.empty()) {
    // While nothing of the service is there the project may yet be deployed under another name.
    if (const auto found = find_and_claim(stop); !found) return tl::unexpected<Error>(found.error());
  }
  const auto rows = docker_.engine().containers(service_labels(project_, options_.service), stop);
  if (!rows) return tl::unexpected<Error>(rows.error());
  if (rows->size() > kMostContainers) {
    return fail(ErrorCode::kExhausted,
                fmt::format("service {} has {} containers: more than {} are not looked after; remove "
                            "ended ones with `docker compose rm`",
                            options_.service, rows->size(), kMostContainers));
  }
  std::set<std::string> there;
  std::vector<std::string> ids;
  std::vector<EngineCall> calls;
  for (const auto& row : *rows) {
    const auto id = text_at(row, "/Id");
    if (id.empty()) continue;
    there.insert(id);
    const auto shown = shown_state(row);
    auto& k = known_[id];
    if (!all_dirty_ && !dirty_.contains(id) && !k.inspect.is_null() && k.shown == shown) continue;
    k.shown = shown;
    ids.push_back(id);
    calls.push_back({.what = "inspect " + id.substr(0, 12), .path = "/containers/" + id + "/json"});
  }
  std::erase_if(known_, [&](const auto& entry) { return !there.contains(entry.first); });
  const auto answers = docker_.engine().call_all(std::move(calls), stop);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!answers[i]) {
      if (answers[i].error().code == ErrorCode::kNotFound) {  // gone since it was listed
        known_.erase(ids[i]);
        continue;
      }
      return tl::unexpected<Error>(answers[i].error());
    }
    auto j = parse_json(answers[i]->body);
    if (!j.is_object())
      return fail(ErrorCode::kInternal, "Docker's description of a container is not JSON", true);
    known_[ids[i]].inspect = std::move(j);
  }
  dirty_.clear();
  all_dirty_ = false;
  std::vector<Container> all;
  all.reserve(known_.size());
  for (const auto& [id, k] : known_) all.push_back(read_container(k.inspect));
  return all;
}

// What the engine remembers of the containers that have ended: whether they were told to.
std::vector<ContainerEvent> ComposeTarget::Worker::history(const std::vector<Container>& all,
                                                           const std::stop_token& stop) {
  json ids = json::array();
  Time from = now();
  for (const auto& c : all) {
    if (!c.ended() || !c.finished) continue;
    ids.push_back(c.id);
    from = std::min(from, *c.finished - c.stop_timeout - std::chrono::minutes(1));
  }
  std::vector<ContainerEvent> events;
  if (ids.empty()) return events;
  const json filters{{"container", ids}, {"event", {"start", "kill", "stop", "die"}}};
  const auto answer = docker_.engine().call(
      {.what = "tell past events",
       .path =
           fmt::format("/events?since={}&until={}&filters={}", static_cast<std::int64_t>(to_seconds(from)),
                       static_cast<std::int64_t>(to_seconds(now())) + 1, url_encoded(filters.dump())),
       .timeout = std::chrono::seconds(5)},
      stop);
  if (!answer) return events;
  JsonSplitter splitter;
  splitter.feed(answer->body, [&](std::string_view text) {
    if (auto e = parse_event(json::parse(text, nullptr, false))) events.push_back(std::move(*e));
  });
  return events;
}

// Compose makes all containers first, and starts one when those it depends on are healthy, or have done.
bool ComposeTarget::Worker::compose_waits(const std::vector<Container>& all, const std::stop_token& stop) {
  std::string depends_on;
  for (const auto& c : all) {
    if (c.state == ContainerState::kCreated) depends_on += "," + c.depends_on + ",";
  }
  if (depends_on.find(":service_healthy") == std::string::npos &&
      depends_on.find(":service_completed_successfully") == std::string::npos)
    return false;
  const auto others = docker_.engine().containers({"com.docker.compose.project=" + project_}, stop);
  if (!others) return true;
  return std::ranges::any_of(*others, [&](const json& row) {
    const auto service = label(at(row, "/Labels"), "com.docker.compose.service");
    const bool running = text_at(row, "/State") == "running";
    const bool healthy = text_at(row, "/Status").find("(healthy)") != std::string::npos;
    const auto names = [&](const char* condition) {
      return depends_on.find("," + service + ":" + condition) != std::string::npos;
    };
    return running && ((names("service_healthy") && !healthy) || names("service_completed_successfully"));
  });
}

void ComposeTarget::Worker::keep_template() {
  const auto id = best_template(view_);
  const auto* c = view_.find(id);
  const auto found = known_.find(id);
  if (!c || found == known_.end()) return;
  const auto& old = record_.replica_template;
  const auto& labels = at(old, "/Config/Labels");
  // Any replica of the same configuration and image is as good: write only when those change.
  const bool same = old.is_object() && label(labels, "com.docker.compose.config-hash") == c->config_hash &&
                    text_at(old, "/Image") == c->image_id &&
                    label(labels, "com.docker.compose.project") == c->project;
  if (!same) record_.replica_template = found->second.inspect;
}

void ComposeTarget::Worker::look_at_project(const std::stop_token& stop) {
  const auto others = docker_.engine().containers({"com.docker.compose.project=" + project_}, stop);
  if (!others) {
    problem_ = others.error().message;
    return;
  }
  project_alive_ = !others->empty();
  project_labels_ = project_alive_ ? at(others->front(), "/Labels") : json();
  if (project_alive_ || resumed_ || !view_.stopped_by_hand().empty()) return;
  const auto d = deployment_of(project_labels_, project_, options_.spec);
  problem_ = fmt::format("project {} has no containers: start it with `docker compose{}{} up -d`", project_,
                         d.files.empty() ? "" : " -f ", fmt::join(d.files, " -f "));
}

// What an order left that was cut off, because docktor or the engine ended in its midst: created and never
// started, or ended before anybody saw it work (an engine that is killed while it starts a container does not
// start it again).
bool ComposeTarget::Worker::remove_leftovers(const std::vector<Container>& all, const std::stop_token& stop) {
  bool removed = false;
  for (const auto& c : all) {
    const bool works = c.state != ContainerState::kCreated && !c.ended();
    if (works || !record_.creating.contains(c.name)) continue;
    const auto r = docker_.engine().call({.what = "remove " + c.name,
                                          .method = "DELETE",
                                          .path = "/containers/" + c.id + "?v=1&force=1",
                                          .timeout = std::chrono::seconds(60)},
                                         stop);
    if (!r && r.error().code != ErrorCode::kNotFound) return removed;  // tried again at the next list
    news_.push_back(fmt::format(
        "removed {}: {}", c.name,
        c.state == ContainerState::kCreated ? "it was created and never started" : "its start was cut off"));
    view_.forget(c.id);
    known_.erase(c.id);
    removed = true;
  }
  record_.creating.clear();
  return removed;
}

}  // namespace docktor
