// What is told of a service to people and programs: functions of its state, the time, and who leads. Two of them write to the log.
#pragma once

#include <spdlog/logger.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "control/figures.h"
#include "control/service.h"

namespace docktor {

/// What a service does not know of itself.
struct Instant {
  Time now{};
  Duration by_wall{};       ///< so much later do clocks on the wall show a time than it is
  std::string not_leading;  ///< why this daemon does not act; empty where it does
};

/// What holds for it now, in the order of the table of conditions.
Holdings holdings_of(const Service& s, const Instant& at);

/// Empty where something happens.
std::string why_nothing(const Service& s, const Instant& at);

/// That fewer replicas can run than max_replicas, and why; empty where all can.
std::string bound_text(const Service& s);

/// Why a service whose replicas end at once with 0 does nothing; empty where that is not so.
std::string ends_at_once(const Service& s, Time now);

/// That replicas have to be killed, or end in time again, where that is news: once, and not for each replica.
void tell_killed(spdlog::logger& log, const Service& s, const std::string& killed);

/// What is wrong with the target, once when it begins and once when it ends.
void tell_problem(spdlog::logger& log, Service& s, const std::string& problem, Time now);

ServiceFiguresPtr figures_of(const Service& s, const Instant& at);

/// Of a decision's record.
DecisionNote note_of(const Service& s, const nlohmann::ordered_json& record, const std::string& outcome,
                     Time now);

/// Told to whoever leads next: a number of 0 is no person's stop. `ending`: docktor stops all replicas.
bool zero_is_no_stop(const Service& s, bool ending);

}  // namespace docktor
