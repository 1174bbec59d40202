// A till's day on the twin of a disk, the same each time: captures, answers of the centre, parking,
// requeueing, releases, a fork, a new epoch and pruning. It can be broken off by the disk at any call, and
// checked then.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class ScriptedDay {
 public:
  // `disk_name` must be free among SQLite's VFSs.
  explicit ScriptedDay(const std::string& disk_name);

  [[nodiscard]] FaultyDisk& Disk() { return disk_.Disk(); }

  // From an empty disk to the day's end. False if the disk broke it off; the outbox is closed then.
  bool Run();
  // The machine is up again, whether or not it had lost power, and the outbox is opened. What Open() said.
  Result<void> Recover();
  void Close() { outbox_.reset(); }

  // What does not hold of the open outbox, in words; empty if all does: whatever was acknowledged is there,
  // unaltered, under its identity, in its order; nothing that was answered for is pending again but what the
  // centre would absorb; and the counts add up.
  [[nodiscard]] std::string Complaints();
  [[nodiscard]] std::size_t Acknowledged() const { return acknowledged_.size(); }

 private:
  struct Acknowledgement {
    Uuid event_id;
    std::string lane;
    std::string event;
  };

  void Capture(const std::string& lane);
  void Answer(Position position, Disposition disposition);
  // One transaction; a failed one throws.
  template <typename Body>
  void Transact(Body body);

  const TempDirectory directory_;
  FaultyVfs disk_;
  FakeClock clock_;
  FakeRng rng_;
  OutboxOptions options_;
  std::unique_ptr<Outbox> outbox_;
  UuidGenerator event_ids_{rng_};
  std::uint64_t captured_ = 0;
  std::vector<Acknowledgement> acknowledged_;  // in order
};

}  // namespace tillwire
