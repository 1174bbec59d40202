// What is wrong with a command line, in our words.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace tillwire {

// What happened and what to do, without the program's name: "--nota is no option here; did you mean --note?".
// `root` is the app whose parse() threw the error.
std::string UsageErrorText(const CLI::App& root, const CLI::ParseError& error);

// What is wrong with a line that CLI11 finds right: an option that has taken the next option for its value.
// Nothing if it is right.
std::optional<std::string> MissingValueText(const CLI::App& root);

}  // namespace tillwire
