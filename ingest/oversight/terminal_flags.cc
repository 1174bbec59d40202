#include "ingest/oversight/terminal_flags.h"

#include <algorithm>

#include "core/epoch.h"
#include "core/figures.h"

namespace tillwire {
namespace {

class Judge {
 public:
  Judge(const TerminalRecord& record, const FlagLimits& limits, const JudgedAt& when)
      : record_(record), limits_(limits), when_(when) {}

  // It counts once it has lasted for some time.
  void RaiseLasting(TerminalFlag flag, std::chrono::milliseconds after) {
    const auto noticed = record_.noticed.find(flag);
    if (noticed == record_.noticed.end()) return;
    if (when_.now - noticed->second.since >= after) Raise(flag, noticed->second.since);
  }

  // It happened, and is shown for a while.
  void RaiseHappened(TerminalFlag flag) {
    const auto noticed = record_.noticed.find(flag);
    if (noticed == record_.noticed.end()) return;
    const FlagState& state = noticed->second;
    if (when_.now - state.ended.value_or(state.since) < limits_.keep_flags)
      Raise(flag, state.since, state.ended);
  }

  void Raise(TerminalFlag flag, WallTime since, std::optional<WallTime> ended = std::nullopt) {
    raised_.push_back({flag, since, ended});
  }

  std::vector<RaisedFlag> Raised() && { return std::move(raised_); }

 private:
  const TerminalRecord& record_;
  const FlagLimits& limits_;
  const JudgedAt& when_;
  std::vector<RaisedFlag> raised_;
};

std::string MissingText(const EpochRecord& epoch) {
  const std::string events =
      Counted(epoch.Unexplained(), "event") + " of epoch " + EpochName(epoch.digest.epoch);
  std::string ranges;
  for (const Interval& range : epoch.facts.missing_ranges) {
    ranges += (ranges.empty() ? "" : ", ") + SequencesText(range.first, range.last);
  }
  const std::string not_here = ranges.empty() ? "" : " (not here: " + ranges + ")";
  if (epoch.abandoned_since) return "the terminal no longer has " + events + " that waited there" + not_here;
  if (epoch.facts.missing_resolved > 0 || epoch.facts.missing > epoch.digest.pending) {
    return "the terminal holds " + events + " to be delivered" + not_here;
  }
  if (epoch.facts.hash_differs) {
    return "epoch " + EpochName(epoch.digest.epoch) + " ends with another record at the terminal than here";
  }
  return "the terminal's counts of epoch " + EpochName(epoch.digest.epoch) + " do not add up";
}

std::string GapDetail(const TerminalRecord& record) {
  std::string text;
  for (const EpochRecord& epoch : record.epochs) {
    if (epoch.Unexplained() > 0) text += (text.empty() ? "" : "; ") + MissingText(epoch);
  }
  return text;
}

std::string LostDetail(const TerminalRecord& record) {
  std::uint64_t lost = 0;
  std::uint64_t damaged = 0;
  for (const EpochRecord& epoch : record.epochs) {
    lost += epoch.digest.lost;
    damaged += epoch.digest.damaged;
  }
  return Counted(lost, "event") + " lost, " + Counted(damaged, "event") + " damaged, in all";
}

std::string Span(std::chrono::milliseconds span) {
  return SpanInWords(std::chrono::duration_cast<std::chrono::seconds>(span));
}

std::string NoticedDetail(TerminalFlag flag, const TerminalRecord& record) {
  const auto noticed = record.noticed.find(flag);
  return noticed == record.noticed.end() ? std::string() : noticed->second.detail;
}

}  // namespace

std::vector<RaisedFlag> RaisedFlags(const TerminalRecord& record, const TerminalPresence& presence,
                                    const FlagLimits& limits, const JudgedAt& when) {
  using enum TerminalFlag;
  Judge judge(record, limits, when);
  judge.RaiseLasting(kGap, limits.gap_after);
  judge.RaiseHappened(kLost);
  if (presence.overlap_since && when.now - *presence.overlap_since >= limits.duplicate_after) {
    judge.Raise(kDuplicate, *presence.overlap_since);
  } else {
    judge.RaiseHappened(kDuplicate);
  }
  judge.RaiseHappened(kNewEpoch);
  const auto all_back = std::min<std::chrono::milliseconds>(kReturnTime, limits.silent_after);
  if (presence.instances == 0 && when.now - record.last_seen >= limits.silent_after &&
      when.now - when.listening_since >= all_back) {
    judge.Raise(kSilent, record.last_seen);
  }
  if (record.digest && record.digest->oldest_pending_age && record.Waiting() > 0) {
    const WallTime since = record.digest_at - *record.digest->oldest_pending_age;
    if (when.now - since >= limits.backlog_after) judge.Raise(kBacklog, since);
  }
  judge.RaiseLasting(kBadFiles, std::chrono::milliseconds(0));
  judge.RaiseLasting(kClock, std::chrono::milliseconds(0));
  return std::move(judge).Raised();
}

const char* TerminalFlagName(TerminalFlag flag) {
  switch (flag) {
    case TerminalFlag::kUnspecified:
      return "UNSPECIFIED";
    case TerminalFlag::kGap:
      return "GAP";
    case TerminalFlag::kLost:
      return "LOST";
    case TerminalFlag::kDuplicate:
      return "DUPLICATE";
    case TerminalFlag::kNewEpoch:
      return "NEW_EPOCH";
    case TerminalFlag::kSilent:
      return "SILENT";
    case TerminalFlag::kBacklog:
      return "BACKLOG";
    case TerminalFlag::kBadFiles:
      return "BAD_FILES";
    case TerminalFlag::kClock:
      return "CLOCK";
  }
  return "UNSPECIFIED";
}

std::string FlagDetail(TerminalFlag flag, const TerminalRecord& record, const TerminalPresence& presence) {
  switch (flag) {
    case TerminalFlag::kGap:
      return GapDetail(record);
    case TerminalFlag::kLost:
      return LostDetail(record);
    case TerminalFlag::kDuplicate:
      if (presence.overlap_since)
        return std::to_string(presence.instances) + " processes speak for this terminal";
      return NoticedDetail(flag, record);
    case TerminalFlag::kNewEpoch:
      return NoticedDetail(flag, record);
    case TerminalFlag::kSilent:
      return "nothing was heard of it since then";
    case TerminalFlag::kBacklog:
      return Counted(record.Waiting(), "event") + " pending there, " + Counted(record.Parked(), "event") +
             " parked";
    case TerminalFlag::kBadFiles:
      return Counted(record.digest ? record.digest->spool_bad : 0, "file") + " in the spool's bad/";
    case TerminalFlag::kClock:
      return "its clock is " + Span(std::chrono::abs(record.clock_skew)) +
             (record.clock_skew.count() < 0 ? " behind" : " ahead") +
             (record.digest && record.digest->clock_synchronized ? "" : ", and not synchronized");
    case TerminalFlag::kUnspecified:
      break;
  }
  return {};
}

std::string FlagRemedy(TerminalFlag flag) {
  switch (flag) {
    case TerminalFlag::kGap:
      return "compare with the store what was done at that terminal and is not here (tillwire-ingestd events "
             "--terminal); keep its old outbox files, or a copy that may still live: what they hold can "
             "still come";
    case TerminalFlag::kLost:
      return "tillwire status at the terminal names the sequences and the cause; have the actions captured "
             "again, "
             "and look at its disk";
    case TerminalFlag::kDuplicate:
      return "find the other machine, stop its tillwired, and give it a terminal_id and an outbox of its "
             "own; if an "
             "older copy of the outbox was put back, nothing more is to be done";
    case TerminalFlag::kNewEpoch:
      return "nothing, if the reason is known (a new disk, a new machine); else find out who replaced or "
             "copied the "
             "outbox";
    case TerminalFlag::kSilent:
      return "check that the terminal is switched on, its network, and tillwire status there; what it "
             "captures is "
             "safe with it meanwhile";
    case TerminalFlag::kBacklog:
      return "tillwire status and tillwire explain at the terminal say what its events wait for";
    case TerminalFlag::kBadFiles:
      return "tillwire status at the terminal lists them with their reasons; correct them and put them into "
             "new/ again";
    case TerminalFlag::kClock:
      return "set the terminal's clock, and have it synchronized (timedatectl)";
    case TerminalFlag::kUnspecified:
      break;
  }
  return {};
}

}  // namespace tillwire
