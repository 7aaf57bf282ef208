// The man page and the completion of bash, written from the table of commands. What no table knows is in
// packaging/*.in: templates, with a name between two @ where something is filled in.
#pragma once

#include <string>

namespace docktor {

/// `page` is packaging/docktor.1.in: @SYNOPSIS@ and @COMMANDS@ are filled in.
std::string man_page(std::string page);
/// `script` is packaging/docktor.bash.in: @SERVICES@, @FILES@, @VALUES@, @CHOICES@ and @WORDS@ are filled in.
std::string bash_completion(std::string script);

}  // namespace docktor
