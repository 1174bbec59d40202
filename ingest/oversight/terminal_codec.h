// A terminal's record, as the ledger keeps it and as OperationsService shows it: tillwire.v1.Terminal both
// times.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/oversight/terminal_flags.h"
#include "ingest/oversight/terminal_record.h"

namespace tillwire {

namespace v1 {
class Terminal;
}  // namespace v1

// For keeping: with everything that was noticed, whether it counts yet or not.
std::string EncodeRecord(const TerminalRecord& record);
// Nothing where the bytes are no such record.
std::optional<TerminalRecord> DecodeRecord(std::string_view bytes);

// For people and tools: with the flags that are raised.
void EncodeTerminal(const TerminalRecord& record, const TerminalPresence& presence,
                    const std::vector<RaisedFlag>& flags, v1::Terminal& wire);

}  // namespace tillwire
