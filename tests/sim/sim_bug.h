// Bugs that the simulator can plant in its copy of the system, to show that its checks would find them. They
// sit at the seams: the product has no switch for them.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace tillwire {

enum class SimBug {
  kNone,
  kAgentAnswersBeforeCommit,
  kAgentNeverSyncs,
  kAgentAnswersWhatItRefused,
  kAgentIgnoresMark,           // the high-water mark is thrown away at each start
  kAgentMarksWhenSent,         // delivered once it is sent
  kFailedSyncIgnored,          // by the agent: what was not synced counts as synced
  kConflictTakenForDuplicate,  // by the agent
  kRetryTakenForAccepted,
  kParkedTakenForAccepted,
  kWelcomeAddsOnly,     // what the centre no longer has stays delivered
  kForkMovesNothing,    // only a new epoch begins
  kLossesNotAnnounced,  // by the agent
  kLanesIgnored,        // on both sides
  kCentreAnswersBeforeCommit,
  kCentreNeverSyncs,
  kCentreForgetsRanges,  // at its restart: what was accepted before is taken anew
  kCentreForgetsMoves,   // and event ids: which identities were recaptured
  kCentreTrustsHashes,   // bytes are not checked against their hash, and one is altered now and then
  kBackupMarkTooHigh,    // more is called backed up than is
};

struct SimBugName {
  SimBug bug;
  const char* name;
  const char* what;
};

// All but kNone.
std::span<const SimBugName> SimBugs();
std::optional<SimBug> FindSimBug(const std::string& name);

}  // namespace tillwire
