// What the centre knows of each terminal: when it was heard, how it counts, what is missing.
//
// The register lives in memory; the ledger keeps a copy of each record, which is written some time after it
// changed, many together, so that ten thousand terminals that say how they stand each minute cost the log a
// commit every few seconds. What a crash takes of it, the next digest brings back.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/uuid.h"
#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_flags.h"
#include "ingest/oversight/terminal_record.h"

namespace tillwire {

// Any thread may call, but for what takes a transaction: that is called where the ledger is used. Times are
// the centre's.
class TerminalRegister {
 public:
  // Records that are written in one transaction, at most.
  static constexpr std::size_t kWriteLimit = 1024;
  // Terminals that CompareAway() compares, and looks at, in one call, at most.
  static constexpr std::size_t kCompareLimit = 64;
  static constexpr std::size_t kCompareLook = 4096;
  // Terminals that are remembered; further ones are served, but not watched over.
  static constexpr std::size_t kMaxTerminals = 200'000;
  // Epochs that are remembered of a terminal; of more the oldest that it has forgotten go first.
  static constexpr std::size_t kMaxEpochs = 2048;

  TerminalRegister(FlagLimits limits, WallTime started_at) : limits_(limits), started_at_(started_at) {}

  // Reads what the ledger keeps. A record that can't be read is left out, and comes back with its terminal.
  void Load(LedgerTransaction& ledger);

  // -- Streams

  void Opened(const StreamIdentity& identity, const Uuid& instance, const std::string& agent_version,
              WallTime now);
  void Closed(const StreamIdentity& identity, const Uuid& instance, WallTime now);
  // The terminal's history turned out to be another than the one that is here.
  void Forked(const StreamIdentity& identity, const std::string& detail, WallTime now);

  // -- Digests

  // What the ledger holds of the epochs that a terminal names now or ever named.
  using Comparison = std::map<std::uint64_t, EpochFacts>;
  [[nodiscard]] Comparison Compare(LedgerTransaction& ledger, const StreamIdentity& identity,
                                   const std::vector<EpochDigest>& named) const;
  // A digest came, and was compared.
  void Take(const StreamIdentity& identity, const Uuid& instance, const Digest& digest,
            const Comparison& comparison, WallTime now);
  // Whether events of the terminal were missing here when it was last compared.
  [[nodiscard]] bool MissesEvents(const StreamIdentity& identity) const;
  // Compares terminals that are not connected and lack events here, kCompareLimit at most, in turn: an export
  // file may have brought them.
  using Comparisons = std::vector<std::pair<StreamIdentity, Comparison>>;
  [[nodiscard]] Comparisons CompareAway(LedgerTransaction& ledger);
  // The terminal was compared again, by its last digest.
  void TakeAgain(const StreamIdentity& identity, const Comparison& comparison, WallTime now);

  // -- Keeping

  using Written = std::vector<std::pair<StreamIdentity, std::uint64_t>>;
  // Writes records that changed since they were written, kWriteLimit at most.
  Written WriteChanged(LedgerTransaction& ledger) const;
  // They are durable.
  void Confirm(const Written& written);

  // -- Looking

  struct Query {
    std::string store_id;                            // all if empty
    std::string terminal_id;                         // all if empty
    TerminalFlag flag = TerminalFlag::kUnspecified;  // with or without flags if unspecified
  };
  struct Seen {
    TerminalRecord record;
    TerminalPresence presence;
    std::vector<RaisedFlag> flags;
  };
  // How urgent a terminal is, and its name: the order of a list.
  struct Place {
    std::size_t urgency = 0;  // its worst flag's number; one more than the last where it has none
    StreamIdentity identity;

    auto operator<=>(const Place&) const = default;
  };
  struct Page {
    std::vector<Seen> terminals;
    std::optional<Place> last;  // where to go on; absent at the end
    std::uint64_t total = 0;    // that the query lets through
  };
  [[nodiscard]] Page List(const Query& query, const std::optional<Place>& after, std::size_t max_terminals,
                          WallTime now) const;
  // How many terminals have each flag; under kUnspecified those that have none.
  using FlagCounts = std::array<std::uint64_t, kTerminalFlags>;
  [[nodiscard]] FlagCounts CountFlags(WallTime now) const;

 private:
  struct Entry {
    TerminalRecord record;
    std::map<Uuid, std::size_t> instances;  // with open streams, and how many
    std::optional<WallTime> overlap_since;
    std::uint64_t version = 1;  // counts up with each change
    std::uint64_t written = 0;  // the version that the ledger keeps
  };

  // Null where there are too many terminals.
  Entry* Touch(const StreamIdentity& identity, WallTime now);
  static TerminalPresence PresenceOf(const Entry& entry) {
    return {entry.instances.size(), entry.overlap_since};
  }
  void TakeEpochs(TerminalRecord& record, const Uuid& instance, const Digest& digest, WallTime now);
  // Whether anything is new.
  static bool TakeFacts(TerminalRecord& record, const Comparison& comparison, WallTime now);
  static void Notice(TerminalRecord& record, TerminalFlag flag, bool holds, WallTime now);
  [[nodiscard]] std::vector<RaisedFlag> FlagsOf(const Entry& entry, WallTime now) const;

  const FlagLimits limits_;
  const WallTime started_at_;
  mutable std::mutex mutex_;
  std::map<StreamIdentity, Entry> entries_;
  StreamIdentity compared_through_;  // by CompareAway()
};

}  // namespace tillwire
