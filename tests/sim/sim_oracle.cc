#include "tests/sim/sim_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tillwire {

std::uint64_t SimOracle::NewAction(const std::string& lane) {
  const std::uint64_t number = actions_.size() + 1;
  actions_[number].lane = lane;
  return number;
}

void SimOracle::NoteAttempt(std::uint64_t action, const Uuid& event_id, std::string bytes) {
  SimAction& made = actions_.at(action);
  made.attempts.insert(event_id);
  action_of_bytes_[std::move(bytes)] = action;
  action_of_[event_id] = action;
}

void SimOracle::NoteAcknowledged(std::uint64_t action, const Uuid& event_id) {
  SimAction& made = actions_.at(action);
  if (made.attempts.count(event_id) == 0) {
    return Complain(fmt::format("action {} was answered with event {}, which is none of its own", action,
                                event_id.ToString()));
  }
  made.acknowledged = true;
  made.acknowledged_id = event_id;
  ++acknowledged_;
}

void SimOracle::NoteReleased(const Uuid& event_id) {
  const auto found = action_of_.find(event_id);
  if (found != action_of_.end()) actions_.at(found->second).released = true;
}

void SimOracle::NoteReplaced(const std::vector<std::uint64_t>& held, const std::vector<std::uint64_t>& kept,
                             bool mark_was_kept) {
  const std::set<std::uint64_t> still(kept.begin(), kept.end());
  for (const std::uint64_t number : held) {
    if (still.count(number) != 0) continue;
    actions_.at(number).only_in_lost_file = true;
    if (mark_was_kept && !InEffect(number)) to_be_named_.insert(number);
  }
}

void SimOracle::NoteEntry(const StoredEntry& entry) {
  if (entry.kind == EntryKind::kTombstone) {
    closed_sequences_ += entry.last_sequence - entry.sequence + 1;
    return;
  }
  const auto captured = action_of_bytes_.find(entry.event);
  if (entry.kind == EntryKind::kReappeared && captured != action_of_bytes_.end())
    offered_.insert(captured->second);
  if (entry.kind != EntryKind::kAccepted) return;
  if (captured == action_of_bytes_.end()) {
    return Complain(fmt::format("altered: position {} holds bytes that nobody captured (sequence {})",
                                entry.position, entry.sequence));
  }
  const auto [place, fresh] = position_in_effect_.emplace(captured->second, entry.position);
  if (!fresh) {
    Complain(fmt::format("doubled: action {} is in effect at positions {} and {}", captured->second,
                         place->second, entry.position));
  }
}

void SimOracle::ForgetLedger() {
  position_in_effect_.clear();
  offered_.clear();
  closed_sequences_ = 0;
}

bool SimOracle::InEffect(std::uint64_t action) const {
  return position_in_effect_.count(action) != 0;
}

void SimOracle::CheckEnd(const std::vector<std::vector<std::uint64_t>>& histories,
                         std::uint64_t named_at_tills) {
  std::uint64_t unnamed = 0;
  for (const auto& [number, action] : actions_) {
    if (!action.acknowledged || action.released || InEffect(number)) continue;
    if (offered_.count(number) != 0) {
      ++offered_to_people_;
    } else if (!action.only_in_lost_file) {
      Complain(fmt::format("lost: action {} ({}, event {}) was acknowledged and is not at the centre", number,
                           action.lane, action.acknowledged_id.ToString()));
    } else if (to_be_named_.count(number) != 0) {
      ++unnamed;
    } else {
      ++lost_with_file_;
    }
  }
  if (unnamed > closed_sequences_ + named_at_tills) {
    Complain(fmt::format(
        "not named: {} captures went with a file whose mark was kept, and {} sequences are closed", unnamed,
        closed_sequences_));
  }
  for (const std::vector<std::uint64_t>& history : histories) {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> last;  // action and position by lane
    for (const std::uint64_t number : history) {
      // A sequence that was closed as lost lets its lane go on, whatever stood before it: nobody knows what
      // did.
      if (offered_.count(number) != 0) last.erase(actions_.at(number).lane);
      const auto found = position_in_effect_.find(number);
      if (found == position_in_effect_.end()) continue;
      // Given up on one copy of an outbox, it may still come from another, whenever that is.
      if (actions_.at(number).released || actions_.at(number).recaptured) continue;
      auto& [before, position] = last[actions_.at(number).lane];
      if (found->second < position) {
        Complain(fmt::format("out of order: action {} took effect before action {} of its lane {}", number,
                             before, actions_.at(number).lane));
      }
      before = number;
      position = found->second;
    }
  }
}

void SimOracle::Complain(const std::string& what) {
  complaints_.push_back(what);
}

}  // namespace tillwire
