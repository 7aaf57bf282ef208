#include "targets/compose/compose_store.h"

#include <fstream>
#include <iterator>

#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kMostRecordBytes = 4 << 20;

std::set<std::string> texts(const json& j, const char* key) {
  std::set<std::string> out;
  const auto found = j.find(key);
  if (found == j.end() || !found->is_array()) return out;
  for (const auto& v : *found) {
    if (v.is_string()) out.insert(v.get<std::string>());
  }
  return out;
}

}  // namespace

Result<void> save_record(const std::string& path, const ComposeRecord& r) {
  json j{{"version", 1},
         {"template", r.replica_template},
         {"stopping", r.stopping},
         {"creating", r.creating},
         {"stopped_by_hand", r.stopped_by_hand}};
  if (r.replicas) j["replicas"] = *r.replicas;
  const auto text = j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return write_atomically(path, text, {.then = OnDisk::kEither, .mode = 0600});
}

ComposeRecord load_record(const std::string& path) {
  ComposeRecord r;
  std::ifstream in(path, std::ios::binary);
  if (!in) return r;
  std::string text(kMostRecordBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  const auto j = parse_json(text);
  if (!j.is_object()) return r;
  if (const auto t = j.find("template"); t != j.end() && t->is_object()) r.replica_template = *t;
  r.stopping = texts(j, "stopping");
  r.creating = texts(j, "creating");
  if (const auto n = j.find("replicas"); n != j.end() && n->is_number_integer()) r.replicas = n->get<int>();
  if (const auto t = j.find("stopped_by_hand"); t != j.end() && t->is_string())
    r.stopped_by_hand = t->get<std::string>();
  return r;
}

}  // namespace docktor
