// What a kind of queue or target was told, key by key. Core carries it; only the kind's own folder reads it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/time.h"

namespace docktor {

/// A value that is never printed: formatting, logs and the journal show ***.
struct Secret {
  std::string value;
  bool empty() const { return value.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;
};

/// An address, or several; it may carry credentials, so that it is shown through redacted_url() only.
struct Url {
  std::string value;
  friend bool operator==(const Url&, const Url&) = default;
};

/// A program and its arguments. What variables put into them is never shown: `shown` is the text of the file.
struct CommandLine {
  std::vector<std::string> words;
  std::vector<std::string> shown;  ///< as many
  friend bool operator==(const CommandLine&, const CommandLine&) = default;
};

/// Name → value, as of environment variables; the values are never shown.
using Pairs = std::map<std::string, std::string>;

using Setting = std::variant<bool, int, double, Duration, std::string, Url, Secret, std::vector<std::string>,
                             CommandLine, Pairs>;

/// Checked values with defaults filled in, in the order of the kind's table of keys. Comparable, so that a
/// reload sees what changed.
class Settings {
 public:
  using Entry = std::pair<std::string, Setting>;

  /// Replaces an earlier value, which keeps its place.
  void set(std::string_view key, Setting value);
  void erase(std::string_view key);

  /// nullptr where there is none.
  const Setting* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// The value, or `otherwise` where the key is not set (or holds another type, a mistake of the kind's own).
  template <class T>
  T get(std::string_view key, T otherwise = {}) const {
    const auto* setting = find(key);
    const auto* value = setting ? std::get_if<T>(setting) : nullptr;
    return value ? *value : std::move(otherwise);
  }
  std::string text(std::string_view key) const { return get<std::string>(key); }

  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }
  friend bool operator==(const Settings&, const Settings&) = default;

 private:
  std::vector<Entry> entries_;  // a dozen at most: looked through one by one
};

}  // namespace docktor
