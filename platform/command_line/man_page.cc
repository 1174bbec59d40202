#include "platform/command_line/man_page.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>

#include "platform/command_line/help_text.h"

namespace tillwire {
namespace {

// Text as roff reads it: a backslash begins an escape, a plain hyphen may be set as a dash, and a line that
// begins with a dot or a quote is a request.
std::string Escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else {
      out += letter;
    }
  }
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return text;
}

class Page {
 public:
  void Title(const ProgramText& text) {
    out_ << ".TH " << Upper(Escaped(text.command.name)) << " " << text.section
         << " \"\" \"Tillwire " TILLWIRE_VERSION "\" \"Tillwire\"\n";
  }
  void Section(const std::string& name) { out_ << ".SH " << name << "\n"; }
  void Subsection(const std::string& name) { out_ << ".SS " << Escaped(name) << "\n"; }
  void Heading(const std::string& text) { out_ << ".PP\n" << Escaped(text) << ":\n"; }
  void Text(const std::string& text) { out_ << Escaped(text) << "\n"; }
  void Paragraph(const std::string& text) { out_ << ".PP\n" << Escaped(text) << "\n"; }
  void Paragraphs(const std::string& text) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find("\n\n", begin), text.size());
      Paragraph(text.substr(begin, end - begin));
      begin = end + 2;
    }
  }
  void Entry(const std::string& label, const std::string& meaning) {
    out_ << ".TP\n.B " << Escaped(label) << "\n" << Escaped(meaning) << "\n";
  }
  // Lines as they are.
  void Verbatim(const std::string& text) {
    out_ << ".PP\n.RS\n.nf\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) out_ << Escaped(line) << "\n";
    out_ << ".fi\n.RE\n";
  }
  [[nodiscard]] std::string Finished() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

void Options(Page& page, const std::vector<OptionModel>& options) {
  const auto groups = OptionGroups(options);
  for (const auto& group : groups) {
    if (groups.size() > 1) page.Heading(group);
    for (const auto& option : options) {
      if (GroupOf(option) == group) page.Entry(OptionLabel(option), OptionMeaning(option));
    }
  }
}

void ExitStatuses(Page& page, const std::vector<ExitNote>& statuses) {
  for (const auto& status : statuses) page.Entry(std::to_string(status.code), status.meaning);
}

bool Same(const std::vector<ExitNote>& a, const std::vector<ExitNote>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
    return left.code == right.code && left.meaning == right.meaning;
  });
}

// Commands that do something themselves, at any depth.
void Commands(Page& page, const ProgramModel& program, const CommandModel& command) {
  if (!command.needs_command) {
    page.Subsection(UsageLine(command));
    page.Text(command.text.summary + ".");
    page.Paragraphs(command.text.description);
    Options(page, command.options);
    if (!command.text.exit_statuses.empty() &&
        !Same(command.text.exit_statuses, program.text.command.exit_statuses)) {
      page.Heading("Exit status");
      ExitStatuses(page, command.text.exit_statuses);
    }
  }
  for (const auto& inner : command.commands) Commands(page, program, inner);
}

void Examples(Page& page, const CommandModel& command) {
  for (const auto& example : command.text.examples) {
    page.Paragraph(example.what.empty() ? command.text.summary + ":" : example.what + ":");
    page.Verbatim(example.command);
  }
  for (const auto& inner : command.commands) Examples(page, inner);
}

// Variables that options are taken from, then the program's others.
void Environment(Page& page, const ProgramModel& program) {
  std::set<std::string> told;
  const auto tell = [&](const CommandModel& command, const auto& self) -> void {
    for (const auto& option : command.options) {
      if (option.environment.empty() || !told.insert(option.environment).second) continue;
      page.Entry(option.environment, "Stands in for " + option.names.back() + " where that is not given.");
    }
    for (const auto& inner : command.commands) self(inner, self);
  };
  tell(program.command, tell);
  for (const auto& note : program.text.environment) page.Entry(note.name, note.meaning);
  if (told.empty() && program.text.environment.empty()) page.Text("None.");
}

}  // namespace

std::string ManPage(const ProgramModel& program) {
  const CommandText& text = program.text.command;
  Page page;
  page.Title(program.text);
  page.Section("NAME");
  // As apropos and whatis read it.
  std::string summary = text.summary;
  summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
  page.Text(text.name + " - " + summary);
  page.Section("SYNOPSIS");
  page.Text(UsageLine(program.command));
  page.Section("DESCRIPTION");
  page.Text(text.summary + ".");
  page.Paragraphs(text.description);
  page.Section("OPTIONS");
  Options(page, program.command.options);
  page.Section("COMMANDS");
  for (const auto& command : program.command.commands) Commands(page, program, command);
  page.Section("EXIT STATUS");
  ExitStatuses(page, text.exit_statuses);
  page.Section("ENVIRONMENT");
  Environment(page, program);
  page.Section("FILES");
  for (const auto& file : program.text.files) page.Entry(file.name, file.meaning);
  page.Section("EXAMPLES");
  Examples(page, program.command);
  page.Section("SEE ALSO");
  std::string others;
  for (const auto& name : program.text.see_also) others += (others.empty() ? "" : ", ") + name;
  page.Text(others);
  return page.Finished();
}

}  // namespace tillwire
