// --help, for people at a terminal of 80 columns.
#pragma once

#include <string>

#include "platform/command_line/command_text.h"

namespace tillwire {

// `command` is the program's own, or one of its commands.
std::string HelpText(const ProgramModel& program, const CommandModel& command);

// "tillwire show [options] EVENT", also for the manual page's synopsis.
std::string UsageLine(const CommandModel& command);

// "-f, --follow", "--server HOST:PORT".
std::string OptionLabel(const OptionModel& option);

// An option's meaning with whether it is required, its default and its environment variable, in one
// paragraph.
std::string OptionMeaning(const OptionModel& option);

// The headings of a command's options: arguments known by their place come first, under "Arguments", then
// what has a heading of its own, and last "Options".
std::vector<std::string> OptionGroups(const std::vector<OptionModel>& options);
std::string GroupOf(const OptionModel& option);

}  // namespace tillwire
