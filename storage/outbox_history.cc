// Epochs, forks, and what a Welcome changes.
#include <algorithm>

#include "core/epoch.h"
#include "core/figures.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr std::size_t kMovePage = 256;  // events rewritten between two reads of a move

std::string EncodeOrigin(const RecordRef& origin) {
  std::string bytes;
  for (const std::uint64_t value : {origin.id.epoch, origin.id.sequence}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  }
  bytes.append(origin.hash.AsBytes());
  return bytes;
}

}  // namespace

std::uint64_t Outbox::Impl::BeginEpoch(Position base, const Hash& previous_head, const std::string& why) {
  if (!epochs.empty() && !epochs.back().retained) {
    EpochRow& open = epochs.back();
    const std::uint64_t retained = base > open.base ? base - open.base : 0;
    CloseEpoch(open, retained, last_position > open.base ? last_position - open.base : 0, previous_head);
  }
  EpochRow row;
  row.ordinal = epochs.empty() ? 1 : epochs.back().ordinal + 1;
  row.epoch = rng.Next();
  row.base = base;
  row.why = why;
  row.genesis = GenesisHash(options.store_id, options.terminal_id, row.epoch, previous_head);
  SQLite::Statement insert(
      *database,
      "INSERT INTO epochs (ordinal, epoch, base, genesis, created_at, why) VALUES (?, ?, ?, ?, ?, ?)");
  StatementRun run(insert);
  run.Bind(std::uint64_t{row.ordinal}).Bind(row.epoch).Bind(row.base).Bind(row.genesis);
  run.Bind(ToMicros(clock.WallNow())).BindText(why).Execute();
  epochs.push_back(row);
  head = row.genesis;
  KeepEpochCopy();
  return row.epoch;
}

void Outbox::Impl::CloseEpoch(EpochRow& row, std::uint64_t retained, std::uint64_t issued,
                              const Hash& last_hash) {
  row.issued = std::max(row.issued, issued);
  row.retained = retained;
  row.last_hash = last_hash;
  SQLite::Statement update(*database,
                           "UPDATE epochs SET retained = ?, issued = ?, last_hash = ? WHERE ordinal = ?");
  StatementRun run(update);
  run.Bind(retained).Bind(row.issued).Bind(last_hash).Bind(std::uint64_t{row.ordinal}).Execute();
  KeepEpochCopy();
}

// On another page than the table: without its epoch's number no event can prove itself.
void Outbox::Impl::KeepEpochCopy() {
  WriteMeta(kEpochCopy, EncodeEpochs(epochs));
}

std::optional<std::uint64_t> Outbox::StartEpoch(const std::string& why) {
  if (impl_->trouble) return std::nullopt;
  impl_->AddIncident("captures go into a new epoch: " + why);
  return impl_->BeginEpoch(impl_->last_position, impl_->head, why);
}

std::vector<EpochSummary> Outbox::Epochs() {
  Impl& impl = *impl_;
  std::vector<EpochSummary> summaries;
  // Of epochs that the file has forgotten the centre may have what was lost here. The open epoch stays the
  // last one.
  SQLite::Statement forgotten(
      *impl.database, "SELECT DISTINCT epoch FROM lost_ranges WHERE epoch NOT IN (SELECT epoch FROM epochs)");
  for (StatementRun run(forgotten); run.Step();) {
    EpochSummary summary;
    summary.epoch = run.Unsigned(0);
    summaries.push_back(summary);
  }
  for (const EpochRow& row : impl.epochs) {
    EpochSummary summary;
    summary.epoch = row.epoch;
    summary.last = impl.EndOf(row) - row.base;
    if (summary.last > 0) summary.last_hash = row.retained ? row.last_hash : impl.head;
    const std::uint64_t pruned = impl.first_retained > row.base + 1 ? impl.first_retained - row.base - 1 : 0;
    summary.first_retained = std::min(pruned, summary.last) + 1;
    if (summary.first_retained > summary.last) {
      summary.hash_below_first_retained = summary.last_hash;
    } else if (summary.first_retained > 1) {
      StatementRun run(impl.statements->event_header);
      if (run.Bind(impl.first_retained).Step()) summary.hash_below_first_retained = run.HashAt(2);
    }
    summaries.push_back(summary);
  }
  return summaries;
}

// Whether this outbox and the centre agree about the history of `row` up to `sequence`. What was pruned had
// been confirmed, and its hashes are gone, but for the last.
bool Outbox::Impl::AgreesAt(const EpochRow& row, std::uint64_t sequence, const Hash& hash) {
  const Position position = row.base + sequence;
  if (position > EndOf(row)) return false;
  if (position + 1 < first_retained) return true;
  if (row.retained && sequence == *row.retained) return hash == row.last_hash;
  if (HashOf(position) == hash) return true;
  // Its own row may be damaged, or gone; the one after it knows its hash, too.
  StatementRun run(statements->event_header);
  return run.Bind(position + 1).Step() && run.HashAt(2) == hash;
}

void Outbox::Impl::ReconcileEpoch(EpochRow& row, const EpochState& state, WelcomeReport& report) {
  const Interval run{row.base + 1, EndOf(row)};
  IntervalSet confirmed;
  for (const AcceptedRange& range : state.accepted) {
    const std::uint64_t last = std::min(range.last, run.last - row.base);
    if (range.first > last || last != range.last || !AgreesAt(row, last, range.last_hash)) continue;
    confirmed.Add({row.base + range.first, row.base + last});
  }

  // What was delivered and is no longer confirmed.
  IntervalSet withdrawn;
  for (const auto& [first, last] : delivered.Ranges()) {
    if (last < run.first || first > run.last) continue;
    withdrawn.Add({std::max(first, run.first), std::min(last, run.last)});
  }
  for (const auto& [first, last] : confirmed.Ranges()) withdrawn.Remove({first, last});
  const std::uint64_t before = delivered.Count();
  for (const auto& [first, last] : withdrawn.Ranges()) RemoveDelivered({first, last});
  const std::uint64_t kept = before - withdrawn.Count();
  for (const auto& [first, last] : confirmed.Ranges()) {
    DropExceptions({first, last}, false);
    AddDelivered({first, last});
  }
  report.newly_delivered += delivered.Count() - kept;

  // What can't be sent again because it was pruned.
  for (const auto& [first, last] : withdrawn.Ranges()) {
    const Position pruned_last = std::min(last, first_retained - 1);
    if (last >= first_retained) report.pending_again += last - std::max(first, first_retained) + 1;
    if (first > pruned_last) continue;
    Tombstone tombstone;
    tombstone.epoch = row.epoch;
    tombstone.first = first - row.base;
    tombstone.last = pruned_last - row.base;
    if (pruned_last + 1 == first_retained) {
      StatementRun header(statements->event_header);
      if (header.Bind(first_retained).Step() && pruned_last < run.last)
        tombstone.last_hash = header.HashAt(2);
    }
    if (row.retained && tombstone.last == *row.retained) tombstone.last_hash = row.last_hash;
    tombstone.cause = "the centre lost it after it had confirmed it, and it is no longer retained here";
    DeclareLost(tombstone);
    AddIncident("the centre no longer has " + SequencesText(tombstone.first, tombstone.last) + " of epoch " +
                EpochName(row.epoch) + ", pruned here: lost");
    report.declared_lost += pruned_last - first + 1;
  }

  // Parked and tombstoned here, but not at the centre.
  IntervalSet listed_parked;
  for (const ResolvedSequence& parked_there : state.parked) {
    const Position position = row.base + parked_there.sequence;
    if (HashOf(position) == parked_there.hash) listed_parked.Add({position, position});
  }
  IntervalSet listed_tombstoned;
  for (const TombstonedRange& range : state.tombstoned) {
    listed_tombstoned.Add({row.base + range.first, row.base + range.last});
  }
  const auto withdraw = [&](const IntervalSet& here, const IntervalSet& there) {
    IntervalSet missing;
    for (const auto& [first, last] : here.Ranges()) {
      if (last < run.first || first > run.last) continue;
      missing.Add({std::max(first, run.first), std::min(last, run.last)});
    }
    for (const auto& [first, last] : there.Ranges()) missing.Remove({first, last});
    for (const auto& [first, last] : missing.Ranges()) {
      const std::uint64_t held = parked.Count() + tombstoned.Count();
      DropExceptions({first, last}, true);
      report.pending_again += held - parked.Count() - tombstoned.Count();
    }
  };
  withdraw(IntervalSet(parked), listed_parked);
  withdraw(IntervalSet(tombstoned), listed_tombstoned);

  // What is backed up: replaced by each Welcome, where the hashes agree.
  const bool agreed =
      state.backed_up_through > 0 && AgreesAt(row, state.backed_up_through, state.backed_up_hash);
  row.backed_up = agreed ? state.backed_up_through : 0;
  SQLite::Statement update(*database, "UPDATE epochs SET backed_up = ? WHERE ordinal = ?");
  StatementRun(update).Bind(row.backed_up).Bind(std::uint64_t{row.ordinal}).Execute();
}

WelcomeReport Outbox::Impl::ApplyWelcome(const Welcome& welcome) {
  WelcomeReport report;
  for (EpochRow& row : epochs) {
    EpochState state;
    for (const EpochState& candidate : welcome.epochs) {
      if (candidate.epoch == row.epoch) state = candidate;
    }
    ReconcileEpoch(row, state, report);
  }
  ReconcileLostRanges(welcome);
  return report;
}

WelcomeReport Outbox::ApplyWelcome(const Welcome& welcome) {
  return impl_->Watching([&] { return impl_->ApplyWelcome(welcome); });
}

MoveReport Outbox::Impl::MoveSuffix(std::uint64_t epoch, const std::string& why) {
  RequireWritable();
  const auto forked =
      std::find_if(epochs.begin(), epochs.end(), [&](const EpochRow& row) { return row.epoch == epoch; });
  MoveReport report;
  report.first_position = last_position + 1;
  if (forked == epochs.end()) return report;

  // What was given up here is not confirmed before its tombstone is.
  const Position first = std::min({FirstUnresolved(forked->base + 1), EndOf(*forked) + 1,
                                   FirstUnconfirmedGivenUp(epoch).value_or(last_position + 1)});
  const Position old_last = last_position;
  Hash new_head = head;
  if (first <= old_last) {
    StatementRun run(statements->event_header);
    run.Bind(first).Step();
    new_head = run.HashAt(2);
  }

  // First take them all out: delivered, parked and their identities.
  RemoveDelivered({first, old_last});
  DropExceptions({first, old_last}, /*keep_given_up=*/true);
  const std::vector<EpochRow> before = epochs;
  for (EpochRow& row : epochs) {
    if (EndOf(row) < first) continue;
    const std::uint64_t issued = row.retained ? row.issued : old_last - row.base;
    const std::uint64_t retained = first - 1 > row.base ? first - 1 - row.base : 0;
    CloseEpoch(row, retained, issued, retained > 0 ? new_head : row.genesis);
  }
  report.new_epoch = BeginEpoch(first - 1, new_head, why);
  report.first_position = first;
  const auto old_id = [&](Position position) {
    for (auto row = before.rbegin(); row != before.rend(); ++row) {
      const Position end = row->base + row->retained.value_or(old_last - row->base);
      if (position > row->base && position <= end) return RecordId{row->epoch, position - row->base};
    }
    return RecordId{};
  };

  // Then give them their new ones, in capture order: a predecessor has its new hash before its successor
  // needs it.
  for (Position from = first; from <= old_last; from += kMovePage) {
    std::vector<EventRow> page;
    {
      StatementRun run(statements->read_events);
      run.Bind(from).Bind(std::min(old_last, from + kMovePage - 1));
      while (run.Step()) page.push_back(ReadRow(run));
    }
    for (EventRow& row : page) {
      Record& record = row.record;
      const RecordRef old{old_id(row.position), record.hash};
      const bool moved_predecessor = row.predecessor && *row.predecessor >= first;
      Record as_was = record;
      as_was.id = old.id;
      if (moved_predecessor) {
        as_was.lane_predecessor->id = old_id(*row.predecessor);
        record.lane_predecessor->hash = RequireHashOf(*row.predecessor);
      }
      const bool damaged = !as_was.HashMatches();
      const bool given_up = tombstoned.Contains(row.position) || damaged;
      record.previous_hash = head;
      record.hash =
          RecordHash(record.id, record.lane, record.lane_predecessor, record.previous_hash, record.event);
      const std::string origin = EncodeOrigin(record.origin.value_or(old));
      std::optional<Hash> predecessor_hash;
      if (record.lane_predecessor) predecessor_hash = record.lane_predecessor->hash;
      StatementRun run(statements->update_identity);
      run.BindOptional(predecessor_hash)
          .Bind(record.previous_hash)
          .Bind(record.hash)
          .BindBlob(origin)
          .Bind(row.position)
          .Execute();
      head = record.hash;
      if (given_up) {
        std::string reason = kDamagedReason;
        std::string cause;
        if (StatementRun found(statements->find_exception); found.Bind(row.position).Step()) {
          reason = found.Text(1);
          cause = found.Text(2);
        }
        ForgetGivenUp(old.id);
        if (reason == kReleasedReason) {
          GiveUp(row.position, record, TombstoneKind::kReleased, cause);
        } else {
          DeclareDamaged(row.position, record);
        }
      }
      ++report.moved;
    }
  }
  AddIncident(Counted(report.moved, "event") + " moved into a new epoch: " + why);
  return report;
}

MoveReport Outbox::MoveSuffix(std::uint64_t epoch, const std::string& why) {
  return impl_->Watching([&] { return impl_->MoveSuffix(epoch, why); });
}

}  // namespace tillwire
