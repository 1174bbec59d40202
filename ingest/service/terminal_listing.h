// A page of OperationsService.ListTerminals.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "ingest/oversight/terminal_register.h"

namespace tillwire {

namespace v1 {
class ListTerminalsRequest;
class ListTerminalsResponse;
}  // namespace v1

// kInvalidArgument names the field.
Result<void> ListTerminals(const TerminalRegister& terminals, const v1::ListTerminalsRequest& request,
                           WallTime now, v1::ListTerminalsResponse& response);

}  // namespace tillwire
