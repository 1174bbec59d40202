// The command line of a program: CLI11's tree of commands and options, with what people must be told about
// them. One tree is parsed, printed as --help, printed as the manual page, and turned into shell completion.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/command_line/command_text.h"

namespace tillwire {

// How every program of ours ends when its command line is at fault.
inline constexpr int kExitUsage = 2;

class CommandLine {
 public:
  // A program with --help and --version. Its own options, added to Root(), may stand behind a command too.
  explicit CommandLine(ProgramText text);

  CLI::App& Root() { return root_; }

  // A command of the program, or of one of its commands. It lives as long as this.
  CLI::App& Add(CommandText text) { return Add(root_, std::move(text)); }
  CLI::App& Add(CLI::App& parent, CommandText text);
  // Makes it an error to name none of a command's commands.
  static void RequireCommand(CLI::App& app) { app.require_subcommand(1); }

  // An option with one value of a few; another value is an error that lists them.
  CLI::Option* AddChoice(CLI::App& app, const std::string& name, std::string& target,
                         std::vector<std::string> choices, const std::string& help);
  // Offers values in shell completion without insisting on them: somebody else checks the option.
  void OfferChoices(const CLI::Option& option, std::vector<std::string> choices);

  // Nothing if the program shall go on with what was given. Else it was asked for help, its version or its
  // manual page, or the line is at fault: that has been printed, and this is the exit code.
  std::optional<int> Parse(int argc, const char* const* argv);

  [[nodiscard]] ProgramModel Model() const;

 private:
  [[nodiscard]] int RefuseUsage(const std::string& problem) const;
  [[nodiscard]] CommandModel ModelOf(const CLI::App& app, const std::string& prefix) const;
  [[nodiscard]] OptionModel ModelOf(const CLI::Option& option) const;

  const ProgramText text_;
  CLI::App root_;
  std::map<const CLI::App*, CommandText> commands_;
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
};

// The command that the line has chosen last, or the app itself.
const CLI::App& ChosenCommand(const CLI::App& app);

// One command of a program. Add() makes its CLI::App; Run() is for when the line has chosen it.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(app) {}
  virtual ~Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  [[nodiscard]] bool Chosen() const { return &ChosenCommand(Root()) == &app_; }
  // The program's exit code.
  [[nodiscard]] virtual int Run() const = 0;

 protected:
  CLI::App& App() { return app_; }

 private:
  [[nodiscard]] const CLI::App& Root() const;

  CLI::App& app_;
};

using Commands = std::vector<std::unique_ptr<Command>>;

// Runs the command that the line has chosen; nothing if it chose none of these.
std::optional<int> RunChosen(const Commands& commands);

}  // namespace tillwire
