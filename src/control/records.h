// What the controller writes into its journal, and the times that are written there: those that clocks on the wall show.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/advising.h"
#include "control/service.h"
#include "core/clock.h"
#include "core/journal.h"

namespace docktor {

/// Of the loop's thread.
class Records {
 public:
  /// `run` is unique to this run.
  Records(Journal& journal, spdlog::logger& log, const Clock& clock, std::string run)
      : journal_(journal), log_(log), clock_(clock), run_(std::move(run)) {}

  /// A clock on the wall may be set while docktor runs; by how much, where somebody did.
  std::optional<Duration> look_at_wall(Time now);
  Duration by_wall() const { return by_wall_; }  ///< so much later does it show a time than it is
  Time shown(Time t) const { return t + by_wall_; }

  /// A failure is warned of once, until it is over.
  void write(const nlohmann::ordered_json& record);
  /// Why the last record was not written; empty when it was.
  const std::string& trouble() const { return trouble_; }
  std::uint64_t written() const { return written_; }
  std::uint64_t failed() const { return failed_; }

  /// What each record of an event begins with: when, what, and of which service, if it is about one.
  nlohmann::ordered_json head(const char* event, const std::string& service = {}) const;
  void event(const Service& s, const char* what, const std::string& text);

  /// That it starts, with its configuration in effect and what it has learned.
  void start(Service& s);
  /// The same after its first record in a new file that leaves no input open: from then on the file stands alone for it.
  void keep_file_whole(Service& s);

 private:
  void write_state(Service& s, const char* event);

  Journal& journal_;
  spdlog::logger& log_;
  const Clock& clock_;
  const std::string run_;
  Duration by_wall_{};
  std::string trouble_;
  std::uint64_t written_ = 0, failed_ = 0;
};

/// Who decided: a model where one advises, and what came of its advice. `base`: what holds where none does.
nlohmann::ordered_json metadata_of(nlohmann::ordered_json base, const Advising& advising,
                                   const Evaluation& e);

/// Of an evaluation, but for its outcome. `metadata`: who decided. Its inputs are moved into it.
nlohmann::ordered_json record_of(Evaluation& e, const nlohmann::ordered_json& metadata, Time shown);

}  // namespace docktor
