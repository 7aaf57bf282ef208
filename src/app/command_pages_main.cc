// Writes docktor.1 and docktor.bash into the folder that has their templates. Run by the build target command_reference.
#include <fstream>
#include <iterator>
#include <string>

#include "app/command_pages.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto write = [&](const std::string& name, std::string (*filled)(std::string)) {
    std::ifstream in(argv[1] + ("/" + name + ".in"));
    std::ofstream out(argv[1] + ("/" + name));
    out << filled({std::istreambuf_iterator<char>(in), {}}) << std::flush;
    return in && out;
  };
  const bool page = write("docktor.1", docktor::man_page);
  return write("docktor.bash", docktor::bash_completion) && page ? 0 : 1;
}
