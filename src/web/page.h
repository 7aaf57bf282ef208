// The page: its files, and a plain table for browsers without script.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/figures.h"
#include "http/server.h"

namespace docktor::web {

struct PageFile {
  std::string_view path;  ///< "/page.js"
  std::string_view text;
};

std::span<const PageFile> page_files();

/// One of the files ("/" is the first), with the headers that keep everything else out; 404 for another path.
http::Response page_file(std::string_view path);

/// A table of the services as they are, which the browser asks for again each 10 s.
http::Response plain_page(const std::vector<ServiceFiguresPtr>& services);

}  // namespace docktor::web
