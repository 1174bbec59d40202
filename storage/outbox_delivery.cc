// What waits, what the centre has, and what it refused.
#include <algorithm>

#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr std::size_t kOriginBytes = 8 + 8 + 32;

std::uint64_t BigEndianAt(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = (value << 8) | static_cast<std::uint8_t>(bytes[offset + i]);
  return value;
}

std::optional<RecordRef> DecodeOrigin(std::string_view bytes) {
  if (bytes.size() != kOriginBytes) return std::nullopt;
  return RecordRef{{BigEndianAt(bytes, 0), BigEndianAt(bytes, 8)}, Hash::FromBytes(bytes.substr(16)).value()};
}

}  // namespace

// Whether nothing more will happen to it: the centre has it, or has closed its sequence. Pruned events were
// delivered.
bool Outbox::Impl::Resolved(Position position) const {
  return position < first_retained || delivered.Contains(position) || tombstoned.Contains(position);
}

std::optional<Position> Outbox::Impl::PredecessorOf(Position position) {
  StatementRun run(statements->find_predecessor);
  if (!run.Bind(position).Step() || run.IsNull(0)) return std::nullopt;
  // One that comes after it is a damaged value; its event will fail its hash.
  const Position predecessor = run.Unsigned(0);
  return predecessor < position ? std::optional(predecessor) : std::nullopt;
}

// The event that must be resolved before the successor of `predecessor` may go: that one, or where it was
// given up, the one that it waited for in its turn. Nothing if there is none left.
std::optional<Position> Outbox::Impl::AwaitedPredecessor(std::optional<Position> predecessor) {
  while (predecessor && *predecessor >= first_retained && tombstoned.Contains(*predecessor)) {
    predecessor = PredecessorOf(*predecessor);
  }
  if (predecessor && Resolved(*predecessor)) predecessor.reset();
  return predecessor;
}

// The first position at or above `from` that is not resolved.
Position Outbox::Impl::FirstUnresolved(Position from) const {
  Position next = std::max(from, first_retained);
  while (true) {
    const Position gap = tombstoned.FirstGapAtOrAfter(delivered.FirstGapAtOrAfter(next));
    if (gap == next) return next;
    next = gap;
  }
}

// The first pending position above `after`; last_position + 1 if there is none.
Position Outbox::Impl::NextPending(Position after) const {
  Position next = std::max(after + 1, first_retained);
  while (true) {
    const Position gap =
        parked.FirstGapAtOrAfter(tombstoned.FirstGapAtOrAfter(delivered.FirstGapAtOrAfter(next)));
    if (gap == next) return std::min(next, last_position + 1);
    next = gap;
  }
}

// The last position of the pending run that begins at `first`.
Position Outbox::Impl::PendingRunEnd(Position first) const {
  Position end = last_position;
  for (const IntervalSet* set : {&delivered, &parked, &tombstoned}) {
    if (const auto range = set->FirstRangeAtOrAfter(first)) end = std::min(end, range->first - 1);
  }
  return end;
}

EventRow Outbox::Impl::ReadRow(StatementRun& run) const {
  EventRow row;
  row.position = run.Unsigned(0);
  row.record.id = IdOf(row.position);
  row.record.lane = run.Text(1);
  if (!run.IsNull(2)) {
    row.predecessor = run.Unsigned(2);
    row.record.lane_predecessor = RecordRef{IdOf(*row.predecessor), run.HashAt(3)};
  }
  row.record.previous_hash = run.HashAt(4);
  row.record.hash = run.HashAt(5);
  row.record.origin = DecodeOrigin(run.Blob(6));
  row.record.event = std::string(run.Blob(7));
  return row;
}

// Nothing where the row's values can't be those of an event.
std::optional<EventRow> Outbox::Impl::TryReadRow(StatementRun& run) const {
  try {
    return ReadRow(run);
  } catch (const StorageFault& fault) {
    if (fault.error().code != ErrorCode::kDataLoss) throw;
    return std::nullopt;
  }
}

void Outbox::Impl::AddDelivered(Interval interval) {
  delivered.Add(interval);
  const Interval merged = delivered.Find(interval.first).value();
  StatementRun(statements->drop_delivered).Bind(merged.first).Bind(merged.last).Execute();
  StatementRun(statements->put_delivered).Bind(merged.first).Bind(merged.last).Execute();
}

void Outbox::Impl::RemoveDelivered(Interval interval) {
  if (interval.first > interval.last) return;
  const auto straddling = delivered.Find(interval.first);
  const Position from = straddling ? straddling->first : interval.first;
  delivered.Remove(interval);
  StatementRun(statements->drop_delivered).Bind(from).Bind(interval.last).Execute();
  for (auto it = delivered.Ranges().lower_bound(from); it != delivered.Ranges().end(); ++it) {
    if (it->first > interval.last + 1) break;
    StatementRun(statements->drop_delivered).Bind(it->first).Bind(it->first).Execute();
    StatementRun(statements->put_delivered).Bind(it->first).Bind(it->second).Execute();
  }
}

void Outbox::Impl::PutException(Position position, ExceptionKind kind, const std::string& reason,
                                const std::string& detail) {
  const bool is_parked = kind == ExceptionKind::kParked;
  (is_parked ? parked : tombstoned).Add({position, position});
  (is_parked ? tombstoned : parked).Remove({position, position});
  StatementRun run(statements->put_exception);
  run.Bind(position).Bind(static_cast<std::int64_t>(kind)).BindText(reason);
  run.BindText(detail).Bind(ToMicros(clock.WallNow())).Execute();
}

void Outbox::Impl::DropExceptions(Interval interval, bool keep_given_up) {
  if (interval.first > interval.last) return;
  IntervalSet given_up;
  if (keep_given_up) {
    SQLite::Statement select(
        *database, "SELECT position FROM exceptions WHERE position BETWEEN ? AND ? AND reason IN (?, ?)");
    StatementRun run(select);
    run.Bind(interval.first).Bind(interval.last).BindText(kDamagedReason).BindText(kReleasedReason);
    while (run.Step()) given_up.Add({run.Unsigned(0), run.Unsigned(0)});
  }
  Position first = interval.first;
  const auto drop = [&](Position from, Position to) {
    if (from > to) return;
    parked.Remove({from, to});
    tombstoned.Remove({from, to});
    StatementRun(statements->drop_exceptions).Bind(from).Bind(to).Execute();
  };
  for (const auto& [from, to] : given_up.Ranges()) {
    drop(first, from - 1);
    first = to + 1;
  }
  drop(first, interval.last);
}

// The centre has these: whatever else was said of them is over.
void Outbox::Impl::Confirm(Interval interval) {
  const auto touches = [&](const IntervalSet& set) {
    if (set.Contains(interval.first)) return true;
    const auto next = set.FirstRangeAtOrAfter(interval.first);
    return next && next->first <= interval.last;
  };
  if (touches(tombstoned)) {
    for (Position position = interval.first; position <= interval.last; ++position) {
      if (tombstoned.Contains(position)) ForgetGivenUp(IdOf(position));
    }
  }
  if (touches(parked) || touches(tombstoned)) DropExceptions(interval, false);
  AddDelivered(interval);
}

PendingPage Outbox::Impl::ReadPending(Position after, std::size_t max_records, std::size_t max_bytes) {
  PendingPage page;
  page.scanned_through = after;
  std::size_t bytes = 0;
  bool full = false;
  std::map<Position, std::optional<Record>> damaged;  // with the record where that can be read
  bool absent = false;                                // a row is
  const Position sendable = SendableThrough();
  while (!full && page.records.size() < max_records) {
    const Position first = NextPending(page.scanned_through);
    if (first > sendable) break;
    const Position last =
        std::min({PendingRunEnd(first), sendable, first + max_records - page.records.size() - 1});
    StatementRun run(statements->read_events);
    run.Bind(first).Bind(last);
    const auto miss_before = [&](Position position) {
      while (page.scanned_through + 1 < position) {
        damaged[++page.scanned_through] = std::nullopt;
        absent = true;
      }
    };
    page.scanned_through = first - 1;
    while (!full && run.Step()) {
      const Position position = run.Unsigned(0);
      miss_before(position);
      auto row = TryReadRow(run);
      if (!row || !row->record.HashMatches()) {
        damaged[position] = row ? std::optional(std::move(row->record)) : std::nullopt;
        page.scanned_through = position;
        continue;
      }
      const std::size_t size = row->record.event.size();
      full = !page.records.empty() && bytes + size > max_bytes;
      if (full) continue;
      bytes += size;
      page.scanned_through = position;
      page.records.push_back({position, std::move(row->record), AwaitedPredecessor(row->predecessor)});
    }
    if (!full) miss_before(last + 1);
  }
  if (absent) RequireSoundStructure();
  for (const auto& [position, record] : damaged) {
    page.damaged.push_back(position);
    if (record) {
      DeclareDamaged(position, *record);
    } else {
      DeclareUnreadable(position);
    }
    AddIncident("the event at sequence " + std::to_string(IdOf(position).sequence) +
                " is damaged on this disk and was given up; the others go on");
  }
  page.at_end = NextPending(page.scanned_through) > sendable;
  if (page.at_end) page.scanned_through = std::max(page.scanned_through, last_position);
  return page;
}

PendingPage Outbox::ReadPending(Position after, std::size_t max_records, std::size_t max_bytes) {
  return impl_->Watching([&] { return impl_->ReadPending(after, max_records, max_bytes); });
}

void Outbox::Impl::ApplyOutcomes(const std::vector<EventOutcome>& outcomes) {
  IntervalSet accepted;
  for (const auto& [position, result] : outcomes) {
    switch (result.disposition) {
      case Disposition::kAccepted:
      case Disposition::kDuplicate:
        accepted.Add({position, position});
        break;
      // What was given up here stays given up: these answers are older.
      case Disposition::kParked:
        if (tombstoned.Contains(position)) break;
        PutException(position, ExceptionKind::kParked, ParkReasonName(result.park_reason), result.detail);
        break;
      case Disposition::kTombstoned:
        if (tombstoned.Contains(position)) break;
        PutException(position, ExceptionKind::kTombstoned, "TOMBSTONED", result.detail);
        break;
      case Disposition::kRetry:
      case Disposition::kConflict:
      case Disposition::kUnspecified:
        break;
    }
  }
  for (const auto& [first, last] : accepted.Ranges()) Confirm({first, last});
}

void Outbox::ApplyOutcomes(const std::vector<EventOutcome>& outcomes) {
  return impl_->Watching([&] { return impl_->ApplyOutcomes(outcomes); });
}

}  // namespace tillwire
