// The one table of knobs: every key that a configuration may have. Loader, validation, documentation and
// redaction derive from it; a key that is not here is a mistake in a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

/// The maps of a configuration file. A knob may stand in several of them (bits).
enum Form : std::uint32_t {
  kTop = 1,
  kScaling = 2,  ///< the legacy single-service form
  kService = 4,  ///< one of services[]
  kRules = 8,
  kRule = 16,  ///< one of scale_up_when[], scale_down_when[]
  kObjective = 32,
  kQueue = 64,
  kTls = 128,  ///< queue.tls
  kTarget = 256,
  kLlm = 512,
};

enum class KnobType {
  kInteger,
  kNumber,
  kDuration,  ///< least and most in seconds
  kBool,
  kText,
  kPath,      ///< relative to the file's folder; in a variable or flag relative to the working directory
  kList,      ///< of texts
  kCommand,   ///< a list of texts, or one text for the shell
  kPairs,     ///< a map of texts, or a list of NAME=value
  kSection,   ///< a map with knobs of its own
  kSections,  ///< a list of such maps
};

struct Knob {
  std::uint32_t forms = 0;  ///< where it may stand
  std::string_view key;
  KnobType type = KnobType::kText;
  std::string_view meaning;   ///< one sentence, with the unit
  std::string_view standard;  ///< default as text, as a user would write it; empty: none
  double least = 0;           ///< bounds, both included; for texts and lists of their length
  double most = 0;
  std::string_view choices;   ///< not empty: the only values allowed, separated by |
  std::string_view variable;  ///< environment variable that overrides the file
  std::string_view flag;      ///< flag that overrides both
  bool required = false;
  bool secret = false;        ///< never shown, logged or journaled
  std::string_view kind;      ///< of a target: only for this kind
  std::string_view file_key;  ///< a second key that names a file with the value
};

std::span<const Knob> knobs();

/// Nothing when that map has no such key.
const Knob* find_knob(Form form, std::string_view key);

/// All keys of a map, in the order of the table, `file_key`s included.
std::vector<std::string_view> keys_of(Form form);

/// "services[].queue." and the like: what stands before a key of that map.
std::string_view path_of(Form form);

/// What a mistake calls the map: "a service", "queue".
std::string_view title_of(Form form);

/// What values are allowed, for mistakes and documentation: "a whole number from 1 to 100000".
std::string allowed(const Knob& knob);

/// The choices as a list.
std::vector<std::string_view> choices_of(const Knob& knob);

}  // namespace docktor
