#include "ingest/import/file_import.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace tillwire {
namespace {

class Importer {
 public:
  Importer(const ExportHeader& header, ImportTarget& target, const StreamLimits& limits)
      : header_(header), target_(target), limits_(limits) {}

  // Takes the file's batch in, in batches that the centre takes.
  Result<void> Take(EventBatch batch) {
    if (auto sent = SendTombstones(); !sent) return sent;
    EventBatch part = NextBatch(batch.epoch);
    std::size_t bytes = 0;
    for (Record& record : batch.records) {
      const std::size_t size = record.event.size();
      const bool full =
          part.records.size() >= limits_.max_batch_records || bytes + size > limits_.max_batch_bytes;
      if (full && !part.records.empty()) {
        if (auto sent = Send(std::exchange(part, NextBatch(batch.epoch))); !sent) return sent;
        bytes = 0;
      }
      bytes += size;
      part.records.push_back(std::move(record));
    }
    return part.records.empty() ? Result<void>() : Send(std::move(part));
  }

  // A sequence must not close before those that its lane puts before it.
  Result<void> Take(ExportedTombstone exported) {
    const Tombstone& tombstone = exported.tombstone;
    if (exported.awaits && unresolved_.contains(*exported.awaits)) {
      ++report_.tombstones_held;
      Note({tombstone.epoch, tombstone.first}, "", "held",
           "its tombstone waits for sequence " + std::to_string(exported.awaits->sequence) +
               ", which comes before it in its lane");
      return {};
    }
    tombstones_.push_back(std::move(exported.tombstone));
    return tombstones_.size() < limits_.max_batch_records ? Result<void>() : SendTombstones();
  }

  Result<ImportReport> Finish() {
    if (auto sent = SendTombstones(); !sent) return sent.error();
    return std::move(report_);
  }

 private:
  EventBatch NextBatch(std::uint64_t epoch) {
    EventBatch batch;
    batch.batch_id = ++parts_;
    batch.epoch = epoch;
    return batch;
  }

  Result<BatchResult> Ask(ImportPart part, std::size_t size) {
    auto answer = target_.TakeIn(header_, std::move(part));
    if (!answer) return answer;
    if (answer->results.size() == size) return answer;
    return Error{ErrorCode::kInternal,
                 "the centre answered " + std::to_string(answer->results.size()) + " results to " +
                     std::to_string(size) + " records",
                 "check that this program and the running centre are of the same version"};
  }

  Result<void> Send(EventBatch batch) {
    // What an answer to be told of is about: the events themselves go away with the batch.
    std::vector<std::pair<RecordId, std::string>> about;
    for (const Record& record : batch.records) about.emplace_back(record.id, record.lane);
    const auto answer = Ask(std::move(batch), about.size());
    if (!answer) return answer.error();
    for (std::size_t i = 0; i < about.size(); ++i) {
      AddUp(about[i].first, about[i].second, answer->results[i]);
    }
    return {};
  }

  void AddUp(const RecordId& id, const std::string& lane, const RecordResult& result) {
    switch (result.disposition) {
      case Disposition::kAccepted:
        ++report_.accepted;
        return;
      case Disposition::kDuplicate:
        ++report_.duplicates;
        return;
      case Disposition::kTombstoned:
        ++report_.given_up;
        Note(id, lane, "given up",
             "its sequence was closed before it came; its bytes are kept, not in effect");
        return;
      case Disposition::kParked:
        ++report_.parked;
        Note(id, lane, "parked", std::string(ParkReasonName(result.park_reason)) + ": " + result.detail);
        break;
      case Disposition::kConflict:
        ++report_.conflicts;
        Note(id, lane, "conflict", result.detail);
        break;
      case Disposition::kRetry:
      case Disposition::kUnspecified:
        ++report_.held;
        Note(id, lane, "held", "an event before it in its lane is not resolved at the centre");
        break;
    }
    unresolved_.insert(id);
  }

  Result<void> SendTombstones() {
    if (tombstones_.empty()) return {};
    std::vector<RecordId> about;
    for (const Tombstone& tombstone : tombstones_) about.push_back({tombstone.epoch, tombstone.first});
    const auto answer = Ask(Tombstones{++parts_, std::exchange(tombstones_, {})}, about.size());
    if (!answer) return answer.error();
    for (std::size_t i = 0; i < about.size(); ++i) {
      switch (answer->results[i].disposition) {
        case Disposition::kTombstoned:
        case Disposition::kAccepted:
          ++report_.tombstones;
          break;
        case Disposition::kDuplicate:
          ++report_.tombstones_superseded;
          break;
        default:
          ++report_.tombstones_in_conflict;
          Note(about[i], "", "conflict", answer->results[i].detail);
      }
    }
    return {};
  }

  void Note(const RecordId& id, const std::string& lane, const std::string& what, const std::string& why) {
    if (report_.problems.size() < ImportReport::kMaxProblems) {
      report_.problems.push_back({id, lane, what, why});
    }
  }

  const ExportHeader& header_;
  ImportTarget& target_;
  const StreamLimits limits_;
  ImportReport report_;
  std::set<RecordId> unresolved_;      // events of the file that are neither in effect nor closed
  std::vector<Tombstone> tombstones_;  // to be sent together
  std::uint64_t parts_ = 0;
};

}  // namespace

Result<ImportReport> ImportFile(ExportReader& reader, ImportTarget& target) {
  const auto limits = target.Begin(reader.Header());
  if (!limits) return limits.error();
  Importer importer(reader.Header(), target, *limits);
  while (true) {
    auto message = reader.Next();
    if (!message) return message.error();
    if (!message->has_value()) return importer.Finish();
    auto* batch = std::get_if<EventBatch>(&**message);
    auto taken = batch != nullptr ? importer.Take(std::move(*batch))
                                  : importer.Take(std::move(std::get<ExportedTombstone>(**message)));
    if (!taken) return taken.error();
  }
}

}  // namespace tillwire
