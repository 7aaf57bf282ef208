// docs/configuration.md, written from the tables of keys, so that the two cannot differ.
#pragma once

#include <string>
#include <string_view>

namespace docktor {

/// The whole page, Markdown. docs/configuration.md is this text; a test holds them against each other.
std::string configuration_reference();

/// The examples on that page, each a configuration that loads (a test loads them).
std::string_view queue_example();
std::string_view objective_example();
std::string_view legacy_example();

}  // namespace docktor
