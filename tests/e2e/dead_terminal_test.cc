// A terminal is dead, and its disk is not: what it had still to send goes to the centre on a file. Nothing is
// lost, nothing is doubled, lanes keep their order, and should the terminal live again it finds that all of
// it is there.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_driver.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Each file of a folder with its content. The owner lock names who reads, and may change.
std::map<std::string, std::string> ContentOf(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() != ".lock") {
      files[entry.path().filename().string()] = ReadWholeFile(entry.path());
    }
  }
  return files;
}

class DeadTerminalRig : public StoreRig {
 public:
  DeadTerminalRig() { MakeKeys("export"); }

  void MakeKeys(const std::string& name) {
    const CommandOutcome made = RunCommand(
        kIngestdProgram, {"export-key", "create", "--private", Private(name), "--public", Public(name)});
    if (!made.status.Clean()) throw std::runtime_error("no keys were made: " + made.errors);
  }
  [[nodiscard]] std::string Private(const std::string& name = "export") const {
    return (scratch.Path() / (name + "-private.pem")).string();
  }
  [[nodiscard]] std::string Public(const std::string& name = "export") const {
    return (scratch.Path() / (name + "-public.pem")).string();
  }
  [[nodiscard]] std::string File() const { return (scratch.Path() / "till-3.export").string(); }

  CommandOutcome TryExport(const std::filesystem::path& directory) const {
    return RunCommand(kTillwireProgram, {"export", "--directory", directory.string(), "--to", File(), "--key",
                                         Public(), "--json"});
  }
  // Of the stopped agent.
  json Export() {
    const CommandOutcome outcome = TryExport(agent.OutboxDirectory());
    INFO(outcome.output << outcome.errors);
    REQUIRE(outcome.status.Clean());
    return json::parse(outcome.output);
  }

  [[nodiscard]] std::vector<std::string> ImportArguments(const std::string& server) const {
    return {"import", File(), "--key", Private(), "--server", server, "--json"};
  }
  CommandOutcome TryImport() const { return RunCommand(kIngestdProgram, ImportArguments(centre.Address())); }
  // Its report; the exit code must be that one.
  json Import(int code) const {
    const CommandOutcome outcome = TryImport();
    INFO(outcome.output << outcome.errors);
    REQUIRE(outcome.status.signal == 0);
    REQUIRE(outcome.status.code == code);
    return json::parse(outcome.output);
  }

  // Begins an import over the link, kills it as soon as the centre has taken a part more, and says how much
  // it has then.
  std::uint64_t ImportAndKill() {
    const std::uint64_t before = centre.Counts().accepted;
    const std::string log = (scratch.Path() / "import.log").string();
    ProcessOptions options;
    options.program = kIngestdProgram;
    options.arguments = ImportArguments("127.0.0.1:" + std::to_string(link.Port()));
    options.output = log;
    options.errors = log;
    Process importer = Process::StartTethered(options);
    const bool taken = WaitUntil(60s, [&] { return centre.Counts().accepted > before; });
    importer.Kill();
    INFO(ReadWholeFile(log));
    REQUIRE(taken);
    return centre.Counts().accepted;
  }

  TempDirectory scratch;
};

TEST_CASE_METHOD(DeadTerminalRig, "A dead terminal's backlog arrives on a file, once, and in order") {
  constexpr std::size_t kCaptures = 400;
  centre.Settings().max_lines = 2;
  centre.Settings().max_batch_records = 16;
  Start();
  StoreDayOptions day;
  day.captures = kCaptures;
  StoreDriver driver({agent.Socket()}, PlanStoreDay(day));
  driver.AllowUpTo(100);
  driver.Start();
  REQUIRE(WaitUntil(60s, [&] { return driver.Acknowledged() == 100; }));
  REQUIRE(agent.WaitForStatus(60s, [](const auto& status) {
    return status.outbox().delivered() > 0 && status.outbox().parked() > 0;
  }));
  link.Cut();
  driver.AllowUpTo(kCaptures);
  REQUIRE(WaitUntil(60s, [&] { return driver.Done(); }));
  driver.Finish();
  const v1::GetAgentStatusResponse last = agent.Status();
  agent.Kill();
  const std::uint64_t on_stream = centre.Counts().accepted;
  const auto disk = ContentOf(agent.OutboxDirectory());

  const json exported = Export();
  CHECK(ContentOf(agent.OutboxDirectory()) == disk);
  const std::uint64_t events = exported["events"];
  CHECK(events == last.outbox().pending() + last.outbox().parked());
  CHECK(exported["parked"] == last.outbox().parked());
  CHECK(exported["left_behind"]["delivered"] == last.outbox().delivered());
  CHECK(exported["tombstones"] == 0);
  struct stat status{};
  REQUIRE(stat(File().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(exported["bytes"] == static_cast<std::uint64_t>(status.st_size));

  // Killed in the middle, again and again: the link is slow, and each part is a call.
  link.Heal();
  link.SetLatency(50ms);
  std::uint64_t accepted = on_stream;
  for (int round = 0; round < 4; ++round) {
    const std::uint64_t now = ImportAndKill();
    CHECK(now > accepted);
    accepted = now;
  }
  link.SetLatency(0ms);

  const json first = Import(4);
  INFO(first.dump(2));
  CHECK(accepted - on_stream <
        events - first["parked"].get<std::uint64_t>() - first["held"].get<std::uint64_t>());
  CHECK(first["accepted"].get<std::uint64_t>() > 0);
  CHECK(first["duplicates"].get<std::uint64_t>() >= accepted - on_stream);
  CHECK(first["parked"].get<std::uint64_t>() >= last.outbox().parked());
  CHECK(first["conflicts"] == 0);
  CHECK(first["accepted"].get<std::uint64_t>() + first["duplicates"].get<std::uint64_t>() +
            first["parked"].get<std::uint64_t>() + first["held"].get<std::uint64_t>() ==
        events);
  const CentreCounts after_first = centre.Counts();
  const json second = Import(4);
  CHECK(second["accepted"] == 0);
  CHECK(second["parked"] == first["parked"]);
  CHECK(second["held"] == first["held"]);
  CHECK(centre.Counts().accepted == after_first.accepted);
  CHECK(centre.Counts().parked == after_first.parked);
  CHECK(centre.Counts().imported == after_first.accepted - on_stream);

  // The cause is dealt with, and the file imported again.
  centre.Stop();
  centre.Settings().max_lines = 500;
  StartCentre();
  const json complete = Import(0);
  CHECK(complete["complete"] == true);
  CHECK(complete["accepted"] == first["parked"].get<std::uint64_t>() + first["held"].get<std::uint64_t>());
  const std::vector<LedgerEntry> ledger = centre.Ledger();
  const GuaranteeReport report = CheckGuarantee(driver.Log(), ledger);
  INFO(report.Findings());
  CHECK(report.Holds());
  CHECK(report.acknowledged == kCaptures);
  CHECK(report.at_centre == kCaptures);
  CHECK(report.holes == 0);
  CHECK(driver.Complaints().empty());
  const std::string export_id = exported["export_id"];
  const auto imported = std::ranges::count(ledger, export_id, &LedgerEntry::export_id);
  CHECK(static_cast<std::uint64_t>(imported) == kCaptures - on_stream);
  CHECK(centre.Counts().imported == kCaptures - on_stream);
  const CommandOutcome listed = RunCommand(
      kIngestdProgram,
      {"events", "--server", centre.Address(), "--after", std::to_string(ledger.size() - 1), "--json"});
  CHECK(json::parse(listed.output)["via"] == "import");

  // The terminal lives again.
  agent.Start();
  REQUIRE(agent.WaitUntilDrained());
  CHECK(agent.Status().outbox().parked() == 0);
  CHECK(agent.Status().outbox().delivered() == kCaptures);
  CHECK(centre.Ledger().size() == kCaptures);
  CHECK(centre.Counts().conflicts == 0);
  CHECK(centre.Counts().parked == 0);
  CaptureOrders(agent, "AFTER-", 1);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(centre.Ledger().size() == kCaptures + 1);
}

TEST_CASE_METHOD(DeadTerminalRig, "A file that comes after the terminal does brings duplicates alone") {
  Start();
  REQUIRE(agent.WaitUntilConnected());
  link.Cut();
  CaptureOrders(agent, "W-", 5);
  agent.Kill();
  CHECK(Export()["events"] == 5);
  link.Heal();
  agent.Start();
  REQUIRE(agent.WaitUntilDrained());
  const json report = Import(0);
  CHECK(report["accepted"] == 0);
  CHECK(report["duplicates"] == 5);
  CHECK(centre.Ledger().size() == 5);
  CHECK(centre.Counts().imported == 0);
}

TEST_CASE_METHOD(DeadTerminalRig, "What a person gave up goes along, and its lane goes on") {
  centre.Settings().max_lines = 3;
  Start();
  const Result<CaptureReply> long_order = agent.Client().Capture(Cancellation("LONG", 5));
  REQUIRE(long_order.ok());
  REQUIRE(agent.WaitForStatus(30s, [](const auto& status) { return status.outbox().parked() == 1; }));
  link.Cut();
  const Result<CaptureReply> clear = agent.Client().Capture(ClearAfter(long_order->event_id, "STG-A-01"));
  REQUIRE(clear.ok());
  const CommandOutcome released = agent.RunCli(
      {"release", long_order->event_id, "--operator-id", "117", "--reason", "entered by hand", "--yes"});
  INFO(released.errors);
  REQUIRE(released.status.Clean());
  agent.Kill();
  const json exported = Export();
  CHECK(exported["events"] == 1);
  CHECK(exported["tombstones"] == 1);
  const json report = Import(0);
  CHECK(report["accepted"] == 1);
  CHECK(report["tombstones_taken"] == 1);
  CHECK(EventIds(centre.Ledger()) == std::vector<std::string>{clear->event_id});
  CHECK(centre.Counts().parked == 0);
  CHECK(centre.Counts().tombstoned == 1);
}

TEST_CASE_METHOD(DeadTerminalRig,
                 "What can't be exported is refused with its reason, and nothing is written") {
  StartCentre();
  agent.Start();
  CaptureOrders(agent, "W-", 2);
  const auto refused = [&](const CommandOutcome& outcome, int code, const std::string& why) {
    INFO(outcome.output << outcome.errors);
    CHECK(outcome.status.code == code);
    CHECK_THAT(outcome.errors, Catch::Contains(why));
    CHECK(outcome.output.empty());
    CHECK_FALSE(std::filesystem::exists(File()));
  };
  refused(TryExport(agent.OutboxDirectory()), 1, "in use by process " + std::to_string(agent.Pid()));
  agent.Stop();
  refused(TryExport(scratch.Path()), 1, "no outbox in");
  std::filesystem::copy_file(Private(), Public(), std::filesystem::copy_options::overwrite_existing);
  refused(TryExport(agent.OutboxDirectory()), 2, "private key");
}

TEST_CASE_METHOD(DeadTerminalRig, "A file that is not in order is refused, and nothing is taken in") {
  agent.Start();
  CaptureOrders(agent, "W-", 20);
  agent.Stop();
  Export();
  centre.Settings().allowed_stores = {"0042"};
  StartCentre();
  const std::string whole = ReadWholeFile(File());
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const std::string& why) {
    const CommandOutcome outcome = RunCommand(kIngestdProgram, arguments);
    INFO(outcome.output << outcome.errors);
    CHECK(outcome.status.code == code);
    CHECK_THAT(outcome.errors, Catch::Contains(why));
    CHECK(outcome.output.empty());
    CHECK(centre.Ledger().empty());
  };
  const auto arguments = ImportArguments(centre.Address());
  MakeKeys("other");
  refused({"import", File(), "--key", Private("other"), "--server", centre.Address()}, 2,
          "is sealed for the key");
  WriteWholeFile(File(), whole.substr(0, whole.size() / 2));
  refused(arguments, 2, "cut off");
  std::string altered = whole;
  altered[altered.size() - 100] = static_cast<char>(altered[altered.size() - 100] ^ 1);
  WriteWholeFile(File(), altered);
  refused(arguments, 2, "was altered");
  WriteWholeFile(File(), "position,event\n");
  refused(arguments, 2, "is no export file");
  // One of two: neither is taken in.
  const std::string good = (scratch.Path() / "good.export").string();
  WriteWholeFile(good, whole);
  refused({"import", good, File(), "--key", Private(), "--server", centre.Address()}, 2, "is no export file");
  WriteWholeFile(File(), whole);

  centre.Stop();
  centre.Settings().allowed_stores = {"0099"};
  StartCentre();
  refused(ImportArguments(centre.Address()), 2, "allowed_stores");
  const std::string gone = centre.Address();
  centre.Stop();
  CHECK(RunCommand(kIngestdProgram, ImportArguments(gone)).status.code == 3);
  const CommandOutcome checked =
      RunCommand(kIngestdProgram, {"import", "--check", File(), "--key", Private()});
  CHECK(checked.status.Clean());
  CHECK_THAT(checked.output, Catch::Contains("holds 20 events"));
}

TEST_CASE_METHOD(DeadTerminalRig, "The disk of another machine is exported from a read-only mount") {
  StartCentre();
  link.Cut();
  agent.Start();
  CaptureOrders(agent, "W-", 3);
  agent.Kill();
  const auto disk = scratch.Path() / "disk";
  std::filesystem::copy(agent.OutboxDirectory(), disk, std::filesystem::copy_options::recursive);
  const std::string mount = "mount --bind '" + disk.string() + "' '" + disk.string() +
                            "' && mount -o remount,bind,ro '" + disk.string() + "'";
  if (geteuid() != 0 || !RunCommand("unshare", {"-m", "sh", "-c", mount}).status.Clean()) {
    WARN("no read-only mount can be made here; the disk stays writable");
    CHECK(TryExport(disk).status.Clean());
    return;
  }
  const std::string exporting = mount + " && exec " + kTillwireProgram + " export --directory '" +
                                disk.string() + "' --to '" + File() + "' --key '" + Public() + "'";
  const CommandOutcome exported = RunCommand("unshare", {"-m", "sh", "-c", exporting});
  INFO(exported.output << exported.errors);
  REQUIRE(exported.status.Clean());
  CHECK_THAT(exported.output, Catch::Contains("3 events"));
  CHECK_THAT(exported.output, Catch::Contains("sequences 1 to 3"));
  CHECK(Import(0)["accepted"] == 3);
}

}  // namespace
}  // namespace tillwire
