// The manual page of a program, in the man(7) macros that every man understands.
#pragma once

#include <string>

#include "platform/command_line/command_text.h"

namespace tillwire {

std::string ManPage(const ProgramModel& program);

}  // namespace tillwire
