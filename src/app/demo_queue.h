// The queue of a demo: a private server, and the programs that fill it and work on it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_part.h"
#include "core/result.h"

namespace docktor {

/// Paths of programs and files, as they were found on this machine.
struct DemoPieces {
  std::string docktor;
  std::string server;
  std::string config;  ///< what the daemon is started with; it takes addresses and programs from variables
  std::vector<std::string> producer;
  std::string worker;
};

/// One per demo; not thread-safe.
class DemoQueue {
 public:
  virtual ~DemoQueue() = default;

  virtual std::string_view server_name() const = 0;  ///< "nats-server"
  /// An error says what to install.
  virtual Result<DemoPieces> find() const = 0;

  /// How its server is started in the demo's folder, on free ports of 127.0.0.1.
  virtual std::vector<std::string> command(const DemoPieces& pieces, const std::string& folder) = 0;
  virtual DemoPart::Environment environment(const std::string& folder) {
    (void)folder;
    return {};
  }
  /// True once it answers.
  virtual bool ready(const std::string& folder) = 0;

  /// What producer, worker and configuration are told of it.
  virtual DemoPart::Environment variables() const = 0;
  virtual std::string described() const = 0;  ///< "Stream EVENTS at nats://..."
};

/// The names that `docktor demo --queue` takes, separated by |.
std::string demo_queue_names();
/// nullptr for an unknown name.
std::unique_ptr<DemoQueue> demo_queue(std::string_view name);

}  // namespace docktor
