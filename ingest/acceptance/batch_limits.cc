#include "ingest/acceptance/batch_limits.h"

#include <cstdint>
#include <string>

#include "core/limits.h"
#include "ingest/acceptance/welcome.h"

namespace tillwire {
namespace {

Error LimitError(const std::string& what, std::uint64_t found, const std::string& limit,
                 std::uint64_t allowed) {
  return {ErrorCode::kInvalidArgument,
          what + " has " + std::to_string(found) + ", " + limit + " of Welcome is " + std::to_string(allowed),
          "keep to the limits of Welcome"};
}

Error SequenceError(std::uint64_t sequence) {
  return {ErrorCode::kInvalidArgument, "sequence " + std::to_string(sequence) + " is out of range",
          "sequences count from 1 to " + std::to_string(kMaxSequence)};
}

}  // namespace

Result<void> CheckLimits(const EventBatch& batch, const StreamLimits& limits) {
  if (batch.records.size() > limits.max_batch_records) {
    return LimitError("the number of records in the batch", batch.records.size(), "max_batch_records",
                      limits.max_batch_records);
  }
  std::size_t bytes = 0;
  for (const Record& record : batch.records) {
    bytes += record.event.size();
    if (record.id.sequence > kMaxSequence) return SequenceError(record.id.sequence);
  }
  // A single event is allowed whatever its size: it is for the acceptance rules to refuse.
  if (bytes > limits.max_batch_bytes && batch.records.size() > 1) {
    return LimitError("the sum of the batch's event bytes", bytes, "max_batch_bytes", limits.max_batch_bytes);
  }
  return {};
}

Result<void> CheckLimits(const Tombstones& tombstones, const StreamLimits& limits) {
  if (tombstones.tombstones.size() > limits.max_batch_records) {
    return LimitError("the number of tombstones", tombstones.tombstones.size(), "max_batch_records",
                      limits.max_batch_records);
  }
  for (const Tombstone& tombstone : tombstones.tombstones) {
    if (tombstone.last > kMaxSequence) return SequenceError(tombstone.last);
    if (tombstone.cause.size() > kMaxCauseBytes) {
      return Error{ErrorCode::kInvalidArgument,
                   "a tombstone's cause has " + std::to_string(tombstone.cause.size()) +
                       " bytes, the limit is " + std::to_string(kMaxCauseBytes),
                   "shorten it"};
    }
  }
  return {};
}

Result<void> CheckLimits(const Digest& digest) {
  if (digest.epochs.size() > kMaxEpochsInHello) {
    return Error{ErrorCode::kInvalidArgument,
                 "digest names " + std::to_string(digest.epochs.size()) + " epochs, the limit is " +
                     std::to_string(kMaxEpochsInHello),
                 "the outbox has forked that often: look into its terminal"};
  }
  for (const EpochDigest& epoch : digest.epochs) {
    if (epoch.last > kMaxSequence) return SequenceError(epoch.last);
    if (epoch.why.size() > kMaxReasonBytes) {
      return Error{ErrorCode::kInvalidArgument,
                   "why an epoch began has " + std::to_string(epoch.why.size()) + " bytes, the limit is " +
                       std::to_string(kMaxReasonBytes),
                   "shorten it"};
    }
  }
  return {};
}

Result<void> CheckWindow(std::size_t unanswered, const StreamLimits& limits) {
  if (unanswered < limits.window_batches) return {};
  return LimitError("the number of unanswered batches", unanswered + 1, "window_batches",
                    limits.window_batches);
}

}  // namespace tillwire
