// Server-sent events: what changes, once a second, to whoever listens.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "control/figures.h"
#include "http/server.h"

namespace docktor::web {

/// A service as the page and the stream have it: what holds, what it does, why. Figures that are not known are
/// absent.
nlohmann::ordered_json brief(const ServiceFigures& figures);

/// Thread-safe. Its thread lives while somebody listens.
class Feed {
 public:
  explicit Feed(const Board& board) : board_(board) {}
  ~Feed();

  /// First the services as they are, then what changes. `last` is the id of the last decision that the reader has
  /// (Last-Event-ID): those since then come, as far as they are remembered.
  void add(std::shared_ptr<http::EventStream> stream, const std::string& last);
  /// Ends every stream; whoever still may listen comes again.
  void end_all();

 private:
  void run(const std::stop_token& stop);
  std::string changes();

  const Board& board_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<std::shared_ptr<http::EventStream>> streams_;
  std::map<std::string, std::string> told_;  // by service, as it was last sent
  std::uint64_t noted_ = 0;
  std::jthread thread_;
};

}  // namespace docktor::web
