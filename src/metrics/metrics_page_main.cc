// Writes the table of metrics, and that of conditions, into docs/metrics.md, between their marks.
#include <fstream>
#include <iostream>
#include <iterator>

#include "metrics/page.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream in(argv[1]);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto done = docktor::metrics::with_tables(text);
  if (done.empty()) {
    std::cerr << argv[1] << ": the marks of the tables are missing\n";
    return 1;
  }
  std::ofstream(argv[1]) << done;
  return 0;
}
