// All objects of one collection, and what changes about them: a list, then a watch from there on, for as long as it lives.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "kube/client.h"
#include "os/backoff.h"

namespace docktor {

/// How patient a watch is. The defaults are for people; tests shorten them.
struct KubeWatchCare {
  Duration silence = std::chrono::seconds(90);  ///< without a line (bookmarks come each minute) it is dead
  Duration first_pause = std::chrono::milliseconds(500);  ///< after a failure; it doubles, and varies by half
  Duration longest_pause = std::chrono::seconds(20);
  Duration denied_pause = std::chrono::seconds(30);  ///< until a right that is missing is asked for again
  Duration list_again = std::chrono::seconds(60);    ///< where listing is allowed and watching is not
  Duration absent_pause = std::chrono::minutes(10);  ///< where the cluster has no such collection
  int watch_seconds = 300;                           ///< a watch ends after this, or up to twice as long
  int page = 100;                                    ///< objects of one answer
};

/// Of the client's loop: made, used and destroyed there.
class KubeWatch {
 public:
  struct Options {
    std::string path;  ///< "/api/v1/namespaces/shop/pods"
    /// A part of a list, which begins anew with `first`: as a tree an object takes ten times what is kept of it.
    std::function<void(std::vector<nlohmann::json> part, bool first)> on_page;
    /// The parts since the last first one are all there is now: they replace what was known before.
    std::function<void()> on_list;
    /// "ADDED", "MODIFIED" or "DELETED", and the object.
    std::function<void(std::string_view type, nlohmann::json)> on_event;
    std::function<void()> on_state;  ///< trouble() or synced() may differ now
    KubeWatchCare care{};
  };

  KubeWatch(KubeClient& client, Options options);
  ~KubeWatch();
  KubeWatch(const KubeWatch&) = delete;
  KubeWatch& operator=(const KubeWatch&) = delete;

  /// What was handed out is what there is, give or take what is on its way.
  bool synced() const { return synced_ && !trouble_; }
  /// Why it is not known what there is now; kNotFound: the cluster has no such collection.
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  struct Token {};  // callbacks hold it weakly: they end with the watch
  template <class F>
  auto guarded(F f);

  void list(std::string next = {});
  void take_page(KubeAnswer answer);
  void watch();
  void take_line(nlohmann::json line);
  void ended(const KubeAnswer& answer);
  void failed(const KubeAnswer& answer);
  void again(Duration pause, void (KubeWatch::*what)());
  void list_anew() { list(); }
  void listen_for_silence();
  void set_trouble(std::optional<Error> trouble);

  KubeClient& client_;
  const Options options_;
  Backoff backoff_;
  std::shared_ptr<Token> token_ = std::make_shared<Token>();
  std::size_t listed_ = 0;  // objects of the list that is under way
  std::string version_;     // resourceVersion to watch from
  std::optional<KubeClient::StreamId> stream_;
  std::optional<EventLoop::Timer> timer_, silence_;
  EventLoop::SteadyTime began_{};  // this watch
  bool synced_ = false;
  bool expired_ = false;  // the server said so in the watch that is ending
  std::optional<Error> trouble_;
};

}  // namespace docktor
