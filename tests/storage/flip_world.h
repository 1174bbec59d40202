// An outbox whose files are damaged, opened, and drained into the real acceptance: what became of each event
// that had been acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/lane.h"
#include "ingest/acceptance/acceptor.h"
#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_ledger.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

// How a run ended, as a whole.
enum class FlipOutcome {
  kIntact,    // nothing was noticed, and nothing is missing
  kSalvaged,  // the files were set aside, and every event carried over
  kReported,  // what is missing is named by its exact range, at the till and at the centre
  kRefused,   // the files stand as they are, and the error says why
  kResidual,  // missing and not named: the log was damaged, and the mark was older (rule 7)
};

struct FlipReport {
  FlipOutcome outcome = FlipOutcome::kIntact;
  std::vector<std::string> complaints;  // what must never be; empty
  std::uint64_t named = 0;              // events that are missing and named
  std::uint64_t residual = 0;           // events that are missing and not named, as rule 7 allows
  std::uint64_t reread = 0;             // events that a person had released and that are in effect again
};

class FlipWorld {
 public:
  // Makes the outbox: pending, delivered, parked, released and damaged events in two epochs, in the database
  // and in the log.
  FlipWorld();

  // Files by their name in the outbox's directory.
  using Files = std::map<std::string, std::string>;
  // As a killed agent leaves them; and the mark as it stood some captures before.
  [[nodiscard]] const Files& Killed() const { return killed_; }
  [[nodiscard]] const std::string& OlderMark() const { return older_mark_; }

  // Opens and drains an outbox of these files. `mark_is_older`: captures may be missing that it does not
  // know.
  FlipReport Run(const Files& files, bool mark_is_older);

 private:
  struct Acknowledged {
    RecordId id;
    std::string lane;
    std::string event;
    Uuid event_id;
  };
  class Centre;

  void Capture(const std::string& order, std::size_t lines);
  void Drain(Centre& centre, FlipReport& report);
  bool Connect(Centre& centre);
  enum class Sweep { kNothing, kProgress, kForked };
  Sweep AnnounceLosses(Centre& centre);
  Sweep SendPending(Centre& centre);
  void Judge(Centre& centre, const Files& before, bool mark_is_older, FlipReport& report);
  [[nodiscard]] Files CopyFiles() const;
  template <typename Body>
  auto Transact(Body body);

  const TempDirectory directory_;
  FaultyVfs disk_;
  FakeClock clock_;
  FakeRng rng_;
  UuidGenerator event_ids_{rng_};
  OutboxOptions options_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<Acknowledged> acknowledged_;
  std::set<std::size_t> given_up_;  // of those: released, or damaged before
  std::vector<ToCentre> sent_;      // before the damage, so that each run's centre has it
  Files killed_;
  std::string older_mark_;
  std::uint64_t older_sequence_ = 0;  // of that mark
};

}  // namespace tillwire
