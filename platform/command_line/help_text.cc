#include "platform/command_line/help_text.h"

#include <algorithm>
#include <sstream>

namespace tillwire {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kLabelWidth = 26;  // where the meanings begin
constexpr std::size_t kIndent = 2;
constexpr const char* kArguments = "Arguments";

// Words, wrapped; `column` is where the first line goes on, `indent` where the others begin.
void Wrap(std::ostream& out, const std::string& paragraph, std::size_t column, std::size_t indent) {
  std::istringstream words(paragraph);
  std::string word;
  bool first = true;
  while (words >> word) {
    if (!first && column + 1 + word.size() > kWidth) {
      out << "\n" << std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out << " ";
      ++column;
    }
    out << word;
    column += word.size();
    first = false;
  }
  out << "\n";
}

void Entry(std::ostream& out, const std::string& label, const std::string& meaning) {
  out << std::string(kIndent, ' ') << label;
  const std::size_t end = kIndent + label.size();
  if (end + 2 > kLabelWidth) {
    out << "\n" << std::string(kLabelWidth, ' ');
  } else {
    out << std::string(kLabelWidth - end, ' ');
  }
  Wrap(out, meaning, kLabelWidth, kLabelWidth);
}

void Options(std::ostream& out, const std::vector<OptionModel>& options) {
  for (const auto& group : OptionGroups(options)) {
    out << "\n" << group << ":\n";
    for (const auto& option : options) {
      if (GroupOf(option) == group) Entry(out, OptionLabel(option), OptionMeaning(option));
    }
  }
}

void Paragraphs(std::ostream& out, const std::string& text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find("\n\n", begin), text.size());
    out << "\n";
    Wrap(out, text.substr(begin, end - begin), 0, 0);
    begin = end + 2;
  }
}

void Examples(std::ostream& out, const std::vector<Example>& examples) {
  if (examples.empty()) return;
  out << (examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n");
  for (const auto& example : examples) {
    if (!example.what.empty()) out << "  # " << example.what << "\n";
    std::istringstream lines(example.command);
    for (std::string line; std::getline(lines, line);) out << "  " << line << "\n";
  }
}

}  // namespace

std::string UsageLine(const CommandModel& command) {
  std::string usage = command.name + " [options]";
  for (const auto& option : command.options) {
    if (option.positional) usage += option.required ? " " + option.names[0] : " [" + option.names[0] + "]";
  }
  if (!command.commands.empty()) usage += command.needs_command ? " COMMAND" : " [COMMAND]";
  return usage;
}

std::string OptionLabel(const OptionModel& option) {
  if (option.positional) return option.names[0];
  std::string label;
  for (const auto& name : option.names) label += (label.empty() ? "" : ", ") + name;
  return option.TakesValue() ? label + " " + option.value : label;
}

std::string OptionMeaning(const OptionModel& option) {
  std::string notes;
  const auto note = [&notes](const std::string& text) { notes += (notes.empty() ? "" : "; ") + text; };
  if (option.required && !option.positional) note("required");
  if (!option.default_value.empty()) note("default: " + option.default_value);
  if (!option.environment.empty()) note("environment: " + option.environment);
  return option.help + (notes.empty() ? "" : " (" + notes + ")");
}

std::string GroupOf(const OptionModel& option) {
  return option.positional ? kArguments : option.group;
}

std::vector<std::string> OptionGroups(const std::vector<OptionModel>& options) {
  std::vector<std::string> groups;
  const auto add = [&](bool positional) {
    for (const auto& option : options) {
      const std::string group = GroupOf(option);
      if (option.positional == positional && std::find(groups.begin(), groups.end(), group) == groups.end()) {
        groups.push_back(group);
      }
    }
  };
  add(true);
  add(false);
  // What every command has is told last.
  const auto general = std::find(groups.begin(), groups.end(), "Options");
  if (general != groups.end()) std::rotate(general, general + 1, groups.end());
  return groups;
}

std::string HelpText(const ProgramModel& program, const CommandModel& command) {
  std::ostringstream out;
  Wrap(out, command.text.summary + ".", 0, 0);
  Paragraphs(out, command.text.description);
  out << "\nUsage: " << UsageLine(command) << "\n";
  if (!command.commands.empty()) {
    out << "\nCommands:\n";
    for (const auto& inner : command.commands) Entry(out, inner.text.name, inner.text.summary);
  }
  Options(out, command.options);
  const bool is_program = command.name == program.command.name;
  if (const auto shared = program.SharedOptions(); !is_program && !shared.empty()) {
    out << "\nOptions of every command:\n";
    for (const auto& option : shared) Entry(out, OptionLabel(option), OptionMeaning(option));
  }
  if (is_program && !program.text.environment.empty()) {
    out << "\nEnvironment:\n";
    for (const auto& note : program.text.environment) Entry(out, note.name, note.meaning);
  }
  if (!command.text.exit_statuses.empty()) {
    out << "\nExit codes:\n";
    for (const auto& status : command.text.exit_statuses) {
      out << "  " << status.code << "  ";
      Wrap(out, status.meaning, 5, 5);
    }
  }
  Examples(out, command.text.examples);
  return out.str();
}

}  // namespace tillwire
