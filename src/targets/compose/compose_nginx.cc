#include "targets/compose/compose_nginx.h"

#include <sstream>

namespace docktor {
namespace {

// The host of "http://web:80/path", "web:80" or "web".
std::string_view host_of(std::string_view address) {
  if (const auto scheme = address.find("://"); scheme != std::string_view::npos)
    address.remove_prefix(scheme + 3);
  return address.substr(0, address.find_first_of(":/"));
}

}  // namespace

std::vector<std::string> nginx_names_resolved_once(std::string_view configuration, std::string_view service) {
  std::vector<std::string> found;
  std::string statement;
  bool comment = false;
  const auto end_of_statement = [&] {
    std::istringstream words(statement);
    std::string directive, address, word;
    words >> directive >> address;
    bool resolves = false;
    while (words >> word) resolves |= word == "resolve";
    const bool pass = directive.ends_with("_pass");
    if ((pass || directive == "server") && host_of(address) == service && !resolves &&
        statement.find('$') == std::string::npos) {
      found.push_back(directive + " " + address);
    }
    statement.clear();
  };
  for (const char c : configuration) {
    if (comment) {
      comment = c != '\n';
    } else if (c == '#') {
      comment = true;
    } else if (c == ';') {
      end_of_statement();
    } else if (c == '{' || c == '}') {
      statement.clear();
    } else {
      statement += c;
    }
  }
  return found;
}

}  // namespace docktor
