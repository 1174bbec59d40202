// A file that a program and a crash test both map: it says in which phase the program is, also after it was
// killed, and lets the test widen a phase that is too short to be hit. A phase is a number; the names are the
// test's.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace tillwire {

// The place of a phase in its enum.
template <typename Phase>
constexpr std::size_t PhaseNumber(Phase phase) {
  return static_cast<std::size_t>(phase);
}

class PhaseFile {
 public:
  // Creates the file if there is none. Throws std::system_error.
  explicit PhaseFile(const std::filesystem::path& path);
  ~PhaseFile();
  PhaseFile(const PhaseFile&) = delete;
  PhaseFile& operator=(const PhaseFile&) = delete;

  // -- The program's side; any thread

  // Notes the phase. Stays in it for kLinger if the test asked for that.
  void Enter(std::size_t phase);

  // -- The test's side

  static constexpr std::size_t kMaxPhases = 8;
  static constexpr std::chrono::milliseconds kLinger{4};

  // Forgets what an earlier process noted. `linger_in`: the phase to stay in, if any.
  void Reset(std::optional<std::size_t> linger_in);
  // The phase that a thread stays in, else the one entered last; nothing if none was since Reset().
  [[nodiscard]] std::optional<std::size_t> Last() const;
  // How often a phase was entered since Reset().
  [[nodiscard]] std::uint64_t Entries(std::size_t phase) const;

 private:
  struct Board {
    std::atomic<std::uint32_t> last;       // the phase's number from 1; 0: none
    std::atomic<std::uint32_t> linger_in;  // likewise
    std::atomic<bool> lingering;           // a thread stays in that phase; others pass unnoticed meanwhile
    std::array<std::atomic<std::uint64_t>, kMaxPhases> entries;
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "two processes share these");

  Board* board_;
};

}  // namespace tillwire
