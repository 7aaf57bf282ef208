// The rows of the workers' benchmark: a worker, a load, and the goal that it is held to.
#pragma once

#include <string>
#include <vector>

#include "tests/workers/trial.h"

namespace docktor::bench {

struct Row {
  std::string name;    ///< unique; what a filter is matched against, and the name of its result
  std::string worker;  ///< for the table
  std::string load;    ///< for the table
  test::Trial trial;
};

std::vector<Row> rows();

}  // namespace docktor::bench
