// Loads docktor.yaml: reads, interpolates, applies variables and flags, validates. All mistakes at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.h"
#include "config/kind.h"
#include "core/host_spec.h"
#include "core/http_spec.h"
#include "core/lease_spec.h"
#include "core/notify_spec.h"
#include "core/spec.h"

namespace docktor {

/// Either a configuration and no mistake, or mistakes and no configuration.
struct LoadResult {
  std::optional<Config> config;
  HttpSpec http;                           ///< meaningful with a configuration
  std::vector<ChannelSpec> notifications;  ///< the same
  HostSpec host;                           ///< the same
  std::optional<LeaseSpec> lease;          ///< the same
  /// `file:line:column: what is wrong; what is allowed`, 1-based, in order of position; a mistake of a
  /// variable or flag begins with its name instead and stands first.
  std::vector<std::string> mistakes;
};

/// Queues and targets are of the `kinds` given; another is a mistake, never a default. Precedence: file <
/// environment < flags. Reads `path` and the files it names (secrets, certificates), nothing else; never
/// throws. `path` is relative to flags.cwd, else to the working directory.
LoadResult load_config(const Kinds& kinds, const std::string& path, const Environment& env,
                       const FlagOverrides& flags = {});

/// The same from a text; `shown_path` is what mistakes begin with, `folder` (absolute) what relative paths
/// refer to.
LoadResult load_config_text(const Kinds& kinds, std::string_view text, const std::string& shown_path,
                            const std::string& folder, const Environment& env,
                            const FlagOverrides& flags = {});

/// Whether the file at config.path holds another text than the one that `config` was read from; false where it cannot
/// be read. Reads the file.
bool differs_from_file(const Config& config);

/// Where a provider usually answers.
std::string usual_base_url(std::string_view provider);

/// The configuration that is meant where none is given: docktor.yaml, else docktor.yml, in `cwd` ("" and "."
/// give a path without folder). Nothing when there is neither.
std::optional<std::string> find_config(const std::string& cwd);

}  // namespace docktor
