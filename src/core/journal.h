// The Journal seam: the append-only record of every evaluation.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/result.h"

namespace docktor {

class Journal {
 public:
  virtual ~Journal() = default;
  /// Appends one record (one line). A failure (a full disk) is the caller's warning, never its end.
  virtual Result<void> append(const nlohmann::ordered_json& record) = 0;
  /// A number that changes when another file begins: what was written before may soon be gone.
  virtual std::uint64_t file() const { return 0; }
};

}  // namespace docktor
