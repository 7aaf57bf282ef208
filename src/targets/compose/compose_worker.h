// The thread behind a ComposeTarget. Everything but the inbox and the snapshot belongs to that thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "targets/compose/compose.h"
#include "targets/compose/compose_file.h"
#include "targets/compose/compose_store.h"

namespace docktor {

class ComposeTarget::Worker {
 public:
  Worker(ComposeOptions options, Docker& docker, const Clock& clock);
  ~Worker();

  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done);
  TargetReport report();
  void resume();
  std::vector<Finding> check();

 private:
  struct Order {
    ScaleOrder order;
    std::function<void(Result<std::string>)> done;
  };
  /// What other threads leave for ours. Shared, since answers of the engine may come when the worker is gone.
  struct Inbox {
    static constexpr std::size_t kMostEvents = 10'000;
    std::mutex mutex;
    std::condition_variable_any changed;
    bool poked = false;
    std::vector<ContainerEvent> events;
    std::optional<Order> order;
    bool resume = false;
    std::set<std::string> removals_done;  // container ids

    void poke() {
      const std::lock_guard lock(mutex);
      poked = true;
      changed.notify_all();
    }
  };
  struct Known {        // a container as last inspected
    std::string shown;  // state and health of the list's row
    nlohmann::json inspect;
  };
  struct Fresh {  // a clone in the making
    std::string name;
    std::string id;
    std::vector<std::pair<std::string, nlohmann::json>> connect;
    std::optional<Error> error;
  };

  void run(const std::stop_token& stop);
  void wait(const std::stop_token& stop);
  void take_inbox();
  void publish();
  void save();

  // compose_watch.cc: what there is
  bool refresh(const std::stop_token& stop);
  Result<void> find_and_claim(const std::stop_token& stop);
  Result<std::vector<Container>> list(const std::stop_token& stop);
  std::vector<ContainerEvent> history(const std::vector<Container>& all, const std::stop_token& stop);
  bool compose_waits(const std::vector<Container>& all, const std::stop_token& stop);
  void keep_template();
  void look_at_project(const std::stop_token& stop);
  bool remove_leftovers(const std::vector<Container>& all, const std::stop_token& stop);

  // compose_scale.cc: what is done about it
  void obey(Order order, const std::stop_token& stop);
  Result<std::string> carry_out(const ScaleOrder& order, const std::stop_token& stop);
  Result<std::string> grow(int from, int to, const std::stop_token& stop);
  Result<std::vector<std::string>> start_ended(std::size_t most, const nlohmann::json& source,
                                               const std::stop_token& stop);
  Result<std::string> image_for(const nlohmann::json& source, const std::stop_token& stop);
  std::vector<Fresh> make_clones(const nlohmann::json& source, std::size_t how_many,
                                 const std::stop_token& stop);
  void remove_failed(std::vector<Fresh>& all, const std::stop_token& stop);
  Result<std::string> shrink(std::size_t by, const ScaleOrder& order, const std::stop_token& stop);
  void order_removal(const std::string& id);
  void look_after(const std::stop_token& stop);
  void bring_back(const std::stop_token& stop);

  // compose_deploy.cc: by what the Compose files say
  Result<std::string> grow_by_cli(int to, const std::string& why, const nlohmann::json& source,
                                  const std::stop_token& stop);
  std::string why_cli(const nlohmann::json& source, const std::stop_token& stop);
  std::string why_outdated(const nlohmann::json& source, const std::stop_token& stop);
  const ComposeFileService* as_deployed(const nlohmann::json& source, const std::stop_token& stop);
  std::optional<std::set<std::string>> changed_paths(const nlohmann::json& source,
                                                     const std::stop_token& stop);

  nlohmann::json current_template() const;
  std::unique_lock<std::timed_mutex> hold_project(const std::stop_token& stop);
  Time now() const { return clock_.now(); }
  std::string name_of(const std::string& id) const;

  const ComposeOptions options_;
  Docker& docker_;
  const Clock& clock_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();

  std::mutex snapshot_mutex_;
  TargetReport snapshot_;
  bool has_looked_ = false;  // the worker published once
  std::condition_variable looked_;

  ComposeService view_;
  ComposeRecord record_;
  ComposeRecord saved_;
  std::string record_file_;
  std::string project_;
  std::vector<std::shared_ptr<void>> claims_;  // that nobody else scales the service of project_
  std::shared_ptr<std::timed_mutex> project_lock_;
  std::map<std::string, Known> known_;
  std::set<std::string> dirty_;
  bool all_dirty_ = true;
  bool has_history_ = false;
  bool project_alive_ = true;
  nlohmann::json project_labels_;  // of another service's container, while this one has none
  bool resumed_ = false;           // a person wants it to run, though nothing of the project is there
  std::optional<Time> next_list_;
  std::optional<Time> away_since_;  // the engine does not answer
  std::string problem_ = "Docker was not asked yet";
  std::vector<std::string> news_;
  struct Removal {
    bool in_flight = false;
    Time retry_at{};
  };
  std::map<std::string, Removal> removals_;  // by container id
  int never_healthy_ = 0;                    // in a row
  std::optional<Time> no_start_before_;
  std::string no_start_why_;
  std::string no_start_of_;  // the definition and image that it is about

  struct Deployed {  // what the files say of the service, as long as neither they nor the template change
    std::string key;
    std::optional<ComposeFileService> service;
    std::optional<std::string> hash;  // empty: it could not be asked
  };
  Deployed deployed_;
  std::pair<std::string, std::optional<std::set<std::string>>> changed_;  // of the container with this id

  std::uint64_t subscription_ = 0;
  std::jthread thread_;
};

}  // namespace docktor
