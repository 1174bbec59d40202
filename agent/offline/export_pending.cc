#include "agent/offline/export_pending.h"

#include <utility>

#include "core/uuid.h"
#include "platform/sealed_file.h"
#include "proto/export_codec.h"

namespace tillwire {
namespace {

// As on a stream by default; the largest event is a message by itself.
constexpr std::size_t kBatchRecords = StreamLimits().max_batch_records;
constexpr std::size_t kBatchBytes = StreamLimits().max_batch_bytes;

// Parked events are carried too: here their bytes have no other place, and the centre judges them anew.
std::uint64_t TakeParkedAlong(Outbox& outbox) {
  std::uint64_t parked = 0;
  EventQuery query;
  query.states = {EventState::kParked};
  while (true) {
    const EventPage page = outbox.List(query);
    for (const EventView& event : page.events) {
      if (outbox.Requeue(event.event_id)) ++parked;
    }
    if (page.at_end) return parked;
    query.after = page.scanned;
  }
}

// Calls visit(PendingRecord&&) for each event that waits, and says how many were given up as damaged.
template <typename Visit>
Result<std::uint64_t> ForEachPending(Outbox& outbox, Visit visit) {
  std::uint64_t damaged = 0;
  Position after = 0;
  while (true) {
    PendingPage page = outbox.ReadPending(after, kBatchRecords, kBatchBytes);
    damaged += page.damaged.size();
    for (PendingRecord& pending : page.records) {
      if (Result<void> visited = visit(std::move(pending)); !visited) return visited.error();
    }
    if (page.at_end) return damaged;
    after = page.scanned_through;
  }
}

void CountIn(const RecordId& id, ExportReport& report) {
  ++report.header.records;
  if (!report.runs.empty() && report.runs.back().epoch == id.epoch &&
      report.runs.back().last + 1 == id.sequence) {
    report.runs.back().last = id.sequence;
    return;
  }
  report.runs.push_back({id.epoch, id.sequence, id.sequence});
  ++report.all_runs;
  // The one that may yet grow stays at the end.
  if (report.runs.size() > ExportReport::kMaxRuns) report.runs.erase(report.runs.end() - 2);
}

// Puts events into batches, and tombstones between them.
class PartWriter {
 public:
  explicit PartWriter(SealedFileWriter& file) : file_(file) {}

  Result<void> Add(Record record) {
    const std::size_t size = record.event.size();
    const bool fits = batch_.records.size() < kBatchRecords && bytes_ + size <= kBatchBytes &&
                      batch_.epoch == record.id.epoch;
    if (!batch_.records.empty() && !fits) {
      if (auto written = Flush(); !written) return written;
    }
    batch_.epoch = record.id.epoch;
    bytes_ += size;
    ++records_;
    batch_.records.push_back(std::move(record));
    return {};
  }

  Result<void> Add(const Outbox::CarriedLoss& loss) {
    if (auto written = Flush(); !written) return written;
    return file_.Write(EncodeExport(ExportedTombstone{loss.range.tombstone, loss.awaits}));
  }

  Result<void> Flush() {
    if (batch_.records.empty()) return {};
    EventBatch batch = std::exchange(batch_, {});
    batch.batch_id = ++batches_;
    bytes_ = 0;
    return file_.Write(EncodeExport(std::move(batch)));
  }

  [[nodiscard]] std::uint64_t Records() const { return records_; }

 private:
  SealedFileWriter& file_;
  EventBatch batch_;
  std::size_t bytes_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t records_ = 0;
};

Result<void> WriteParts(Outbox& outbox, const std::vector<Outbox::CarriedLoss>& losses,
                        const ExportHeader& header, SealedFileWriter& file) {
  if (auto written = file.Write(EncodeExport(header)); !written) return written;
  PartWriter parts(file);
  auto loss = losses.begin();
  // A tombstone stands where its event stood: behind what its lane puts before it, before what waits for it.
  const auto losses_before = [&](std::optional<Position> position) -> Result<void> {
    for (; loss != losses.end() && (!position || loss->position < position); ++loss) {
      if (auto added = parts.Add(*loss); !added) return added;
    }
    return {};
  };
  const auto damaged = ForEachPending(outbox, [&](PendingRecord pending) -> Result<void> {
    if (auto added = losses_before(pending.position); !added) return added;
    return parts.Add(std::move(pending.record));
  });
  if (!damaged) return damaged.error();
  if (*damaged != 0 || parts.Records() != header.records) {
    return Error{ErrorCode::kDataLoss, "the outbox's disk gives other bytes each time it is read",
                 "copy the whole directory to another disk, and export from there"};
  }
  if (auto added = losses_before(std::nullopt); !added) return added;
  return parts.Flush();
}

Result<ExportReport> Export(Outbox& outbox, const std::filesystem::path& path, const SealingKey& key,
                            const Clock& clock, Rng& rng) {
  outbox.Begin();
  ExportReport report;
  ExportHeader& header = report.header;
  header.export_id = UuidGenerator(rng).Make(clock.WallNow());
  header.store_id = outbox.StoreId();
  header.terminal_id = outbox.TerminalId();
  header.created_at = clock.WallNow();
  header.version = TILLWIRE_VERSION;
  header.epochs = outbox.Epochs();
  if (const auto missing = outbox.MissingByMark()) {
    header.missing = MissingRange{missing->epoch, missing->first, missing->last};
  }
  report.delivered = outbox.Status().delivered;
  report.parked = TakeParkedAlong(outbox);
  const auto damaged = ForEachPending(outbox, [&](const PendingRecord& pending) -> Result<void> {
    CountIn(pending.record.id, report);
    return {};
  });
  if (!damaged) return damaged.error();
  report.damaged = *damaged;
  const std::vector<Outbox::CarriedLoss> losses = outbox.CarriedLosses();
  header.tombstones = losses.size();
  if (header.records == 0 && header.tombstones == 0) return report;

  auto file = SealedFileWriter::Create(path, key);
  if (!file) return file.error();
  if (auto written = WriteParts(outbox, losses, header, **file); !written) return written.error();
  if (auto finished = (*file)->Finish(); !finished) return finished.error();
  report.bytes = (*file)->Bytes();
  return report;
}

}  // namespace

Result<ExportReport> ExportPending(Outbox& outbox, const std::filesystem::path& file, const SealingKey& key,
                                   const Clock& clock, Rng& rng) {
  try {
    return Export(outbox, file, key, clock, rng);
  } catch (const StorageFault& fault) {
    return fault.error();
  }
}

}  // namespace tillwire
