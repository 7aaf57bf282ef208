#include "docker/tar.h"

#include <charconv>
#include <cstdint>

namespace docktor {

std::vector<std::pair<std::string, std::string>> files_of_tar(std::string_view archive) {
  constexpr std::size_t kBlock = 512;
  std::vector<std::pair<std::string, std::string>> files;
  const auto text = [](std::string_view field) { return std::string(field.substr(0, field.find('\0'))); };
  while (archive.size() >= kBlock) {
    const auto header = archive.substr(0, kBlock);
    archive.remove_prefix(kBlock);
    if (header[0] == '\0') break;
    auto octal = text(header.substr(124, 12));
    octal.erase(0, std::min(octal.find_first_not_of(' '), octal.size()));
    std::uint64_t size = 0;
    if (std::from_chars(octal.data(), octal.data() + octal.size(), size, 8).ec != std::errc()) break;
    if (size > archive.size()) break;
    const char type = header[156];
    if (type == '0' || type == '\0') {
      const auto prefix = text(header.substr(345, 155));
      const auto name = text(header.substr(0, 100));
      files.emplace_back(prefix.empty() ? name : prefix + "/" + name, std::string(archive.substr(0, size)));
    }
    const auto padded = (size + kBlock - 1) / kBlock * kBlock;
    archive.remove_prefix(std::min<std::size_t>(padded, archive.size()));
  }
  return files;
}

}  // namespace docktor
