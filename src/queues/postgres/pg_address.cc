#include "queues/postgres/pg_address.h"

#include <libpq-fe.h>

#include <memory>

namespace docktor {

std::optional<std::map<std::string, std::string>> pg_words(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  if (!options) return std::nullopt;
  std::map<std::string, std::string> out;
  for (const auto* o = options.get(); o->keyword; ++o) {
    if (o->val) out[o->keyword] = o->val;
  }
  return out;
}

}  // namespace docktor
