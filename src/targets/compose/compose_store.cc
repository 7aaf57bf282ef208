#include "targets/compose/compose_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/json_text.h"
#include "os/fd.h"

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
  const auto failed = [&](const char* what) {
    return fail(ErrorCode::kExhausted, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)),
                true);
  };
  std::error_code ec;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ec);
  const auto beside = path + ".new";
  {
    const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return failed("write");
    for (std::size_t done = 0; done < text.size();) {
      const auto n = ::write(fd.get(), text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("write");
      done += static_cast<std::size_t>(n);
    }
    if (::fsync(fd.get()) != 0) return failed("write");
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) return failed("replace");
  return {};
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
