// What will never come from this outbox: lost, damaged and released, and what the centre knows of it.
#include <algorithm>
#include <map>
#include <utility>

#include "core/epoch.h"
#include "core/figures.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr std::size_t kMaxLostRanges = 10000;  // compared with a Welcome, oldest first

// Takes `covered` out of `interval`, both in sequences.
std::vector<Interval> Subtract(Interval interval, const std::vector<Interval>& covered) {
  IntervalSet rest;
  rest.Add(interval);
  for (const Interval& part : covered) rest.Remove(part);
  std::vector<Interval> parts;
  for (const auto& [first, last] : rest.Ranges()) parts.push_back({first, last});
  return parts;
}

// Whether the centre has closed all of these sequences.
bool ListsTombstone(const EpochState& state, Interval sequences) {
  std::vector<Interval> closed;
  for (const TombstonedRange& range : state.tombstoned) closed.push_back({range.first, range.last});
  for (const AcceptedRange& range : state.accepted) closed.push_back({range.first, range.last});
  return Subtract(sequences, closed).empty();
}

}  // namespace

const EpochRow* Outbox::Impl::RowOf(std::uint64_t epoch) const {
  const auto found = std::ranges::find(epochs, epoch, &EpochRow::epoch);
  return found == epochs.end() ? nullptr : &*found;
}

// How many sequences of the epoch were ever given out, as far as the file knows.
std::uint64_t Outbox::Impl::IssuedIn(const EpochRow& row) const {
  return row.retained ? row.issued : last_position - row.base;
}

// What the mark says was captured beyond what the file holds.
std::optional<Tombstone> Outbox::Impl::BeyondFile() const {
  if (!high_water_mark->AtOpen()) return std::nullopt;
  const RecordRef& mark = *high_water_mark->AtOpen();
  const EpochRow* known = RowOf(mark.id.epoch);
  const std::uint64_t issued = known != nullptr ? IssuedIn(*known) : 0;
  if (mark.id.sequence <= issued) return std::nullopt;
  Tombstone tombstone;
  tombstone.epoch = mark.id.epoch;
  tombstone.first = issued + 1;
  tombstone.last = mark.id.sequence;
  tombstone.last_hash = mark.hash;
  if (known != nullptr && !known->retained) tombstone.previous_hash = head;
  tombstone.cause = "the outbox file was put back to an older copy, or its log was damaged";
  return tombstone;
}

void Outbox::Impl::CheckHighWaterMark() {
  if (options.only_reads || !high_water_mark->AtOpen()) return;
  const RecordRef mark = *high_water_mark->AtOpen();
  const EpochRow* known = RowOf(mark.id.epoch);
  if (known == nullptr && mark.id.sequence == 0) {
    BeginEpoch(last_position, head, "the high-water mark is in an epoch that the outbox file does not know");
    AddIncident(
        "the outbox file was put back to an older copy: its newest epoch is missing, and what it held "
        "after " +
        std::to_string(last_position) + (last_position == 1 ? " event" : " events") +
        " is lost here, unless the centre has it");
    return;
  }
  if (const auto lost_by_file = BeyondFile()) {
    BeginEpoch(last_position, head, "the outbox file holds less than its high-water mark says");
    DeclareLost(*lost_by_file);
    AddIncident("this outbox had been written up to sequence " + std::to_string(mark.id.sequence) +
                " of epoch " + EpochName(mark.id.epoch) + ", its file holds " +
                std::to_string(lost_by_file->first - 1) + ": " +
                SequencesText(lost_by_file->first, lost_by_file->last) +
                (lost_by_file->first == lost_by_file->last ? " is" : " are") +
                " lost here, unless the centre has it; captures go into a new epoch");
    return;
  }
  // A mark below what was issued, or in an epoch that is closed, was overtaken by a commit just before a
  // crash.
  const bool current =
      known != nullptr && !known->retained && mark.id.sequence == last_position - known->base;
  if (!current || mark.hash == head) return;
  BeginEpoch(last_position, head, "the outbox file and its high-water mark are of different histories");
  AddIncident("the outbox file and its high-water mark disagree about sequence " +
              std::to_string(mark.id.sequence) +
              ": the file was replaced by another copy; captures go into a new epoch");
}

void Outbox::Impl::DeclareLost(const Tombstone& tombstone) {
  SQLite::Statement known(*database, "SELECT 1 FROM lost_ranges WHERE epoch = ? AND first = ? AND last = ?");
  if (StatementRun run(known); run.Bind(tombstone.epoch).Bind(tombstone.first).Bind(tombstone.last).Step())
    return;
  SQLite::Statement insert(
      *database,
      "INSERT INTO lost_ranges (epoch, first, last, kind, last_hash, previous_hash, cause, "
      "detected_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  StatementRun run(insert);
  run.Bind(tombstone.epoch).Bind(tombstone.first).Bind(tombstone.last);
  run.Bind(static_cast<std::int64_t>(tombstone.kind));
  run.BindOptional(tombstone.last_hash);
  run.BindOptional(tombstone.previous_hash);
  run.BindText(tombstone.cause).Bind(ToMicros(clock.WallNow())).Execute();
  AddLoss(tombstone.epoch, tombstone.kind, {tombstone.first, tombstone.last});
  for (EpochRow& row : epochs) {
    if (row.epoch != tombstone.epoch || !row.retained || row.issued >= tombstone.last) continue;
    CloseEpoch(row, *row.retained, tombstone.last, row.last_hash);
  }
}

void Outbox::Impl::AddLoss(std::uint64_t epoch, TombstoneKind kind, Interval sequences) {
  EpochLosses& of = losses[epoch];
  const std::uint64_t count = sequences.last - sequences.first + 1;
  if (kind == TombstoneKind::kReleased) {
    of.released += count;
  } else if (kind == TombstoneKind::kDamaged) {
    of.damaged += count;
  } else {
    of.lost.Add(sequences);
  }
}

void Outbox::Impl::RemoveLoss(std::uint64_t epoch, TombstoneKind kind, Interval sequences) {
  EpochLosses& of = losses[epoch];
  const std::uint64_t count = sequences.last - sequences.first + 1;
  if (kind == TombstoneKind::kReleased) {
    of.released -= count;
  } else if (kind == TombstoneKind::kDamaged) {
    of.damaged -= count;
  } else {
    of.lost.Remove(sequences);
  }
}

// The centre has these, which are no longer here.
void Outbox::Impl::NoteFound(std::uint64_t epoch, Interval sequences) {
  losses[epoch].safe.Add(sequences);
  const EpochRow* row = RowOf(epoch);
  if (row == nullptr) return;
  const std::uint64_t kept = EndOf(*row) - row->base;
  if (sequences.first > kept) return;
  AddDelivered({row->base + sequences.first, row->base + std::min(sequences.last, kept)});
}

// Its sequence will never come: the centre is told, and its lane goes on.
void Outbox::Impl::GiveUp(Position position, const Record& record, TombstoneKind kind,
                          const std::string& cause) {
  Tombstone tombstone;
  tombstone.epoch = record.id.epoch;
  tombstone.first = tombstone.last = record.id.sequence;
  tombstone.kind = kind;
  tombstone.last_hash = record.hash;
  tombstone.previous_hash = record.previous_hash;
  tombstone.cause = cause;
  CloseSequence(position, tombstone);
}

void Outbox::Impl::CloseSequence(Position position, const Tombstone& tombstone) {
  PutException(position, ExceptionKind::kTombstoned,
               tombstone.kind == TombstoneKind::kReleased ? kReleasedReason : kDamagedReason,
               tombstone.cause);
  DeclareLost(tombstone);
}

// Its own hashes may be what is damaged: its neighbours know them, too.
void Outbox::Impl::DeclareDamaged(Position position, const Record& record) {
  Record known = record;
  known.previous_hash = HashBeside(position, position - 1).value_or(record.previous_hash);
  known.hash = HashBeside(position, position + 1).value_or(record.hash);
  GiveUp(position, known, TombstoneKind::kDamaged,
         "the stored bytes do not match their hash; capture the action again");
}

// What the event at `neighbour`, which stands next to `position`, knows of the link between the two.
std::optional<Hash> Outbox::Impl::HashBeside(Position position, Position neighbour) {
  if (neighbour < first_retained || neighbour > last_position ||
      IdOf(neighbour).epoch != IdOf(position).epoch) {
    return std::nullopt;
  }
  StatementRun run(statements->event_header);
  if (!run.Bind(neighbour).Step()) return std::nullopt;
  return Hash::FromBytes(run.Blob(neighbour < position ? 3 : 2));
}

// Its row is missing, or is none any more. Its neighbours know its hashes.
void Outbox::Impl::DeclareUnreadable(Position position) {
  const RecordId id = IdOf(position);
  Tombstone tombstone;
  tombstone.epoch = id.epoch;
  tombstone.first = tombstone.last = id.sequence;
  tombstone.kind = TombstoneKind::kDamaged;
  tombstone.previous_hash = HashBeside(position, position - 1);
  tombstone.last_hash = HashBeside(position, position + 1);
  tombstone.cause = "its row can't be read; capture the action again";
  CloseSequence(position, tombstone);
}

// Before an event that was given up gets a new identity.
void Outbox::Impl::ForgetGivenUp(RecordId id) {
  SQLite::Statement drop(
      *database,
      "DELETE FROM lost_ranges WHERE epoch = ? AND first = ? AND last = first AND kind IN (?, ?) "
      "RETURNING kind");
  StatementRun run(drop);
  run.Bind(id.epoch).Bind(id.sequence).Bind(static_cast<std::int64_t>(TombstoneKind::kDamaged));
  run.Bind(static_cast<std::int64_t>(TombstoneKind::kReleased));
  while (run.Step()) {
    RemoveLoss(id.epoch, static_cast<TombstoneKind>(run.Int(0)), {id.sequence, id.sequence});
  }
}

// What was declared lost here may be safe at the centre, which may have had it before the loss. Where it has
// something at the range's end whose hash is not the lost one's, or is not told here, another copy of this
// outbox may have put it there: that part stays lost, and is announced by itself, so that the centre compares
// (rule 3). What is safe is remembered: a centre that is put back to an older copy may lose it again, and
// then nobody else would name it.
void Outbox::Impl::ReconcileLostRanges(const Welcome& welcome) {
  for (const LostRange& row : LostRanges(LossFilter::kAll, kMaxLostRanges)) {
    const auto state =
        std::find_if(welcome.epochs.begin(), welcome.epochs.end(),
                     [&](const EpochState& epoch) { return epoch.epoch == row.tombstone.epoch; });
    if (state != welcome.epochs.end()) ReconcileLostRange(row, *state);
  }
}

void Outbox::Impl::ReconcileLostRange(const LostRange& row, const EpochState& state) {
  const Interval all{row.tombstone.first, row.tombstone.last};
  std::vector<Interval> there;
  std::optional<Interval> doubtful;
  for (const AcceptedRange& range : state.accepted) {
    const bool at_end = range.first <= all.last && all.last <= range.last;
    const bool agrees = range.last == all.last && range.last_hash == row.tombstone.last_hash;
    if (at_end && row.tombstone.last_hash && !agrees) {
      doubtful = Interval{std::max(range.first, all.first), all.last};
    }
    there.push_back({range.first, range.last});
  }
  std::vector<Interval> rest = Subtract(all, there);
  if (doubtful) rest.push_back(*doubtful);
  std::vector<Interval> not_safe = rest;
  if (row.safe) {
    // What was pruned may have been called lost once more, before this.
    const std::vector<Interval> called_lost = CalledLost(row.tombstone.epoch, all);
    if (rest.empty() && called_lost.empty()) return;
    not_safe.insert(not_safe.end(), called_lost.begin(), called_lost.end());
    std::vector<Interval> anew;
    for (const Interval& part : rest) {
      for (const Interval& piece : Subtract(part, called_lost)) anew.push_back(piece);
    }
    rest = std::move(anew);
  } else if (rest.size() == 1 && rest.front() == all) {
    if (row.announced && (doubtful || !ListsTombstone(state, all))) SetAnnounced(row.row, false);
    return;
  }
  const std::vector<Interval> safe = Subtract(all, not_safe);
  SQLite::Statement drop(*database, "DELETE FROM lost_ranges WHERE id = ?");
  StatementRun(drop).Bind(row.row).Execute();
  if (row.safe) {
    losses[row.tombstone.epoch].safe.Remove(all);
  } else {
    RemoveLoss(row.tombstone.epoch, row.tombstone.kind, all);
  }
  const auto part_of = [&](Interval part) {
    Tombstone tombstone = row.tombstone;
    tombstone.first = part.first;
    tombstone.last = part.last;
    if (part.last != all.last) tombstone.last_hash.reset();
    if (part.first != all.first) tombstone.previous_hash.reset();
    return tombstone;
  };
  std::uint64_t still_lost = 0;
  for (const Interval& part : rest) {
    DeclareLost(part_of(part));
    still_lost += part.last - part.first + 1;
  }
  for (const Interval& part : safe) RememberSafe(part_of(part));
  if (row.safe && still_lost > 0) {
    AddIncident("of " + SequencesText(all.first, all.last) + " of epoch " + EpochName(row.tombstone.epoch) +
                ", lost here, the centre no longer has " + std::to_string(still_lost));
  } else if (!row.safe && !safe.empty()) {
    AddIncident("of " + SequencesText(all.first, all.last) + " of epoch " + EpochName(row.tombstone.epoch) +
                ", lost here, the centre has " + std::to_string(all.last - all.first + 1 - still_lost) +
                "; lost for good: " + std::to_string(still_lost));
  }
}

// The parts of these sequences that are called lost.
std::vector<Interval> Outbox::Impl::CalledLost(std::uint64_t epoch, Interval sequences) {
  SQLite::Statement select(*database,
                           "SELECT first, last FROM lost_ranges WHERE epoch = ? AND announced <= ? AND "
                           "first <= ? AND last >= ?");
  StatementRun run(select);
  run.Bind(epoch).Bind(kLossAnnounced).Bind(sequences.last).Bind(sequences.first);
  std::vector<Interval> parts;
  while (run.Step()) parts.push_back({run.Unsigned(0), run.Unsigned(1)});
  return parts;
}

// Only of what is no longer here: an event that was given up and is at the centre counts as delivered.
void Outbox::Impl::RememberSafe(const Tombstone& tombstone) {
  if (tombstone.kind != TombstoneKind::kLost) return;
  SQLite::Statement insert(
      *database,
      "INSERT INTO lost_ranges (epoch, first, last, kind, last_hash, previous_hash, cause, detected_at, "
      "announced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  StatementRun run(insert);
  run.Bind(tombstone.epoch).Bind(tombstone.first).Bind(tombstone.last);
  run.Bind(static_cast<std::int64_t>(tombstone.kind));
  run.BindOptional(tombstone.last_hash);
  run.BindOptional(tombstone.previous_hash);
  run.BindText(tombstone.cause).Bind(ToMicros(clock.WallNow())).Bind(kLossSafe).Execute();
  NoteFound(tombstone.epoch, {tombstone.first, tombstone.last});
}

std::vector<LostRange> Outbox::Impl::LostRanges(LossFilter filter, std::size_t limit) {
  SQLite::Statement select(
      *database,
      "SELECT id, epoch, first, last, kind, last_hash, previous_hash, cause, detected_at, announced "
      "FROM lost_ranges WHERE announced <= ? AND kind != ? ORDER BY id LIMIT ?");
  StatementRun run(select);
  const auto left_out =
      filter == LossFilter::kNotReleased ? TombstoneKind::kReleased : TombstoneKind::kUnspecified;
  run.Bind(filter == LossFilter::kAll           ? kLossSafe
           : filter == LossFilter::kNotReleased ? kLossAnnounced
                                                : kLossUnannounced);
  run.Bind(static_cast<std::int64_t>(left_out)).Bind(std::uint64_t{limit});
  std::vector<LostRange> ranges;
  while (run.Step()) {
    LostRange range;
    range.row = run.Int(0);
    range.tombstone.epoch = run.Unsigned(1);
    range.tombstone.first = run.Unsigned(2);
    range.tombstone.last = run.Unsigned(3);
    range.tombstone.kind = static_cast<TombstoneKind>(run.Int(4));
    if (!run.IsNull(5)) range.tombstone.last_hash = run.HashAt(5);
    if (!run.IsNull(6)) range.tombstone.previous_hash = run.HashAt(6);
    range.tombstone.cause = run.Text(7);
    range.detected_at = FromMicros(run.Int(8));
    range.announced = run.Int(9) == kLossAnnounced;
    range.safe = run.Int(9) == kLossSafe;
    ranges.push_back(range);
  }
  return ranges;
}

void Outbox::Impl::SetAnnounced(std::int64_t row, bool announced) {
  SQLite::Statement update(*database, "UPDATE lost_ranges SET announced = ? WHERE id = ?");
  StatementRun(update).Bind(announced ? kLossAnnounced : kLossUnannounced).Bind(row).Execute();
}

// The retained position that has this identity.
std::optional<Position> Outbox::Impl::PositionOf(RecordId id) const {
  for (const EpochRow& row : epochs) {
    const Position position = row.base + id.sequence;
    if (row.epoch == id.epoch && position >= first_retained && position <= EndOf(row)) return position;
  }
  return std::nullopt;
}

// Where the event that this tombstone gives up stands here, if it can be given another identity.
std::optional<Position> Outbox::Impl::MovableEvent(const Tombstone& tombstone) {
  if (tombstone.kind == TombstoneKind::kLost) return std::nullopt;
  const auto position = PositionOf({tombstone.epoch, tombstone.first});
  if (!position) return std::nullopt;
  StatementRun run(statements->read_event);
  if (!run.Bind(*position).Step() || !TryReadRow(run)) return std::nullopt;
  return position;
}

// The first event of the epoch whose tombstone the centre has not confirmed.
std::optional<Position> Outbox::Impl::FirstUnconfirmedGivenUp(std::uint64_t epoch) {
  std::optional<Position> first;
  for (const LostRange& range : LostRanges(LossFilter::kUnannounced, kMaxLostRanges)) {
    if (range.tombstone.epoch != epoch) continue;
    const auto position = MovableEvent(range.tombstone);
    if (position && (!first || *position < *first)) first = position;
  }
  return first;
}

Outbox::Unannounced Outbox::UnannouncedLostRanges(std::size_t limit) {
  Unannounced unannounced;
  // By position: a lane's tombstones close its sequences in its order, whichever was given up first.
  std::multimap<Position, LostRange> found;
  for (LostRange& range : impl_->LostRanges(Impl::LossFilter::kUnannounced, kMaxLostRanges)) {
    const Tombstone& tombstone = range.tombstone;
    const bool lost = tombstone.kind == TombstoneKind::kLost;
    const auto position = lost ? std::nullopt : impl_->PositionOf({tombstone.epoch, tombstone.first});
    if (position && impl_->AwaitedPredecessor(impl_->PredecessorOf(*position))) {
      unannounced.held = true;
    } else {
      found.emplace(position.value_or(0), std::move(range));
    }
  }
  for (auto& [position, range] : found) {
    if (unannounced.ranges.size() == limit) break;
    range.movable = impl_->MovableEvent(range.tombstone).has_value();
    unannounced.ranges.push_back(std::move(range));
  }
  return unannounced;
}

std::optional<Tombstone> Outbox::MissingByMark() const {
  return impl_->BeyondFile();
}

std::vector<Outbox::CarriedLoss> Outbox::CarriedLosses() {
  std::vector<CarriedLoss> losses;
  for (LostRange& range : impl_->LostRanges(Impl::LossFilter::kUnannounced, kMaxLostRanges)) {
    CarriedLoss loss{std::move(range), {}, {}};
    const Tombstone& tombstone = loss.range.tombstone;
    if (tombstone.kind != TombstoneKind::kLost)
      loss.position = impl_->PositionOf({tombstone.epoch, tombstone.first});
    if (loss.position) {
      const auto awaited = impl_->AwaitedPredecessor(impl_->PredecessorOf(*loss.position));
      if (awaited) loss.awaits = impl_->IdOf(*awaited);
    }
    losses.push_back(std::move(loss));
  }
  std::ranges::sort(losses, {},
                    [](const CarriedLoss& loss) { return std::pair(loss.position, loss.range.row); });
  return losses;
}

void Outbox::MarkAnnounced(const std::vector<std::int64_t>& rows) {
  for (const std::int64_t row : rows) impl_->SetAnnounced(row, true);
}

void Outbox::DropLostRanges(const std::vector<std::int64_t>& rows) {
  Impl& impl = *impl_;
  SQLite::Statement find(*impl.database,
                         "SELECT epoch, first, last, kind FROM lost_ranges WHERE id = ? AND announced <= ?");
  SQLite::Statement drop(*impl.database, "DELETE FROM lost_ranges WHERE id = ?");
  SQLite::Statement keep(*impl.database, "UPDATE lost_ranges SET announced = ? WHERE id = ?");
  for (const std::int64_t row : rows) {
    RecordId id;
    std::uint64_t count = 0;
    auto kind = TombstoneKind::kUnspecified;
    {
      StatementRun run(find);
      if (!run.Bind(row).Bind(kLossAnnounced).Step()) continue;
      id = {run.Unsigned(0), run.Unsigned(1)};
      count = run.Unsigned(2) - id.sequence + 1;
      kind = static_cast<TombstoneKind>(run.Int(3));
    }
    impl.RemoveLoss(id.epoch, kind, {id.sequence, id.sequence + count - 1});
    if (kind == TombstoneKind::kLost) {
      StatementRun(keep).Bind(kLossSafe).Bind(row).Execute();
      impl.NoteFound(id.epoch, {id.sequence, id.sequence + count - 1});
      impl.AddIncident("of what was lost here, the centre has " + Counted(count, "event"));
      continue;
    }
    StatementRun(drop).Bind(row).Execute();
    if (const auto position = impl.PositionOf(id)) {
      impl.Confirm({*position, *position});
      impl.AddIncident("the event at sequence " + std::to_string(id.sequence) +
                       " was given up here, but the centre had it already: it is in effect");
    }
  }
}

}  // namespace tillwire
