// What a replica says of itself (process_notify.h), and what its pool makes of it.
#include "targets/process/process_pool.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kStatusesApart = milliseconds(250);

}  // namespace

void ProcessPool::heard(ProcessReplica& r, const Notification& told) {
  // Workers may tell of each message: shown now and then.
  if (told.status && *told.status != r.status && !show_status_at_) {
    show_status_at_ = steady_clock::now() + kStatusesApart;
    plan();
  }
  if (told.status) r.status = *told.status;
  if (told.busy) r.busy = told.busy;
  if (told.ready && !r.says_ready) {
    r.says_ready = true;
    if (says_ready_ != r.fingerprint && r.fingerprint == fingerprint_) {
      says_ready_ = r.fingerprint;
      touch_record();
    }
    if (!r.ready && !r.stopping && r.phase == Phase::kRunning) end_start_up(r);
  }
}

void ProcessPool::end_start_up(ProcessReplica& r) {
  r.deadline.reset();
  r.ready = true;
  r.since = clock_.now();
  touch();
  plan();
}

}  // namespace docktor
