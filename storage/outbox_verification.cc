#include "storage/outbox_verification.h"

#include <algorithm>
#include <utility>

#include "core/epoch.h"
#include "core/text.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

constexpr Position kPage = 512;  // events read between two steps

}  // namespace

const char* FindingKindName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kStructure:
      return "STRUCTURE";
    case FindingKind::kLog:
      return "LOG";
    case FindingKind::kEvent:
      return "EVENT";
    case FindingKind::kMissing:
      return "MISSING";
    case FindingKind::kChain:
      return "CHAIN";
    case FindingKind::kTables:
      return "TABLES";
    case FindingKind::kMark:
      return "MARK";
  }
  return "UNKNOWN";
}

void Verification::Add(Finding finding) {
  if (finding.range && !findings.empty() && findings.back().range) {
    Finding& before = findings.back();
    const bool goes_on = before.kind == finding.kind && before.text == finding.text &&
                         before.range->epoch == finding.range->epoch &&
                         before.range->last + 1 == finding.range->first;
    if (goes_on) {
      before.range->last = finding.range->last;
      return;
    }
  }
  ++all_findings;
  if (findings.size() < kMaxFindings) findings.push_back(std::move(finding));
}

Verification Outbox::Verify() {
  Verification verification;
  try {
    impl_->Verify(verification);
    const OutboxStatus status = Status();
    verification.pending = status.pending;
    verification.parked = status.parked;
    verification.delivered = status.delivered;
    verification.lost = status.lost;
    for (const EpochDigest& epoch : ReadDigest().epochs) {
      if (epoch.AddsUp()) continue;
      verification.Add({FindingKind::kTables,
                        "the counts of epoch " + EpochName(epoch.epoch) + " do not add up", std::nullopt});
    }
  } catch (const StorageFault& fault) {
    verification.Add({FindingKind::kStructure, fault.error().message, std::nullopt});
  } catch (const SQLite::Exception& exception) {
    verification.Add({FindingKind::kStructure, ErrorFromSqlite(exception).message, std::nullopt});
  }
  return verification;
}

void Outbox::Impl::Verify(Verification& verification) {
  verification.store_id = options.store_id;
  verification.terminal_id = options.terminal_id;
  verification.mark = high_water_mark->AtOpen();
  VerifyMark(verification);
  SQLite::Statement check(*database,
                          "PRAGMA integrity_check(" + std::to_string(Verification::kMaxFindings) + ")");
  for (StatementRun run(check); run.Step();) {
    if (const std::string line = run.Text(0); line != "ok")
      verification.Add({FindingKind::kStructure, Printable(line), std::nullopt});
  }
  VerifyEvents(verification);
  VerifyTables(verification);
}

void Outbox::Impl::VerifyMark(Verification& verification) {
  if (!verification.mark) {
    verification.Add({FindingKind::kMark, "there is no high-water mark that can be read", std::nullopt});
    return;
  }
  const RecordRef& mark = *verification.mark;
  const EpochRow* row = RowOf(mark.id.epoch);
  if (const auto beyond = BeyondFile()) {
    verification.Add({FindingKind::kMark, "captured, by the high-water mark, and not in the outbox",
                      FoundRange{beyond->epoch, beyond->first, beyond->last}});
  } else if (row == nullptr) {
    verification.Add(
        {FindingKind::kMark,
         "the high-water mark is in epoch " + EpochName(mark.id.epoch) + ", which the outbox does not know",
         std::nullopt});
  } else if (!row->retained && mark.id.sequence == last_position - row->base && mark.hash != head) {
    verification.Add({FindingKind::kMark, "the high-water mark names it with another hash",
                      FoundRange{mark.id.epoch, mark.id.sequence, mark.id.sequence}});
  }
}

// In pages, so that memory does not depend on the backlog.
void Outbox::Impl::VerifyEvents(Verification& verification) {
  std::optional<RecordRef> before;
  for (Position from = first_retained; from <= last_position; from += kPage) {
    const Position to = std::min(last_position, from + kPage - 1);
    Position next = from;
    const auto miss_before = [&](Position position) {
      for (; next < position; ++next) {
        before.reset();
        if (delivered.Contains(next) || tombstoned.Contains(next)) continue;
        const RecordId id = IdOf(next);
        verification.Add(
            {FindingKind::kMissing, "its row is gone", FoundRange{id.epoch, id.sequence, id.sequence}});
      }
    };
    StatementRun run(statements->read_events);
    run.Bind(from).Bind(to);
    while (run.Step()) {
      const Position position = run.Unsigned(0);
      miss_before(position);
      ++next;
      ++verification.events;
      VerifyEvent(position, TryReadRow(run), before, verification);
    }
    miss_before(to + 1);
  }
}

// `before`: the event before it in its epoch, as far as that can be trusted; afterwards this one.
void Outbox::Impl::VerifyEvent(Position position, const std::optional<EventRow>& row,
                               std::optional<RecordRef>& before, Verification& verification) {
  const RecordId id = IdOf(position);
  const FoundRange here{id.epoch, id.sequence, id.sequence};
  const bool sound = row && row->record.HashMatches();
  // What was given up is known.
  if (!sound && !tombstoned.Contains(position)) {
    verification.Add({FindingKind::kEvent, "its bytes or values do not match its hash", here});
  }
  if (sound && id.sequence == 1 && row->record.previous_hash != RowOf(id.epoch)->genesis) {
    verification.Add({FindingKind::kChain, "it does not follow the beginning of its epoch", here});
  }
  if (sound && before && before->id.epoch == id.epoch && row->record.previous_hash != before->hash) {
    verification.Add({FindingKind::kChain, "it does not follow the event before it", here});
  }
  before.reset();
  if (sound) before = RecordRef{id, row->record.hash};
}

void Outbox::Impl::VerifyTables(Verification& verification) {
  const auto expect_none = [&](const char* sql, const char* text) {
    const std::int64_t found = database->execAndGet(sql).getInt64();
    if (found == 0) return;
    verification.Add({FindingKind::kTables, std::to_string(found) + " " + text, std::nullopt});
  };
  expect_none(
      "SELECT count(*) FROM lanes AS l LEFT JOIN (SELECT lane, max(position) AS last FROM events GROUP BY "
      "lane) AS e ON e.lane = l.lane WHERE e.last IS NOT l.position",
      "lanes do not name their last event");
  expect_none("SELECT count(DISTINCT lane) FROM events WHERE lane NOT IN (SELECT lane FROM lanes)",
              "lanes of events are not in the table of lanes");
  expect_none(
      "SELECT count(*) FROM idempotency AS i JOIN events AS e ON e.position = i.position WHERE e.event_id "
      "IS NOT i.event_id",
      "idempotency keys name another event than the one at their position");
  expect_none(
      "SELECT count(*) FROM idempotency WHERE position > (SELECT ifnull(max(position), 0) FROM events)",
      "idempotency keys name events that were never captured");
}

}  // namespace tillwire
