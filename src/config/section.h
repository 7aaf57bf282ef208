// One map of the configuration, read by the table of knobs: unknown keys, wrong types, bounds, defaults, and
// what variables and flags override are all seen to here. Mistakes go to the context's collection; what is
// read is then only good for finding further mistakes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.h"
#include "config/knobs.h"
#include "config/mistakes.h"
#include "config/yaml.h"
#include "core/result.h"
#include "core/spec.h"
#include "core/time.h"

namespace docktor {

struct Kinds;

template <class T>
struct Read {
  T value{};
  Place place;
  bool given = false;   ///< written by the user, not the table's default
  std::string shown{};  ///< the value as a mistake may repeat it, in quotes: see shown_text()
};

/// What all parts of one load share. The references outlive it.
struct ConfigContext {
  const Environment& env;
  const FlagOverrides& flags;
  Mistakes& mistakes;
  std::string folder;  ///< absolute: what relative paths of the file refer to
  std::string cwd;     ///< absolute: what relative paths of variables and flags refer to
  const Kinds& kinds;
  bool advised = false;  ///< a model advises, and needs seconds for its answer
  /// Keys of kinds that count for all services, as they stand at the top of the file.
  std::map<std::string, Read<Setting>, std::less<>> whole_file{};
};

/// Not thread-safe; refers to its node and context.
class Section {
 public:
  /// Why a key that is in no table of this map does not belong here; empty where there is no better word than
  /// "unknown key".
  using Explain = std::function<std::string(std::string_view key)>;

  /// Reports unknown keys. `node` is a map.
  Section(ConfigContext& context, KnobTable table, const YamlNode& node, const Explain& explain = {});
  /// `title` is what mistakes call the map; by default the table's.
  Section(ConfigContext& context, Form form, const YamlNode& node, std::string title = {});

  /// The value in effect: flag, else variable, else file, else the table's default. Nothing when it is absent
  /// and has no default, or is mistaken. An absent value that is required is a mistake. `key` is one of the
  /// form's in the table.
  std::optional<Read<int>> integer(std::string_view key);
  std::optional<Read<double>> number(std::string_view key);
  std::optional<Read<double>> percent(std::string_view key);
  std::optional<Read<bool>> boolean(std::string_view key);
  std::optional<Read<Duration>> duration(std::string_view key);
  std::optional<Read<std::string>> text(std::string_view key);

  /// An absolute path; nothing when absent or empty.
  std::optional<Read<std::string>> path(std::string_view key);
  /// A path to a file that must be readable.
  std::optional<Read<std::string>> readable_file(std::string_view key);
  /// From the key or from the file that its file_key names; both is a mistake. Nothing when absent or empty.
  std::optional<Read<Secret>> secret(std::string_view key);

  /// A list of texts.
  std::optional<Read<std::vector<std::string>>> texts(std::string_view key);
  /// Program and arguments; one text is run by /bin/sh -c.
  std::optional<Read<CommandLine>> command(std::string_view key);
  /// A map of texts, or a list of NAME=value.
  std::optional<Read<Pairs>> pairs(std::string_view key);
  /// Whatever the key's type is, but a section. Nothing when absent, mistaken, or empty.
  std::optional<Read<Setting>> setting(const Knob& knob);

  /// The map, or list of maps, behind a key; nothing when absent or of another kind.
  const YamlNode* section(std::string_view key);
  std::optional<std::vector<const YamlNode*>> sections(std::string_view key);

  /// As it stands in the file; nullptr when absent.
  const YamlEntry* entry(std::string_view key) const { return node_.find(key); }
  Position at() const { return node_.at; }
  const std::string& title() const { return table_.title; }
  ConfigContext& context() { return context_; }

  /// Where the key stands in the file, else where the map does.
  Position key_at(std::string_view key) const;

  /// Reports that a required key is absent, unless an unknown key was taken for it.
  void missing(std::string_view key);

 private:
  const Knob& knob(std::string_view key) const;
  void check_keys(const Explain& explain);
  void refuse_kind(const Knob& knob, const YamlNode& value);
  const YamlNode* list(std::string_view key);
  std::optional<Read<std::string>> file_value(const Knob& knob);
  std::optional<Read<std::string>> secret_from_file(const Knob& knob);

  template <class T>
  std::optional<Read<T>> read(std::string_view key,
                              Result<T> (*parse)(const Knob&, std::string_view, std::string_view));

  ConfigContext& context_;
  KnobTable table_;
  const YamlNode& node_;
  std::set<std::string, std::less<>> misspelt_;  // keys that an unknown one was taken for
};

/// How a mistake repeats a scalar whose text has become `value` by interpolation, in quotes: as it stands in
/// the file where a variable is in it, since what the variable holds may be a secret.
std::string shown_text(const YamlNode& node, std::string_view value);

/// The text of a scalar, interpolated; nothing, and a mistake, when it is no scalar, empty of value (null) or
/// names an unset variable. `what` is how the mistake calls it and `right` what would be right.
std::optional<std::string> scalar_text(ConfigContext& context, const YamlNode& node, std::string_view what,
                                       std::string_view right);

/// What overrides a knob: the flag, else the variable where it is not empty.
std::optional<Read<std::string>> override_of(const ConfigContext& context, const Knob& knob);

}  // namespace docktor
