#include "agent/cli/verify_command.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/cli/exit_code.h"
#include "agent/cli/words.h"
#include "agent/offline/verify_outbox.h"
#include "core/epoch.h"
#include "core/text.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"

namespace tillwire {
namespace {

constexpr std::size_t kFindingsInWords = 50;

void PrintJson(const Verification& verification) {
  nlohmann::ordered_json line;
  line["sound"] = verification.Sound();
  line["store_id"] = verification.store_id;
  line["terminal_id"] = verification.terminal_id;
  line["events"] = verification.events;
  line["pending"] = verification.pending;
  line["parked"] = verification.parked;
  line["delivered"] = verification.delivered;
  line["lost"] = verification.lost;
  line["high_water_mark"] = nullptr;
  if (verification.mark) {
    line["high_water_mark"] = {{"epoch", EpochName(verification.mark->id.epoch)},
                               {"sequence", verification.mark->id.sequence}};
  }
  line["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : verification.findings) {
    nlohmann::ordered_json found;
    found["kind"] = FindingKindName(finding.kind);
    found["text"] = finding.text;
    if (finding.range) {
      found["epoch"] = EpochName(finding.range->epoch);
      found["first_sequence"] = finding.range->first;
      found["last_sequence"] = finding.range->last;
    }
    line["findings"].push_back(std::move(found));
  }
  line["findings_not_listed"] = verification.all_findings - verification.findings.size();
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

void PrintFindings(const Verification& verification) {
  std::size_t shown = 0;
  for (const Finding& finding : verification.findings) {
    if (++shown > kFindingsInWords) break;
    std::cout << "  " << FindingKindName(finding.kind) << ": ";
    if (finding.range) {
      std::cout << "epoch " << EpochName(finding.range->epoch) << ", "
                << SequencesText(finding.range->first, finding.range->last) << ": ";
    }
    std::cout << Printable(finding.text) << "\n";
  }
  if (verification.all_findings > kFindingsInWords) {
    std::cout << "  and " << verification.all_findings - kFindingsInWords << " more (--json lists them)\n";
  }
}

void PrintText(const std::string& directory, const Verification& verification) {
  std::cout << "Outbox " << Printable(directory);
  if (!verification.terminal_id.empty()) {
    std::cout << " of terminal " << Printable(verification.terminal_id) << " of store "
              << Printable(verification.store_id);
  }
  std::cout << (verification.Sound() ? " is sound\n" : " is damaged\n");
  PrintFindings(verification);
  std::cout << "Read: " << Counted(verification.events, "event") << "; " << verification.pending
            << " pending, " << verification.parked << " parked, " << verification.delivered << " delivered, "
            << verification.lost << " lost before\n";
  if (!verification.Sound()) {
    std::cout
        << "Next: copy the directory to another disk, have this one checked, and start the agent: it sets "
           "the damaged files aside, carries over what proves itself, and names the rest\n";
  }
}

CommandText Text() {
  return {"verify",
          "Check the whole outbox of a stopped agent: database, log, hash chain, high-water mark",
          "Reads everything there is, on this machine or on a disk that was taken out of another, also where "
          "that is mounted read-only, and changes nothing. An agent must not run on it meanwhile: a running "
          "agent checks what it reads by itself. What an agent can do about damage it does when it starts.",
          {{Code(ExitCode::kDone), "sound"},
           {Code(ExitCode::kRefused), "no outbox there, an agent runs on it, or its schema is newer"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "the disk can't be read"},
           {kDamagedExit, "damaged; each finding is named, with its sequences where it has some"}},
          {{"The outbox of this terminal, its agent stopped", "tillwire verify"},
           {"The disk of a dead terminal, mounted read-only at /mnt/till-3",
            "tillwire verify --directory /mnt/till-3/var/lib/tillwire --json"}}};
}

}  // namespace

VerifyCommand::VerifyCommand(CommandLine& line) : Command(line.Add(Text())) {
  App()
      .add_option("--directory", directory_, "The outbox: outbox.directory of the agent's configuration")
      ->type_name("DIR")
      ->capture_default_str();
  App().add_flag("--json", json_, "Say as JSON what was found");
}

int VerifyCommand::Run() const {
  const SystemClock clock;
  SystemRng rng;
  const auto verification = VerifyOutbox(directory_, clock, rng);
  if (!verification) {
    std::cerr << "not verified: " << verification.error().Text() << "\n";
    return Code(ExitCodeFor(verification.error().code));
  }
  if (json_) {
    PrintJson(*verification);
  } else {
    PrintText(directory_, *verification);
  }
  return verification->Sound() ? Code(ExitCode::kDone) : kDamagedExit;
}

}  // namespace tillwire
