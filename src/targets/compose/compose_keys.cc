#include "targets/compose/compose_keys.h"

#include <fmt/format.h>

#include <array>

#include "config/files.h"

namespace docktor {

namespace {

constexpr double kMaxText = 4096;

// clang-format off: a table, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    {.key = "compose_file", .type = KnobType::kPath,
     .meaning = "Compose file of the service; at the top of the file it counts for all services.",
     .least = 1, .most = kMaxText, .variable = "DOCKTOR_COMPOSE_FILE", .flag = "--compose-file", .whole_file = true},
    {.key = "project", .type = KnobType::kText,
     .meaning = "Compose project; the default is the one that Compose itself derives.", .least = 0,
     .most = 100},
});
// clang-format on

void check_keys(KindReader& from) {
  const auto file = from.settings.text("compose_file");
  if (file.empty()) {
    if (from.section.entry("compose_file")) return;  // mistaken, and said so
    from.section.context().mistakes.add(
        from.service_at,
        fmt::format("{} has neither a target nor a compose_file; write target: {{kind: process, "
                    "command: [PROGRAM, ARGUMENT]}}, or compose_file: docker-compose.yaml",
                    from.service));
    return;
  }
  if (const auto there = check_readable_file(file); !there) {
    from.mistake("compose_file",
                 fmt::format("compose_file {} cannot be read: {}; name the Compose file of the service",
                             from.quoted("compose_file"), there.error().message));
  }
}

}  // namespace

const KindKeys kComposeKeys = {
    .name = "compose",
    .meaning = "containers of a Compose service, which has the service's name",
    .note = "A service without `target` is of this kind, by the `compose_file` of the whole file.",
    .keys = kTable,
    .check = check_keys,
    .implied = true,
};

}  // namespace docktor
