// How commands that are no captures say what went wrong.
#pragma once

#include <string>

#include "core/result.h"

namespace tillwire {

// Of a command that only looks: "no status: MESSAGE; HINT". An answer that did not come is only that. Gives
// the exit code.
int ReportNoAnswer(const std::string& what, Error error);

// Of a command that changes something: "not requeued: MESSAGE; HINT", or that it is unknown whether it is
// "requeued" and which command shows it. Gives the exit code.
int ReportNotDone(const std::string& done, const std::string& see, const Error& error);

}  // namespace tillwire
