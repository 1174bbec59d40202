#include "agent/cli/export_command.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "agent/cli/exit_code.h"
#include "agent/cli/words.h"
#include "agent/offline/export_pending.h"
#include "agent/offline/stopped_outbox.h"
#include "core/epoch.h"
#include "core/text.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"

namespace tillwire {
namespace {

constexpr std::size_t kRunsInWords = 20;

// Captures that wait for an agent, and those that it has set aside.
struct SpoolFiles {
  std::uint64_t waiting = 0;
  std::uint64_t bad = 0;
};

std::uint64_t FilesIn(const std::filesystem::path& folder) {
  std::error_code failed;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && !name.ends_with(".reason")) ++count;
  }
  return count;
}

SpoolFiles CountSpool(const std::filesystem::path& folder) {
  return {FilesIn(folder / "new"), FilesIn(folder / "bad")};
}

struct Written {
  std::string file;  // empty if none was written
  std::string key;
  ExportReport report;
  std::string spool_folder;
  SpoolFiles spool;
};

void PrintJson(const Written& written) {
  const ExportHeader& header = written.report.header;
  nlohmann::ordered_json line;
  line["file"] = nullptr;
  if (!written.file.empty()) line["file"] = written.file;
  line["export_id"] = header.export_id.ToString();
  line["sealed_for"] = written.key;
  line["store_id"] = header.store_id;
  line["terminal_id"] = header.terminal_id;
  line["bytes"] = written.report.bytes;
  line["events"] = header.records;
  line["parked"] = written.report.parked;
  line["tombstones"] = header.tombstones;
  line["damaged"] = written.report.damaged;
  line["ranges"] = nlohmann::ordered_json::array();
  for (const ExportedRun& run : written.report.runs) {
    line["ranges"].push_back(
        {{"epoch", EpochName(run.epoch)}, {"first_sequence", run.first}, {"last_sequence", run.last}});
  }
  line["ranges_not_listed"] = written.report.all_runs - written.report.runs.size();
  if (header.missing) {
    line["missing"] = {{"epoch", EpochName(header.missing->epoch)},
                       {"first_sequence", header.missing->first},
                       {"last_sequence", header.missing->last}};
  }
  line["left_behind"] = {{"delivered", written.report.delivered},
                         {"spool_waiting", written.spool.waiting},
                         {"spool_bad", written.spool.bad}};
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

void PrintRuns(const ExportReport& report) {
  std::size_t shown = 0;
  for (const ExportedRun& run : report.runs) {
    if (++shown > kRunsInWords) break;
    std::cout << "  epoch " << EpochName(run.epoch) << ", " << SequencesText(run.first, run.last) << "\n";
  }
  if (report.all_runs > kRunsInWords) {
    std::cout << "  and " << report.all_runs - kRunsInWords << " more runs (--json lists them)\n";
  }
}

// What is not in the file, and what to do about it.
void PrintLeftBehind(const Written& written) {
  const ExportReport& report = written.report;
  std::cout << "Stays here: " << Counted(report.delivered, "event") << " that the centre has confirmed\n";
  if (const auto& missing = report.header.missing) {
    std::cout << "Missing: " << SequencesText(missing->first, missing->last) << " of epoch "
              << EpochName(missing->epoch)
              << " were captured, by the high-water mark, but the outbox file does not hold them. Look for a "
                 "newer copy of the directory (outbox.db-wal belongs to it)\n";
  }
  if (written.spool.waiting > 0) {
    std::cout << "Not in the file: " << Counted(written.spool.waiting, "capture") << " in "
              << written.spool_folder
              << "/new that no agent has taken. Move them into new/ of the spool of another terminal of this "
                 "store; its agent then captures them\n";
  }
  if (written.spool.bad > 0) {
    std::cout << "Not in the file: " << Counted(written.spool.bad, "file") << " in " << written.spool_folder
              << "/bad that could not be taken; the reason stands beside each\n";
  }
}

void PrintText(const Written& written) {
  const ExportReport& report = written.report;
  const ExportHeader& header = report.header;
  const std::string terminal =
      "terminal " + Printable(header.terminal_id) + " of store " + Printable(header.store_id);
  if (written.file.empty()) {
    std::cout << "Nothing waits for the centre on " << terminal << "; no file was written\n";
  } else {
    std::cout << "Wrote " << written.file << " (" << BytesInWords(report.bytes) << "), export "
              << header.export_id.ToString() << ", of " << terminal << "\n"
              << "Only the private key " << written.key << " opens it\n"
              << "In it: " << Counted(header.records, "event");
    if (report.parked > 0) std::cout << ", " << report.parked << " of them parked";
    std::cout << "; " << Counted(header.tombstones, "tombstone") << "\n";
    PrintRuns(report);
    if (report.damaged > 0) {
      std::cout << "Damaged on this disk: " << Counted(report.damaged, "event")
                << "; a tombstone closes the place of each. Capture those actions again\n";
    }
  }
  PrintLeftBehind(written);
  if (!written.file.empty()) {
    std::cout << "Next, at the centre: tillwire-ingestd import "
              << std::filesystem::path(written.file).filename().string() << " --key PRIVATE.pem\n";
  }
}

CommandText Text() {
  return {
      "export",
      "Write what a stopped agent still has for the centre onto a file, to be carried there",
      "For a terminal that is dead, or will not reach the centre: the file takes the way of the stream, and "
      "\"tillwire-ingestd import\" takes it in. It reads the outbox's directory itself, without an agent, on "
      "this machine or from a disk that was taken out of another, also where that is mounted read-only. The "
      "outbox is not changed: should the terminal live again, its agent finds that the centre has these "
      "events.\n\n"
      "The file is sealed with the centre's public key (\"tillwire-ingestd export-key create\"); only the "
      "holder of the private key can read it. It holds the pending and the parked events, and the sequences "
      "that were given up and the centre does not know of. It appears under its name whole, or not at all.",
      {{Code(ExitCode::kDone), "written, or nothing waits for the centre"},
       {Code(ExitCode::kRefused),
        "no outbox there, an agent runs on it, its schema is newer, or the file exists"},
       {Code(ExitCode::kBadInput), "bad input, or no such key"},
       {Code(ExitCode::kNotRecorded), "not written: a disk failed or is full"}},
      {{"A stick that is mounted at /mnt",
        "tillwire export --to /mnt/till-3.export --key /etc/tillwire/centre-export.pem"},
       {"The disk of a dead terminal, mounted read-only at /mnt/till-3",
        "tillwire export --directory /mnt/till-3/var/lib/tillwire \\\n"
        "  --to till-3.export --key centre-export.pem"}}};
}

int NotExported(const Error& error) {
  std::cerr << "not exported: " << error.Text() << "\n";
  return Code(ExitCodeFor(error.code));
}

}  // namespace

ExportCommand::ExportCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  App()
      .add_option("--directory", directory_, "The outbox: outbox.directory of the agent's configuration")
      ->type_name("DIR")
      ->capture_default_str();
  App().add_option("--to", file_, "The file to write; it must not exist")->type_name("FILE")->required();
  App().add_option("--key", key_, "The centre's public key (PEM)")->type_name("FILE")->required();
  App().add_flag("--json", json_, "Say as JSON what was written, and what was not");
}

std::string ExportCommand::SpoolFolder() const {
  return connection_.spool.empty() ? (std::filesystem::path(directory_) / "spool").string()
                                   : connection_.spool;
}

int ExportCommand::Run() const {
  const auto key = SealingKey::Load(key_);
  if (!key) {
    NotExported(key.error());
    return Code(ExitCode::kBadInput);
  }
  const SystemClock clock;
  SystemRng rng;
  const auto stopped = StoppedOutbox::Open(directory_, clock, rng);
  if (!stopped) return NotExported(stopped.error());
  auto report = ExportPending((*stopped)->Get(), file_, *key, clock, rng);
  if (!report) return NotExported(report.error());
  Written written;
  if (report->bytes > 0) written.file = file_;
  written.key = key->Fingerprint().ToHex().substr(0, 16);
  written.report = *std::move(report);
  written.spool_folder = SpoolFolder();
  written.spool = CountSpool(written.spool_folder);
  if (json_) {
    PrintJson(written);
  } else {
    PrintText(written);
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
