#include "targets/process/process_keys.h"

#include <array>

namespace docktor {

namespace {

constexpr double kHour = 3600;
constexpr double kMaxText = 4096;

// clang-format off: a table, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    {.key = "command", .type = KnobType::kCommand,
     .meaning = "What a replica runs: a list is program and arguments as they stand, one text is "
                "run by /bin/sh -c.",
     .least = 1, .most = 1000, .required = true},
    {.key = "directory", .type = KnobType::kPath,
     .meaning = "Working directory of a replica; the default is the configuration's folder.", .standard = ".",
     .least = 1, .most = kMaxText},
    {.key = "environment", .type = KnobType::kPairs,
     .meaning = "Variables for a replica, beside docktor's own: a map, or a list of NAME=value; never shown.",
     .least = 0, .most = 1000, .secret = true},
    {.key = "stop_grace_period", .type = KnobType::kDuration,
     .meaning = "Time that a replica has from SIGTERM until SIGKILL; too short, and the work in "
                "hand is done twice.",
     .standard = "10s", .least = 0, .most = kHour},
    {.key = "ready_after", .type = KnobType::kDuration,
     .meaning = "A process counts as ready once it has run this long, or says READY=1 (sd_notify).", .standard = "1s", .least = 0,
     .most = kHour},
});
// clang-format on

}  // namespace

const KindKeys kProcessKeys = {
    .name = "process",
    .meaning = "supervised processes of this host",
    .keys = kTable,
    .has_limits = false,
    .this_host_only = true,
};

}  // namespace docktor
