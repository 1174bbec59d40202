#include "tests/sim/sim_bug.h"

#include <array>

namespace tillwire {
namespace {

using enum SimBug;

constexpr std::array kBugs{
    SimBugName{kAgentAnswersBeforeCommit, "agent-answers-before-commit",
               "the caller hears of success too early"},
    SimBugName{kAgentNeverSyncs, "agent-never-syncs", "the outbox is written and not synced"},
    SimBugName{kAgentAnswersWhatItRefused, "agent-answers-what-it-refused",
               "a full disk is answered with success"},
    SimBugName{kAgentIgnoresMark, "agent-ignores-mark", "the high-water mark is thrown away at each start"},
    SimBugName{kAgentMarksWhenSent, "agent-marks-when-sent",
               "delivered is what was sent, not what was confirmed"},
    SimBugName{kFailedSyncIgnored, "failed-sync-ignored",
               "after a failed sync the agent goes on with its files, as if it had succeeded"},
    SimBugName{kConflictTakenForDuplicate, "conflict-taken-for-duplicate",
               "delivered without comparing hashes"},
    SimBugName{kRetryTakenForAccepted, "retry-taken-for-accepted",
               "a record that was put off counts as delivered"},
    SimBugName{kParkedTakenForAccepted, "parked-taken-for-accepted", "a refused record counts as delivered"},
    SimBugName{kWelcomeAddsOnly, "welcome-adds-only", "what the centre lost is not sent again"},
    SimBugName{kForkMovesNothing, "fork-moves-nothing", "a fork begins an epoch, and moves no event into it"},
    SimBugName{kLossesNotAnnounced, "losses-not-announced", "lost ranges are never told to the centre"},
    SimBugName{kLanesIgnored, "lanes-ignored", "neither side waits for a lane's predecessor"},
    SimBugName{kCentreAnswersBeforeCommit, "centre-answers-before-commit",
               "the agent hears of success too early"},
    SimBugName{kCentreNeverSyncs, "centre-never-syncs", "the ledger is written and not synced"},
    SimBugName{kCentreForgetsRanges, "centre-forgets-ranges", "a restart forgets what was accepted"},
    SimBugName{kCentreForgetsMoves, "centre-forgets-moves", "a moved event takes effect a second time"},
    SimBugName{kCentreTrustsHashes, "centre-trusts-hashes", "bytes altered on the way are taken"},
    SimBugName{kBackupMarkTooHigh, "backup-mark-too-high", "agents prune what no backup holds"},
};

}  // namespace

std::span<const SimBugName> SimBugs() {
  return kBugs;
}

std::optional<SimBug> FindSimBug(const std::string& name) {
  for (const SimBugName& bug : kBugs) {
    if (name == bug.name) return bug.bug;
  }
  return std::nullopt;
}

}  // namespace tillwire
