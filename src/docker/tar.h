// Reads the regular files out of a tar archive, as GET /containers/{id}/archive gives it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace docktor {

/// Name and content of each regular file; what is cut off or nonsense ends the list. Long names of GNU and
/// pax archives come as their short forms.
std::vector<std::pair<std::string, std::string>> files_of_tar(std::string_view archive);

}  // namespace docktor
