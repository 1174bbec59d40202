// What a program's command line says of itself. --help, the manual page and shell completion are all made of
// it.
#pragma once

#include <string>
#include <vector>

namespace tillwire {

// "bash, zsh or fish".
std::string OneOf(const std::vector<std::string>& words);

struct ExitNote {
  int code = 0;
  std::string meaning;
};

struct Example {
  std::string what;     // the situation, in a sentence without a full stop; may be empty
  std::string command;  // as typed, its lines divided by "\n"
};

// A name, and what it is: an environment variable, or a file.
struct Note {
  std::string name;
  std::string meaning;
};

struct CommandText {
  std::string name;         // as typed: "cancel"
  std::string summary;      // one line, with neither a program's name nor a full stop
  std::string description;  // paragraphs divided by "\n\n"; may be empty
  std::vector<ExitNote> exit_statuses;
  std::vector<Example> examples;
};

struct ProgramText {
  CommandText command;
  int section = 1;  // of the manual
  std::vector<Note> environment;
  std::vector<Note> files;
  std::vector<std::string> see_also;  // "tillwired(8)"
};

// An option, or an argument known by its place.
struct OptionModel {
  std::vector<std::string> names;  // "-f", "--follow"; "EVENT" for an argument known by its place
  std::string value;               // what it takes, as "FILE"; empty for a flag
  std::string help;                // one paragraph
  std::string default_value;       // empty if none is worth telling
  std::string environment;         // the variable that it is taken from, if any
  std::string group;               // the heading it stands under
  std::vector<std::string> choices;
  bool positional = false;
  bool required = false;

  [[nodiscard]] bool TakesValue() const { return !value.empty(); }
  // Whether its value is the path of something, by the word for the value.
  [[nodiscard]] bool TakesPath() const;
};

// A program, or one of its commands, as the line is parsed.
struct CommandModel {
  std::string name;  // as typed, from the program on: "tillwire config check"
  CommandText text;
  std::vector<OptionModel> options;    // of this command alone, without hidden ones
  std::vector<CommandModel> commands;  // without hidden ones
  bool needs_command = false;          // naming one of its commands is a must
};

struct ProgramModel {
  ProgramText text;
  CommandModel command;

  // The program's own options but --help and --version, which every command takes too.
  [[nodiscard]] std::vector<OptionModel> SharedOptions() const;
};

}  // namespace tillwire
