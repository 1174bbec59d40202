// What the uplink does for an outbox whose disk can't be written.
#include <catch2/catch.hpp>

#include "tests/agent/uplink/terminal.h"
#include "tests/fakes/faulty_vfs.h"

namespace tillwire {
namespace {

using std::chrono::seconds;

// A terminal on the twin of a disk.
class FailingTerminal : public Terminal {
 public:
  FailingTerminal() : vfs_("failing-terminal") {
    harness.options.database.vfs = vfs_.Name();
    harness.Open();
  }
  ~FailingTerminal() { harness.Close(); }  // before its disk goes
  FailingTerminal(const FailingTerminal&) = delete;
  FailingTerminal& operator=(const FailingTerminal&) = delete;

  [[nodiscard]] FaultyDisk& Disk() { return vfs_.Disk(); }

 private:
  FaultyVfs vfs_;
};

TEST_CASE("a copy that is told to begin an epoch and can't write it sends what it holds all the same") {
  FailingTerminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:B", "2");
  const std::uint64_t epoch = terminal.harness.Status().epoch;
  terminal.Disk().FailAt(DiskFault::kReadOnly, 1, FaultyDisk::Lasting::kForEver);
  terminal.harness.Open();
  REQUIRE(terminal.harness.outbox->Trouble());

  const StartNewEpoch later_history{epoch, 3};
  terminal.Connect();
  terminal.Deliver(later_history);
  CHECK(terminal.machine->state() == UplinkMachine::State::kStreaming);
  terminal.Accept(terminal.Take());
  CHECK(terminal.harness.Status().pending == 0);
  CHECK(terminal.harness.Status().epoch == epoch);

  // Once it can be written, the next stream is told again.
  terminal.Disk().Heal();
  terminal.Advance(seconds(61));
  terminal.Capture("order:A", "3");
  CHECK_FALSE(terminal.harness.outbox->Trouble());
  terminal.Close({UplinkProblem::kUnreachable, "gone", "wait"});
  terminal.AdvanceToWakeup();
  terminal.Connect();
  terminal.Deliver(later_history);
  CHECK(terminal.harness.Status().epoch != epoch);
}

}  // namespace
}  // namespace tillwire
