// What a run has promised, and whether it was kept. It believes only what callers were told, and what stands
// in the ledger.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/uuid.h"
#include "ingest/ledger/ledger.h"
#include "storage/outbox.h"

namespace tillwire {

// One action of an associate. A caller without an answer repeats it with the same key, so it may have several
// event ids; at most one of them may take effect.
struct SimAction {
  std::string lane;
  std::set<Uuid> attempts;
  bool acknowledged = false;
  Uuid acknowledged_id;
  bool released = false;           // an operator gave it up
  bool recaptured = false;         // by files that may not have known it
  bool only_in_lost_file = false;  // it stood in nothing but a file that somebody replaced
};

// By their number.
using SimActions = std::map<std::uint64_t, SimAction>;

class SimOracle {
 public:
  // -- What callers see

  std::uint64_t NewAction(const std::string& lane);
  void NoteAttempt(std::uint64_t action, const Uuid& event_id, std::string bytes);
  void NoteAcknowledged(std::uint64_t action, const Uuid& event_id);
  void NoteReleased(const Uuid& event_id);
  // The caller repeats it to other files than before. If the centre has it, its place there is that of the
  // first capture, whatever was captured meanwhile.
  void NoteRecaptured(std::uint64_t action) { actions_.at(action).recaptured = true; }
  [[nodiscard]] const SimAction& Action(std::uint64_t number) const { return actions_.at(number); }
  [[nodiscard]] std::uint64_t Acknowledged() const { return acknowledged_; }

  // -- What happens to files

  // Somebody put an older outbox file in the place of one that held `held`; the older one holds `kept`.
  void NoteReplaced(const std::vector<std::uint64_t>& held, const std::vector<std::uint64_t>& kept,
                    bool mark_was_kept);

  // -- The ledger

  // After each commit of the centre: entries that are new. Finds doubled and altered events at once.
  void NoteEntry(const StoredEntry& entry);
  // The ledger was replaced by an older copy of itself: what it holds is told anew.
  void ForgetLedger();

  [[nodiscard]] bool InEffect(std::uint64_t action) const;
  // Whether it came after its sequence had been closed as lost, so that people must decide about it.
  [[nodiscard]] bool IsOffered(std::uint64_t action) const { return offered_.count(action) != 0; }

  // -- At the end, when everything has healed

  // `histories`: for each terminal's disk that lives, the actions that it captured (copies share a
  // beginning), in order.
  // `named_at_tills`: sequences that tills call lost, whatever the centre was told.
  void CheckEnd(const std::vector<std::vector<std::uint64_t>>& histories, std::uint64_t named_at_tills);
  void Complain(const std::string& what);

  [[nodiscard]] const std::vector<std::string>& Complaints() const { return complaints_; }
  // Of what only a replaced file held, mark and all: nobody can know of it.
  [[nodiscard]] std::uint64_t LostWithTheirFile() const { return lost_with_file_; }
  // Came after their sequence had been closed as lost: the centre keeps the bytes and asks people (rule 6).
  [[nodiscard]] std::uint64_t OfferedToPeople() const { return offered_to_people_; }
  [[nodiscard]] std::uint64_t EntriesInEffect() const { return position_in_effect_.size(); }

 private:
  SimActions actions_;
  std::map<Uuid, std::uint64_t> action_of_;
  std::map<std::string, std::uint64_t> action_of_bytes_;       // of each attempt
  std::map<std::uint64_t, std::uint64_t> position_in_effect_;  // by action
  std::set<std::uint64_t> offered_;
  std::uint64_t closed_sequences_ = 0;
  // Went with a file whose mark was kept: the centre must have closed a sequence for each.
  std::set<std::uint64_t> to_be_named_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t lost_with_file_ = 0;
  std::uint64_t offered_to_people_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace tillwire
