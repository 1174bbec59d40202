// What the uplink makes of the centre's answers to records and tombstones.
#include <algorithm>
#include <utility>

#include "agent/uplink/uplink_machine.h"
#include "core/epoch.h"

namespace tillwire {
namespace {

namespace act = uplink_action;

constexpr std::chrono::milliseconds kLeastRetry{10};
constexpr std::chrono::milliseconds kHeldRetry{30'000};

bool Settles(Disposition disposition) {
  return disposition == Disposition::kAccepted || disposition == Disposition::kDuplicate ||
         disposition == Disposition::kTombstoned || disposition == Disposition::kParked;
}

}  // namespace

void UplinkMachine::OnBatchResult(BootTime now, const BatchResult& result, UplinkActions& actions) {
  if (state_ != State::kStreaming || unanswered_.empty() || unanswered_.front().batch_id != result.batch_id) {
    EndStream(now, Nonsense("a result out of order"), actions);
    return;
  }
  const Unanswered sent = std::move(unanswered_.front());
  unanswered_.pop_front();
  if (result.results.size() != sent.positions.size() + sent.lost.size()) {
    EndStream(now, Nonsense("a result that does not fit its batch"), actions);
    return;
  }
  backoff_.Reset();
  last_answer_at_ = now;
  if (!sent.lost.empty()) {
    OnTombstoneResults(sent, result, actions);
    Pump(now, actions);
    return;
  }
  pace_.OnAnswer(now);
  std::vector<EventOutcome> outcomes;
  const RecordResult* conflict = nullptr;
  for (std::size_t i = 0; i < sent.positions.size(); ++i) {
    if (result.results[i].disposition == Disposition::kConflict && conflict == nullptr)
      conflict = &result.results[i];
    TakeResult(now, sent.positions[i], result.results[i], outcomes);
  }
  if (!outcomes.empty()) actions.emplace_back(act::ApplyOutcomes{std::move(outcomes)});
  if (conflict != nullptr) {
    Fork(sent.epoch, conflict->sequence, conflict->detail, actions);
    return;
  }
  Pump(now, actions);
}

// The stream ends here: what is still in flight under the old identities must not be answered.
void UplinkMachine::Fork(std::uint64_t epoch, std::uint64_t sequence, const std::string& detail,
                         UplinkActions& actions) {
  ResetStream();
  state_ = State::kForking;
  actions.emplace_back(act::CloseStream{});
  actions.emplace_back(act::MoveSuffix{epoch, "the centre has another record at sequence " +
                                                  std::to_string(sequence) + " of epoch " + EpochName(epoch) +
                                                  (detail.empty() ? "" : " (" + detail + ")")});
}

void UplinkMachine::TakeResult(BootTime now, Position position, const RecordResult& result,
                               std::vector<EventOutcome>& outcomes) {
  const auto flight = in_flight_.find(position);
  switch (result.disposition) {
    case Disposition::kAccepted:
    case Disposition::kDuplicate:
    case Disposition::kTombstoned:
      outcomes.push_back({position, result});
      break;
    case Disposition::kParked:
      // A page that was read before this is noted may still hold it: it must not be sent again.
      flight->second.parked = true;
      outcomes.push_back({position, result});
      break;
    case Disposition::kRetry:
      if (const auto& awaits = flight->second.awaits; !result.lane_held || !awaits || OnItsWay(*awaits)) {
        // Where it is held although this side takes its predecessor to be resolved, time or a reconnection
        // must tell.
        deferred_[position] =
            now + (result.lane_held ? kHeldRetry : std::max(result.retry_delay, kLeastRetry));
      }
      in_flight_.erase(flight);
      break;
    case Disposition::kUnspecified:  // an answer of a later version
      deferred_[position] = now + kHeldRetry;
      in_flight_.erase(flight);
      break;
    case Disposition::kConflict:
      in_flight_.erase(flight);
      break;
  }
}

// Whatever the centre answered, it knows now. A conflict means that another copy of this outbox has those
// sequences: what was lost here is not to be had, but an event that was given up here is still to be named,
// under an identity of its own, and its lane waits for that.
void UplinkMachine::OnTombstoneResults(const Unanswered& sent, const BatchResult& result,
                                       UplinkActions& actions) {
  act::MarkAnnounced announced;
  std::optional<std::size_t> forked;
  for (std::size_t i = 0; i < sent.lost.size(); ++i) {
    const Disposition disposition = result.results[i].disposition;
    if (disposition == Disposition::kDuplicate) {
      announced.safe.push_back(sent.lost[i].row);
    } else if (disposition == Disposition::kConflict && sent.lost[i].movable) {
      if (!forked) forked = i;
    } else if (disposition != Disposition::kRetry) {
      announced.rows.push_back(sent.lost[i].row);
    }
  }
  const bool progress = !announced.rows.empty() || !announced.safe.empty();
  if (progress) actions.emplace_back(std::move(announced));
  if (forked) {
    const Tombstone& tombstone = sent.lost[*forked].tombstone;
    return Fork(tombstone.epoch, tombstone.first, result.results[*forked].detail, actions);
  }
  if (!progress) return;
  losses_to_announce_ = true;  // those that did not fit
  SweepFrom(1);                // what waited for one of them may go now
}

UplinkActions UplinkMachine::OnOutcomesApplied(BootTime now, const std::vector<EventOutcome>& outcomes) {
  UplinkActions actions;
  for (const EventOutcome& outcome : outcomes) {
    if (Settles(outcome.result.disposition)) in_flight_.erase(outcome.position);
  }
  // What stood before a tombstone in its lane may be among them.
  if (std::exchange(losses_held_, false)) losses_to_announce_ = true;
  Pump(now, actions);
  // The queue has drained into an outbox that captures wait for.
  if (nearly_full_ && in_flight_.empty() && backlog_done_) MaintainSoon(now);
  return actions;
}

}  // namespace tillwire
