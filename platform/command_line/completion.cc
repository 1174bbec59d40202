#include "platform/command_line/completion.h"

#include <iostream>
#include <sstream>

namespace tillwire {
namespace {

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> CommandNames(const CommandModel& command) {
  std::vector<std::string> names;
  for (const auto& inner : command.commands) names.push_back(inner.text.name);
  return names;
}

// "tillwire-ingestd" as a shell function's name.
std::string Identifier(std::string name) {
  for (char& letter : name) {
    if (letter == '-' || letter == ' ') letter = '_';
  }
  return "_" + name;
}

// In single quotes, as all three shells read it.
std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char letter : text) out += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return out + "'";
}

// Depth first, the program itself included.
template <typename Visit>
void ForEach(const CommandModel& command, const Visit& visit) {
  visit(command);
  for (const auto& inner : command.commands) ForEach(inner, visit);
}

// --- bash ---

// What an option or argument can be followed by, for the function that the script defines for it.
std::string BashKind(const OptionModel& option) {
  if (!option.choices.empty()) return "words " + Join(option.choices);
  return option.TakesPath() ? "files" : "value";
}

void BashValueCases(std::ostream& out, const CommandModel& command, const std::string& pattern,
                    const std::vector<OptionModel>& options) {
  for (const auto& option : options) {
    if (option.positional || !option.TakesValue()) continue;
    for (const auto& name : option.names) {
      out << "    " << (pattern.empty() ? "\"" + command.name + "\"" : pattern) << "\" " << name
          << "\") echo \"" << BashKind(option) << "\" ;;\n";
    }
  }
}

// Which options a command takes, its own and the shared ones.
std::vector<std::string> OptionNames(const ProgramModel& program, const CommandModel& command) {
  std::vector<std::string> names;
  const auto add = [&names](const std::vector<OptionModel>& options) {
    for (const auto& option : options) {
      if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
    }
  };
  add(command.options);
  if (command.name != program.command.name) add(program.SharedOptions());
  return names;
}

void BashWordCases(std::ostream& out, const CommandModel& command) {
  std::vector<std::string> words = CommandNames(command);
  bool files = false;
  for (const auto& option : command.options) {
    if (!option.positional) continue;
    words.insert(words.end(), option.choices.begin(), option.choices.end());
    files = files || option.TakesPath();
  }
  if (!words.empty()) out << "    \"" << command.name << "\") echo \"words " << Join(words) << "\" ;;\n";
  if (words.empty() && files) out << "    \"" << command.name << "\") echo files ;;\n";
}

std::string BashScript(const ProgramModel& program) {
  const std::string name = program.command.name;
  const std::string function = Identifier(name);
  std::ostringstream out;
  out << "# bash completion for " << name << "\n"
      << function << "_value() {  # what follows an option of a command: words, files, value, or nothing\n"
      << "  case \"$1 $2\" in\n";
  ForEach(program.command, [&](const CommandModel& command) {
    if (command.name != name) BashValueCases(out, command, "", command.options);
  });
  BashValueCases(out, program.command, "*", program.command.options);
  out << "  esac\n}\n"
      << function << "_words() {  # what may stand behind a command: words, files, or nothing\n"
      << "  case \"$1\" in\n";
  ForEach(program.command, [&](const CommandModel& command) { BashWordCases(out, command); });
  out << "  esac\n}\n" << function << "_options() {\n  case \"$1\" in\n";
  ForEach(program.command, [&](const CommandModel& command) {
    out << "    \"" << command.name << "\") echo \"" << Join(OptionNames(program, command)) << "\" ;;\n";
  });
  out << "  esac\n}\n" << function << "() {\n";
  // "=" is a word of its own to bash's line editor, so "--name=value" comes as three.
  out << "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=" << name
      << " kind next i\n"
      << "  if [ \"$word\" = = ]; then word=\n"
      << "  elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      << "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      << "    next=${COMP_WORDS[i]}\n"
      << "    if [ -n \"$(" << function << "_value \"$command\" \"$next\")\" ]; then\n"
      << "      [ \"${COMP_WORDS[i+1]}\" = = ] && i=$((i + 1))\n"
      << "      i=$((i + 1))\n"
      << "    elif [ -n \"$(" << function << "_options \"$command $next\")\" ]; then\n"
      << "      command=\"$command $next\"\n"
      << "    fi\n"
      << "  done\n"
      << "  kind=$(" << function << "_value \"$command\" \"$before\")\n"
      << "  if [ -z \"$kind\" ]; then\n"
      << "    kind=$(" << function << "_words \"$command\")\n"
      << "    case $word in -*) kind=\"words $(" << function << "_options \"$command\")\" ;; esac\n"
      << "  fi\n"
      << "  COMPREPLY=()\n"
      << "  case $kind in\n"
      << "    words*) mapfile -t COMPREPLY < <(compgen -W \"${kind#words}\" -- \"$word\") ;;\n"
      << "    files)\n"
      << "      compopt -o filenames 2>/dev/null\n"
      << "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
      << "  esac\n"
      << "}\n"
      << "complete -F " << function << " " << name << "\n";
  return out.str();
}

// --- zsh ---

// Text within [...] or between colons of an _arguments specification.
std::string ZshText(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == ':' || letter == '[' || letter == ']' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

std::string ZshAction(const OptionModel& option) {
  if (!option.choices.empty()) return "(" + Join(option.choices) + ")";
  return option.TakesPath() ? "_files" : " ";
}

void ZshOptions(std::ostream& out, const std::vector<OptionModel>& options) {
  for (const auto& option : options) {
    if (option.positional) {
      out << " \\\n    " << Quoted("1:" + ZshText(option.names[0]) + ":" + ZshAction(option));
      continue;
    }
    for (const auto& name : option.names) {
      std::string specification = "*" + name + "[" + ZshText(option.help) + "]";
      if (option.TakesValue()) specification += ":" + ZshText(option.value) + ":" + ZshAction(option);
      out << " \\\n    " << Quoted(specification);
    }
  }
}

void ZshFunction(std::ostream& out, const ProgramModel& program, const CommandModel& command) {
  out << Identifier(command.name) << "() {\n";
  if (!command.commands.empty()) out << "  local context state state_descr line\n  typeset -A opt_args\n";
  out << "  _arguments" << (command.commands.empty() ? " -s" : " -C");
  ZshOptions(out, command.options);
  if (command.name != program.command.name) ZshOptions(out, program.SharedOptions());
  if (command.commands.empty()) {
    out << "\n}\n";
    return;
  }
  out << " \\\n    '1: :->command' \\\n    '*:: :->arguments'\n  case $state in\n"
      << "    command)\n      local -a commands=(\n";
  for (const auto& inner : command.commands) {
    out << "        " << Quoted(inner.text.name + ":" + inner.text.summary) << "\n";
  }
  out << "      )\n      _describe command commands ;;\n    arguments)\n      case $words[1] in\n";
  for (const auto& inner : command.commands) {
    out << "        " << inner.text.name << ") " << Identifier(inner.name) << " ;;\n";
  }
  out << "      esac ;;\n  esac\n}\n";
}

std::string ZshScript(const ProgramModel& program) {
  std::ostringstream out;
  const std::string function = Identifier(program.command.name);
  out << "#compdef " << program.command.name << "\ncompdef " << function << " " << program.command.name
      << "\n";
  ForEach(program.command, [&](const CommandModel& command) { ZshFunction(out, program, command); });
  // Where zsh loads the file at the first use, the file is that use as well.
  out << "if [ \"$funcstack[1]\" = " << function << " ]; then " << function << " \"$@\"; fi\n";
  return out.str();
}

// --- fish ---

// fish has no '\'' within quotes, but \'.
std::string FishQuoted(const std::string& text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + "'";
}

void FishOptions(std::ostream& out, const std::string& begin, const std::vector<OptionModel>& options) {
  for (const auto& option : options) {
    out << begin;
    if (!option.positional) {
      for (const auto& name : option.names) {
        out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
    }
    if (!option.choices.empty()) {
      out << (option.positional ? "" : " -x") << " -a " << FishQuoted(Join(option.choices));
    } else if (option.TakesPath()) {
      out << (option.positional ? " -F" : " -r -F");
    } else if (option.TakesValue() && !option.positional) {
      out << " -x";
    }
    out << " -d " << FishQuoted(option.help) << "\n";
  }
}

// Holds where this command, and none of its commands, is what the line names.
std::string FishCondition(const ProgramModel& program, const CommandModel& command) {
  std::string condition;
  const auto add = [&condition](const std::string& text) {
    condition += (condition.empty() ? "" : "; and ") + text;
  };
  std::istringstream words(command.name.substr(program.command.name.size()));
  for (std::string word; words >> word;) add("__fish_seen_subcommand_from " + word);
  if (!command.commands.empty()) add("not __fish_seen_subcommand_from " + Join(CommandNames(command)));
  return condition;
}

std::string FishScript(const ProgramModel& program) {
  const std::string& name = program.command.name;
  std::ostringstream out;
  out << "# fish completion for " << name << "\ncomplete -c " << name << " -f\n";
  FishOptions(out, "complete -c " + name, program.command.options);
  ForEach(program.command, [&](const CommandModel& command) {
    const std::string condition = FishCondition(program, command);
    const std::string begin =
        "complete -c " + name + (condition.empty() ? "" : " -n " + FishQuoted(condition));
    for (const auto& inner : command.commands) {
      out << begin << " -a " << inner.text.name << " -d " << FishQuoted(inner.text.summary) << "\n";
    }
    if (command.name != name) FishOptions(out, begin, command.options);
  });
  return out.str();
}

CommandText TextFor(const std::string& program) {
  const auto where = [&](const std::string& shell, const std::string& path) {
    return Example{"For " + shell, program + " completion " + shell + " > " + path};
  };
  return {"completion",
          "Print a script that completes commands and options in a shell",
          "Put its output where the shell looks for such scripts, or source it.",
          {{0, "done"}, {kExitUsage, "bad input"}},
          {where("bash", "/etc/bash_completion.d/" + program),
           where("zsh", "/usr/local/share/zsh/site-functions/_" + program),
           where("fish", "/etc/fish/completions/" + program + ".fish")}};
}

}  // namespace

const std::vector<std::string>& CompletionShells() {
  static const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  return shells;
}

std::string CompletionScript(const ProgramModel& program, const std::string& shell) {
  if (shell == "bash") return BashScript(program);
  if (shell == "zsh") return ZshScript(program);
  if (shell == "fish") return FishScript(program);
  return {};
}

CompletionCommand::CompletionCommand(CommandLine& line)
    : Command(line.Add(TextFor(line.Root().get_name()))), line_(line) {
  line.AddChoice(App(), "SHELL", shell_, CompletionShells(), "bash, zsh or fish")
      ->type_name("SHELL")
      ->required();
}

int CompletionCommand::Run() const {
  std::cout << CompletionScript(line_.Model(), shell_);
  return 0;
}

}  // namespace tillwire
