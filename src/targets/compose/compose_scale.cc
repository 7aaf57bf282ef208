// The worker's hands: makes replicas out of the template, starts and removes containers.
#include <fmt/format.h>

#include <algorithm>

#include "core/json_text.h"
#include "core/pause.h"
#include "core/text.h"
#include "os/spawn.h"
#include "targets/compose/compose_choice.h"
#include "targets/compose/compose_worker.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr Duration kCreate = std::chrono::seconds(60);
constexpr Duration kStart = std::chrono::seconds(120);
constexpr Duration kRemove = std::chrono::seconds(120);
constexpr Duration kLongestStartBackoff = std::chrono::minutes(5);

std::string names_of(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

EngineCall start_call(const std::string& name, const std::string& id) {
  return {
      .what = "start " + name, .method = "POST", .path = "/containers/" + id + "/start", .timeout = kStart};
}

// What a container of the service is made of, as one text.
std::string definition_of(const json& inspect) {
  return label(at(inspect, "/Config/Labels"), "com.docker.compose.config-hash") + " " +
         text_at(inspect, "/Image");
}

}  // namespace

void ComposeTarget::Worker::obey(Order order, const std::stop_token& stop) {
  auto outcome = carry_out(order.order, stop);
  next_list_.reset();
  refresh(stop);
  publish();
  order.done(std::move(outcome));
}

Result<std::string> ComposeTarget::Worker::carry_out(const ScaleOrder& order, const std::stop_token& stop) {
  if (order.replicas < 0 || order.replicas > options_.max_replicas) {
    return fail(ErrorCode::kInvalid, fmt::format("{} replicas were ordered; 0 to {} are possible",
                                                 order.replicas, options_.max_replicas));
  }
  const auto hold = hold_project(stop);
  if (!hold) return fail(ErrorCode::kUnavailable, problem_.empty() ? "shutting down" : problem_, true);
  next_list_.reset();  // the order was made on what was known then; act on what is now
  if (!refresh(stop))
    return fail(ErrorCode::kUnavailable, problem_.empty() ? "shutting down" : problem_, true);
  if (!view_.unrest().empty()) return fail(ErrorCode::kConflict, view_.unrest(), true);
  const int current = view_.count(now());
  if (order.replicas > current) return grow(current, order.replicas, stop);
  if (order.replicas < current)
    return shrink(static_cast<std::size_t>(current - order.replicas), order, stop);
  return fmt::format("{} already has {}", options_.service, current);
}

std::unique_lock<std::timed_mutex> ComposeTarget::Worker::hold_project(const std::stop_token& stop) {
  if (!project_lock_) return {};
  std::unique_lock lock(*project_lock_, std::defer_lock);  // `docker_` keeps every lock that there ever was
  while (!lock.try_lock_for(std::chrono::milliseconds(100))) {
    if (stop.stop_requested()) return lock;
  }
  return lock;
}

json ComposeTarget::Worker::current_template() const {
  const auto id = best_template(view_);
  const auto found = known_.find(id);
  const auto* c = view_.find(id);
  // An ended container is no better than what was kept of a running one, but better than nothing.
  if (found != known_.end() && c && (c->alive() || record_.replica_template.is_null()))
    return found->second.inspect;
  const auto& kept = record_.replica_template;
  if (kept.is_object() && label(at(kept, "/Config/Labels"), "com.docker.compose.project") == project_)
    return kept;
  return {};
}

Result<std::string> ComposeTarget::Worker::grow(int from, int to, const std::stop_token& stop) {
  const auto source = current_template();
  // Another image or definition may be the repaired one.
  if (no_start_before_ && no_start_of_ != definition_of(source)) {
    no_start_before_.reset();
    never_healthy_ = 0;
  }
  if (no_start_before_ && now() < *no_start_before_)
    return fail(ErrorCode::kUnavailable, no_start_why_, true);
  if (source.is_null() || !project_alive_)
    return grow_by_cli(to, "there is no container to make another one of", source, stop);
  if (from == 0) {
    if (const auto why = why_outdated(source, stop); !why.empty()) return grow_by_cli(to, why, source, stop);
  }
  if (const auto why = why_cli(source, stop); !why.empty()) return grow_by_cli(to, why, source, stop);
  std::string capped;
  for (const auto& trap : find_traps(source)) {
    if (trap.most_replicas >= to) continue;
    const auto sentence =
        fmt::format("{} cannot have {} replicas: {}; {}", options_.service, to, trap.what, trap.cure);
    if (trap.most_replicas <= from) return fail(ErrorCode::kInvalid, sentence);
    to = trap.most_replicas;
    capped = "; " + sentence;
  }
  auto wanted = static_cast<std::size_t>(to - from);
  auto started = start_ended(wanted, source, stop);
  if (!started) return tl::unexpected<Error>(started.error());
  wanted -= started->size();
  std::optional<Error> error;
  if (wanted > 0) {
    const auto image = image_for(source, stop);
    if (!image) return tl::unexpected<Error>(image.error());
    auto from_image = source;
    from_image["Config"]["Image"] = *image;
    for (auto& f : make_clones(from_image, wanted, stop)) {
      if (f.error)
        error = std::move(f.error);
      else
        started->push_back(f.name);
    }
  }
  if (error) {
    if (!started->empty())
      error->message += fmt::format(" (started {}: {})", started->size(), names_of(*started));
    return tl::unexpected<Error>(std::move(*error));
  }
  return fmt::format("started {}: {}{}", started->size(), names_of(*started), capped);
}

// As Compose does: ended containers of the service count as existing, and are started before new ones are
// made.
Result<std::vector<std::string>> ComposeTarget::Worker::start_ended(std::size_t most, const json& source,
                                                                    const std::stop_token& stop) {
  auto ids = reusable(view_, label(at(source, "/Config/Labels"), "com.docker.compose.config-hash"),
                      text_at(source, "/Image"));
  if (ids.size() > most) ids.resize(most);
  std::vector<EngineCall> calls;
  for (const auto& id : ids) {
    view_.started(id);
    calls.push_back(start_call(name_of(id), id));
  }
  std::vector<std::string> started;
  const auto answers = docker_.engine().call_all(std::move(calls), stop);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (answers[i])
      started.push_back(name_of(ids[i]));
    else {
      view_.not_started(ids[i]);
      news_.push_back(answers[i].error().message);
    }
  }
  return started;
}

// The tag while it still means the template's image (then the clone reads as its siblings do), else the image
// itself: a newer image comes with the user's next deployment, not with a replica more.
Result<std::string> ComposeTarget::Worker::image_for(const json& source, const std::stop_token& stop) {
  const auto tag = text_at(source, "/Config/Image");
  const auto id = text_at(source, "/Image");
  const auto look = [&](const std::string& which) {
    return docker_.engine().json(
        {.what = "find image " + which, .path = "/images/" + url_encoded(which) + "/json"}, stop);
  };
  const auto tagged = look(tag);
  if (tagged && text_at(*tagged, "/Id") == id) return tag;
  if (!tagged && tagged.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(tagged.error());
  const auto itself = look(id);
  if (itself) return id;
  if (itself.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(itself.error());
  return fail(
      ErrorCode::kNotFound,
      fmt::format(
          "the image of service {} ({}) is gone: build or pull it again with `docker compose build {}` or "
          "`docker compose pull {}`, then `docker compose up -d {}`",
          options_.service, tag, options_.service, options_.service, options_.service),
      true);
}

std::vector<ComposeTarget::Worker::Fresh> ComposeTarget::Worker::make_clones(const json& source,
                                                                             std::size_t how_many,
                                                                             const std::stop_token& stop) {
  auto& engine = docker_.engine();
  const auto connected = engine.connect(stop);
  const auto api = connected ? connected->api : kOldestApi;
  const auto stem = name_stem(source);
  std::vector<Fresh> all(how_many);
  std::vector<EngineCall> calls;
  int number = highest_number(view_);
  for (auto& f : all) {
    ++number;
    f.name = stem + std::to_string(number);
    auto plan = plan_clone({.source = source,
                            .name = f.name,
                            .number = number,
                            .image = text_at(source, "/Config/Image"),
                            .api = api});
    f.connect = std::move(plan.connect);
    record_.creating.insert(f.name);
    calls.push_back({.what = "create " + f.name,
                     .method = "POST",
                     .path = "/containers/create?name=" + url_encoded(f.name),
                     .body = plan.create.dump(-1, ' ', false, json::error_handler_t::replace),
                     .timeout = kCreate});
  }
  save();  // should we end between creating and starting, the next run knows what to remove

  auto answers = engine.call_all(std::move(calls), stop);
  std::vector<std::pair<Fresh*, EngineCall>> next;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& f = all[i];
    if (!answers[i]) {
      f.error = answers[i].error();
      continue;
    }
    f.id = text_at(parse_json(answers[i]->body), "/Id");
    if (f.id.empty()) {
      f.error =
          Error{ErrorCode::kInternal, fmt::format("Docker's answer to creating {} has no id", f.name), true};
      continue;
    }
    view_.created(f.id, now());
    for (const auto& [network, body] : f.connect) {
      auto with_id = body;
      with_id["Container"] = f.id;
      next.emplace_back(&f, EngineCall{.what = fmt::format("connect {} to network {}", f.name, network),
                                       .method = "POST",
                                       .path = "/networks/" + url_encoded(network) + "/connect",
                                       .body = with_id.dump(-1, ' ', false, json::error_handler_t::replace),
                                       .timeout = kCreate});
    }
  }
  const auto run = [&] {
    std::vector<EngineCall> batch;
    for (auto& [f, call] : next) batch.push_back(std::move(call));
    const auto results = engine.call_all(std::move(batch), stop);
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (!results[i] && !next[i].first->error) next[i].first->error = results[i].error();
    }
    next.clear();
  };
  run();
  for (auto& f : all) {
    if (!f.error) next.emplace_back(&f, start_call(f.name, f.id));
  }
  run();
  remove_failed(all, stop);
  return all;
}

// A start that failed leaves nothing behind, least of all a container that Compose counts as a replica.
// What cannot be removed now stays in the record, and goes when the engine is back.
void ComposeTarget::Worker::remove_failed(std::vector<Fresh>& all, const std::stop_token& stop) {
  std::vector<EngineCall> calls;
  std::vector<Fresh*> failed;
  for (auto& f : all) {
    if (!f.error) record_.creating.erase(f.name);
    if (!f.error || f.id.empty()) continue;
    failed.push_back(&f);
    calls.push_back({.what = "remove " + f.name,
                     .method = "DELETE",
                     .path = "/containers/" + f.id + "?v=1&force=1",
                     .timeout = kRemove});
  }
  const auto answers = docker_.engine().call_all(std::move(calls), stop);
  for (std::size_t i = 0; i < failed.size(); ++i) {
    if (!answers[i]) continue;
    record_.creating.erase(failed[i]->name);
    view_.forget(failed[i]->id);
  }
}

Result<std::string> ComposeTarget::Worker::shrink(std::size_t by, const ScaleOrder& order,
                                                  const std::stop_token&) {
  const auto source = current_template();
  const auto ids = victims(view_, by, label(at(source, "/Config/Labels"), "com.docker.compose.config-hash"),
                           text_at(source, "/Image"), order.busyness, now());
  std::vector<std::string> names;
  for (const auto& id : ids) {
    names.push_back(name_of(id));
    record_.stopping.insert(id);
    view_.stopping(id, now());
  }
  save();  // before the first one is told: the next run must know whose end was ordered
  for (const auto& id : ids) order_removal(id);
  return fmt::format("stopping {}: {}", names.size(), names_of(names));
}

// Stops with the container's own grace period, then removes it with its anonymous volumes. Nobody waits for
// it here.
void ComposeTarget::Worker::order_removal(const std::string& id) {
  removals_[id].in_flight = true;
  const auto* c = view_.find(id);
  const auto name = name_of(id);
  const auto grace = c ? c->stop_timeout : Duration(std::chrono::seconds(10));
  const std::weak_ptr<Inbox> inbox = inbox_;
  const auto done = [inbox, id] {
    const auto to = inbox.lock();
    if (!to) return;
    const std::lock_guard lock(to->mutex);
    to->removals_done.insert(id);
    to->changed.notify_all();
  };
  auto& engine = docker_.engine();
  engine.submit({.what = "stop " + name,
                 .method = "POST",
                 .path = "/containers/" + id + "/stop",
                 .timeout = grace + std::chrono::seconds(60)},
                [&engine, inbox, id, name, done](const Result<HttpResponse>& r) {
                  // Removing it by force would cut the grace period short: only after a stop, else it is
                  // tried again.
                  if (!r || inbox.expired()) return done();
                  engine.submit({.what = "remove " + name,
                                 .method = "DELETE",
                                 .path = "/containers/" + id + "?v=1&force=1",
                                 .timeout = kRemove},
                                [done](const Result<HttpResponse>&) { done(); });
                });
}

void ComposeTarget::Worker::look_after(const std::stop_token& stop) {
  if (!problem_.empty() || options_.look_only) return;
  const auto stopping = stopping_ids(view_);
  std::erase_if(removals_, [&](const auto& r) { return !r.second.in_flight && !stopping.contains(r.first); });
  for (const auto& id : stopping) {
    const auto found = removals_.find(id);
    if (found == removals_.end() || (!found->second.in_flight && found->second.retry_at <= now()))
      order_removal(id);
  }
  for (const auto& id : never_healthy(view_)) {
    const auto* c = view_.find(id);
    ++never_healthy_;
    no_start_before_ = now() + pause_after(never_healthy_, options_.care.start_backoff, kLongestStartBackoff);
    no_start_why_ =
        fmt::format("{} never became healthy{}{}; the next one is tried at {}, or after `docktor resume {}`",
                    name_of(id), c->health_output.empty() ? "" : ": ", c->health_output,
                    clock_text(*no_start_before_), options_.service);
    no_start_of_ = definition_of(current_template());
    news_.push_back(fmt::format("removing {}: it never became healthy{}{}", name_of(id),
                                c->health_output.empty() ? "" : ": ", c->health_output));
    record_.stopping.insert(id);
    view_.stopping(id, now());
    save();
    order_removal(id);
  }
  bring_back(stop);
  const auto due = due_starts(view_, now());
  if (due.empty()) return;
  std::vector<EngineCall> calls;
  for (const auto& id : due) {
    calls.push_back(start_call(name_of(id), id));
    view_.started(id);
  }
  const auto answers = docker_.engine().call_all(std::move(calls), stop);
  for (std::size_t i = 0; i < due.size(); ++i) {
    if (answers[i])
      news_.push_back(fmt::format("started {} again", name_of(due[i])));
    else if (answers[i].error().code == ErrorCode::kNotFound)
      view_.forget(due[i]);
    else
      view_.start_failed(due[i], now());
  }
  next_list_.reset();
  refresh(stop);
}

// A new version is deployed by `docker compose up`, which leaves as many containers as the file says: the others are
// wanted as much as before.
void ComposeTarget::Worker::bring_back(const std::stop_token& stop) {
  const int before = view_.take_replaced();
  if (before == 0) return;
  const auto hold = hold_project(stop);
  const int current = view_.count(now());
  if (!hold || !view_.unrest().empty() || current == 0 || current >= before) return;
  const auto grown = grow(current, std::min(before, options_.max_replicas), stop);
  news_.push_back(grown ? fmt::format("{} had {} replicas before they were replaced: {}", options_.service,
                                      before, *grown)
                        : grown.error().message);
  next_list_.reset();
  refresh(stop);
}

}  // namespace docktor
