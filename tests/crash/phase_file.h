// A file that the agent and a crash test both map: it says in which phase the agent is, also after it was
// killed, and lets the test widen a phase that is too short to be hit.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "agent/phase_probe.h"

namespace tillwire {

inline constexpr std::size_t kPhaseCount = 5;
inline constexpr std::array<const char*, kPhaseCount> kPhaseNames = {"before commit", "in commit",
                                                                     "before reply", "sending", "marking"};

class PhaseFile {
 public:
  // Creates the file if there is none. Throws std::system_error.
  explicit PhaseFile(const std::filesystem::path& path);
  ~PhaseFile();
  PhaseFile(const PhaseFile&) = delete;
  PhaseFile& operator=(const PhaseFile&) = delete;

  // -- The agent's side; any thread

  // Notes the phase. Stays in it for kLinger if the test asked for that.
  void Enter(AgentPhase phase);

  // -- The test's side

  static constexpr std::chrono::milliseconds kLinger{4};

  // Forgets what an earlier process noted. `linger_in`: the phase to stay in, if any.
  void Reset(std::optional<AgentPhase> linger_in);
  // The phase that a thread stays in, else the one entered last; nothing if none was since Reset().
  [[nodiscard]] std::optional<AgentPhase> Last() const;
  // How often a phase was entered since Reset().
  [[nodiscard]] std::uint64_t Entries(AgentPhase phase) const;

 private:
  struct Board {
    std::atomic<std::uint32_t> last;       // the phase's number from 1; 0: none
    std::atomic<std::uint32_t> linger_in;  // likewise
    std::atomic<bool> lingering;           // a thread stays in that phase; others pass unnoticed meanwhile
    std::array<std::atomic<std::uint64_t>, kPhaseCount> entries;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "two processes share these");

  Board* board_;
};

}  // namespace tillwire
