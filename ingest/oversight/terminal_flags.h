// Which flags a terminal has at a time, and what they mean. Pure.
#pragma once

#include <string>
#include <vector>

#include "ingest/oversight/terminal_record.h"

namespace tillwire {

// What the register knows of a terminal beside its record.
struct TerminalPresence {
  std::size_t instances = 0;              // processes with a stream open
  std::optional<WallTime> overlap_since;  // that there have been two or more
};

struct RaisedFlag {
  TerminalFlag flag = TerminalFlag::kUnspecified;
  WallTime since;
  std::optional<WallTime> ended;
};

// When a terminal is judged, and since when the centre has listened: while it did not, nobody was silent.
struct JudgedAt {
  WallTime now;
  WallTime listening_since;
};

// For so long after the centre's start no terminal is called silent: all of them come back first.
inline constexpr std::chrono::minutes kReturnTime{10};

// Worst first.
std::vector<RaisedFlag> RaisedFlags(const TerminalRecord& record, const TerminalPresence& presence,
                                    const FlagLimits& limits, const JudgedAt& when);

// As in the contract without its prefix: "GAP".
const char* TerminalFlagName(TerminalFlag flag);
// What exactly is the matter with this terminal, and what to do.
std::string FlagDetail(TerminalFlag flag, const TerminalRecord& record, const TerminalPresence& presence);
std::string FlagRemedy(TerminalFlag flag);

}  // namespace tillwire
