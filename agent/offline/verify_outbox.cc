#include "agent/offline/verify_outbox.h"

#include "agent/offline/stopped_outbox.h"
#include "storage/outbox.h"
#include "storage/overlay_vfs.h"
#include "storage/page_scan.h"

namespace tillwire {

Result<Verification> VerifyOutbox(const std::filesystem::path& directory, const Clock& clock, Rng& rng) {
  auto stopped = StoppedOutbox::Open(directory, clock, rng);
  if (!stopped && stopped.error().code != ErrorCode::kDataLoss) return stopped.error();
  Verification verification;
  if (stopped) {
    verification = (*stopped)->Get().Verify();
  } else {
    verification.Add({FindingKind::kStructure, stopped.error().message, std::nullopt});
  }
  // Opening has moved the log, in memory; here it is as it stands on the disk.
  const OverlayVfs untouched;
  const auto scan = PageScan::Open(directory / kOutboxFile, untouched.Name());
  if (!scan) return scan.error();
  if ((*scan)->HasDamagedCommit()) {
    verification.Add(
        {FindingKind::kLog, "a transaction in the log is damaged, and others stand behind it", std::nullopt});
  }
  return verification;
}

}  // namespace tillwire
