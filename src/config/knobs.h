// Tables of knobs: every key that a configuration may have. Loader, validation, documentation and redaction
// derive from them; a key that is in no table is a mistake in a file. The keys of a kind of queue or target
// stand in the kind's folder (see kind.h), all others in knob_table.cc.
#pragma once

#include <cstddef>
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
  kLlm = 64,
  kHttp = 128,
  kHttpToken = 256,      ///< one of http.tokens[]
  kSchedule = 512,       ///< one of schedule[] of a service
  kNotification = 1024,  ///< one of notifications[]
  kHost = 2048,          ///< of this machine
  kHighAvailability = 4096,
};

enum class KnobType {
  kInteger,
  kNumber,
  kPercent,   ///< `50%`, kept as 0.5; least and most in percent
  kDuration,  ///< least and most in seconds
  kBool,
  kText,
  kUrl,       ///< a text that may carry credentials: shown without them
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
  std::string_view file_key;  ///< a second key that names a file with the value
  bool readable = false;      ///< of a path: a file that must be there and readable
  bool whole_file = false;    ///< of a kind: written at the top of the file it counts for all services
  const Knob* within =
      nullptr;  ///< of a section of a kind: its keys; TLS's ca_file is the setting tls_ca_file
  std::size_t within_count = 0;

  std::span<const Knob> inner() const { return {within, within_count}; }
};

/// The table of everything that is not a kind's.
std::span<const Knob> knobs();

/// The keys of one map of a file.
struct KnobTable {
  std::string path;   ///< "services[].queue.": what stands before a key
  std::string title;  ///< what a mistake calls the map: "a service", "queue"
  std::vector<const Knob*> knobs;
  bool takes_extensions = false;  ///< keys that begin with x- are a place for anchors, as in Compose files

  /// nullptr when that map has no such key.
  const Knob* find(std::string_view key) const;
  /// All keys in the order of the table, `file_key`s included.
  std::vector<std::string_view> keys() const;
};

KnobTable table_of(Form form);

/// What values are allowed, for mistakes and documentation: "a whole number from 1 to 100000".
std::string allowed(const Knob& knob);

/// The choices as a list.
std::vector<std::string_view> choices_of(const Knob& knob);

}  // namespace docktor
