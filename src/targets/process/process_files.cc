#include "targets/process/process_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "core/text.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;

RecordedReplica recorded(const ProcessReplica& r) {
  RecordedReplica out;
  out.id = r.id;
  out.token = r.token;
  out.process = r.process;
  out.stopping = r.stopping;
  const auto kill_at = r.deadline.value_or(std::chrono::steady_clock::now()).time_since_epoch();
  out.kill_at_ms = std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(kill_at).count());
  out.restarts = r.restarts;
  out.fingerprint = r.fingerprint;
  out.output = r.output.path();
  return out;
}

bool is_file(const std::string& path) {
  struct stat s{};
  return ::lstat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
}

}  // namespace

ProcessFiles::ProcessFiles(const ProcessOptions& options, ProcessSupervisor& supervisor)
    : supervisor_(supervisor),
      service_(options.service),
      folder_(options.state_directory),
      boot_(boot_id()),
      record_path_(folder_ + "/" + file_name(service_) + ".replicas.json"),
      pool_path_(folder_ + "/" + file_name(service_) + ".pool") {}

Result<ProcessRecord> ProcessFiles::read() const {
  const auto text = supervisor_.records().read(record_path_);
  if (!text && text.error().code == ErrorCode::kNotFound) return tl::unexpected(text.error());
  if (!text) return fail(text.error().code, "the record of replicas cannot be read: " + text.error().message);
  auto record = record_from_text(*text);
  if (record) return record;
  const auto aside = record_path_ + ".bad";
  ::rename(record_path_.c_str(), aside.c_str());
  return fail(ErrorCode::kInvalid,
              fmt::format("{}: spoilt ({}); moved to {}, replicas are looked for by their environment",
                          record_path_, record.error().message, aside));
}

Result<void> ProcessFiles::identify(const std::string& recorded) {
  Result<void> kept;
  if (const auto own = read_identity(pool_path_))
    identity_ = *own;
  else if (!recorded.empty())
    identity_ = recorded;
  else
    identity_ = pool_identity(supervisor_.identity_of(folder_, kept), service_);
  return kept;
}

void ProcessFiles::write(const std::list<ProcessReplica>& replicas, const std::string& says_ready) {
  ProcessRecord record;
  record.boot = boot_;
  record.says_ready = says_ready;
  for (const auto& r : replicas) {
    if (r.has_process() && r.process.pid > 1) record.replicas.push_back(recorded(r));
  }
  auto text = to_text(record);
  if (text == written_) return;
  written_ = text;
  supervisor_.records().write(record_path_, std::move(text));
}

void ProcessFiles::keep() {
  if (!is_file(pool_path_)) supervisor_.records().write(pool_path_, identity_ + "\n");
  if (!written_.empty() && !is_file(record_path_)) supervisor_.records().write(record_path_, written_);
}

std::string ProcessFiles::look_for_trouble() {
  const auto failure = supervisor_.records().trouble(record_path_);
  const std::string was = std::exchange(trouble_, failure ? failure->message : "");
  if (!trouble_.empty()) supervisor_.records().write(record_path_, written_);
  if (trouble_.empty() == was.empty()) return {};
  if (trouble_.empty()) return "the record of replicas is written again";
  return fmt::format(
      "⚠ the record of replicas cannot be written: {}; free some space or fix the folder's "
      "rights; until then they are found by their environment",
      trouble_);
}

}  // namespace docktor
