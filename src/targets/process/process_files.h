// The files by which the next docktor finds the replicas of a service: their record, and what their tokens begin with.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "core/result.h"
#include "targets/process/process.h"
#include "targets/process/process_record.h"
#include "targets/process/process_replica.h"
#include "targets/process/process_supervisor.h"

namespace docktor {

/// Of the supervisor's thread; what is written goes to the disk on another. `supervisor` outlives it.
class ProcessFiles {
 public:
  ProcessFiles(const ProcessOptions& options, ProcessSupervisor& supervisor);

  /// What an earlier docktor left; kNotFound where it left nothing. A spoilt record is moved aside.
  Result<ProcessRecord> read() const;
  bool of_this_boot(const ProcessRecord& record) const { return record.boot == boot_; }

  /// Finds what the tokens of all replicas begin with: in the service's own file, else `recorded` (from a record), else made of the
  /// folder's. An error where that is not on the disk.
  Result<void> identify(const std::string& recorded);
  const std::string& identity() const { return identity_; }

  /// Where that differs from what was written last.
  void write(const std::list<ProcessReplica>& replicas, const std::string& says_ready);
  /// Writes again what was removed, or was not written when it should have been.
  void keep();
  /// Tries again where the record could not be written. What there is to tell, where that began or ended.
  std::string look_for_trouble();
  bool in_trouble() const { return !trouble_.empty(); }

 private:
  ProcessSupervisor& supervisor_;
  const std::string service_, folder_;
  const std::string boot_;
  const std::string record_path_, pool_path_;
  std::string identity_;
  std::string written_;  // the record's text
  std::string trouble_;  // with the record, as last told
};

}  // namespace docktor
