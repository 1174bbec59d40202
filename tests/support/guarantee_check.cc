#include "tests/support/guarantee_check.h"

#include <map>
#include <optional>
#include <set>

#include "core/interval_set.h"
#include "tests/support/event_facts.h"

namespace tillwire {
namespace {

constexpr std::size_t kFindingsOfAKind = 5;

std::string Name(RecordId id) {
  return std::to_string(id.sequence) + " of epoch " + std::to_string(id.epoch);
}

class Check {
 public:
  Check(const std::vector<AcknowledgedCapture>& log, const std::vector<LedgerEntry>& ledger)
      : log_(log), ledger_(ledger) {}

  GuaranteeReport Run() {
    report_.acknowledged = log_.size();
    CheckEffects();
    CheckAcknowledged();
    CheckLinks();
    CheckHoles();
    return std::move(report_);
  }

 private:
  struct Arrived {
    std::uint64_t position;
    EventFacts facts;
  };

  void Find(std::uint64_t& counter, const std::string& text) {
    if (++counter <= kFindingsOfAKind) {
      report_.findings.push_back(text);
    }
  }

  void CheckEffects() {
    std::set<std::string> keys;
    for (const LedgerEntry& entry : ledger_) {
      if (entry.kind != LedgerEntryKind::kAccepted) {
        continue;
      }
      ++report_.at_centre;
      std::optional<EventFacts> facts = ReadEventFacts(entry.event);
      if (!facts) {
        Find(report_.altered, "altered: record " + Name(entry.id) + " holds no event");
        continue;
      }
      const bool new_key = facts->idempotency_key.empty() || keys.insert(facts->idempotency_key).second;
      const std::string event_id = facts->event_id;
      const bool new_id = arrived_.emplace(event_id, Arrived{entry.position, std::move(*facts)}).second;
      if (!new_id || !new_key) {
        Find(report_.doubled,
             "doubled: event " + event_id + " at position " + std::to_string(entry.position));
      }
    }
  }

  void CheckAcknowledged() {
    std::map<std::string, std::uint64_t> last_position;
    std::set<std::string> acknowledged;
    for (const AcknowledgedCapture& capture : log_) {
      acknowledged.insert(capture.event_id);
      const auto found = arrived_.find(capture.event_id);
      if (found == arrived_.end()) {
        Find(report_.lost, "lost: event " + capture.event_id + " with key " + capture.idempotency_key);
        continue;
      }
      if (!found->second.facts.Records(capture.request_digest)) {
        Find(report_.altered, "altered: event " + capture.event_id + " with key " + capture.idempotency_key);
      }
      std::uint64_t& last = last_position[capture.lane];
      if (found->second.position < last) {
        Find(report_.out_of_order, "out of order: event " + capture.event_id + " in lane " + capture.lane);
      }
      last = std::max(last, found->second.position);
    }
    for (const auto& [event_id, arrived] : arrived_) {
      if (acknowledged.count(event_id) == 0) {
        Find(report_.unexpected, "not acknowledged to the driver: event " + event_id);
      }
    }
  }

  // Recomputes every hash. The ledger does not show lane predecessors: it is the lane's record before this
  // one there, since the centre accepts a lane's records in their order.
  void CheckLinks() {
    std::map<RecordId, Hash> hashes;
    for (const LedgerEntry& entry : ledger_) {
      hashes[entry.id] = entry.hash;
    }
    std::map<std::string, RecordRef> lane_heads;
    for (const LedgerEntry& entry : ledger_) {
      if (entry.kind != LedgerEntryKind::kAccepted) {
        continue;
      }
      std::optional<RecordRef> predecessor;
      if (const auto head = lane_heads.find(entry.lane); head != lane_heads.end()) {
        predecessor = head->second;
      }
      lane_heads[entry.lane] = {entry.id, entry.hash};
      if (RecordHash(entry.id, entry.lane, predecessor, entry.previous_hash, entry.event) != entry.hash) {
        Find(report_.broken_links,
             "broken: the hash of record " + Name(entry.id) + " is not that of its content");
      }
      const auto before = hashes.find({entry.id.epoch, entry.id.sequence - 1});
      if (before != hashes.end() && before->second != entry.previous_hash) {
        Find(report_.broken_links, "broken: record " + Name(entry.id) + " does not follow the one before it");
      }
    }
  }

  void CheckHoles() {
    std::map<std::uint64_t, IntervalSet> covered;
    for (const LedgerEntry& entry : ledger_) {
      covered[entry.id.epoch].Add({entry.id.sequence, std::max(entry.id.sequence, entry.last_sequence)});
    }
    for (const auto& [epoch, sequences] : covered) {
      const std::uint64_t holes = sequences.Ranges().rbegin()->second - sequences.Count();
      if (holes != 0) {
        report_.findings.push_back("holes: " + std::to_string(holes) + " in epoch " + std::to_string(epoch));
        report_.holes += holes;
      }
    }
  }

  const std::vector<AcknowledgedCapture>& log_;
  const std::vector<LedgerEntry>& ledger_;
  GuaranteeReport report_;
  std::map<std::string, Arrived> arrived_;
};

}  // namespace

std::string GuaranteeReport::Findings() const {
  std::string text;
  for (const std::string& finding : findings) {
    text += finding + "\n";
  }
  return text;
}

GuaranteeReport CheckGuarantee(const std::vector<AcknowledgedCapture>& log,
                               const std::vector<LedgerEntry>& ledger) {
  return Check(log, ledger).Run();
}

}  // namespace tillwire
