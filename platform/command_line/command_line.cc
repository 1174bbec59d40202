#include "platform/command_line/command_line.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "platform/command_line/help_text.h"
#include "platform/command_line/man_page.h"
#include "platform/command_line/option_types.h"
#include "platform/command_line/usage_error.h"

namespace tillwire {
namespace {

// Thrown like CLI11's own calls for help and version: it ends the parsing.
class CallForManPage : public CLI::Success {
 public:
  CallForManPage() : CLI::Success("manual page", CLI::ExitCodes::Success) {}
};

// Descriptions are paragraphs: where a line ends is the reader's terminal's affair.
std::string OneParagraph(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string FullName(const CLI::App& app) {
  const std::string& name = app.get_name();
  return app.get_parent() == nullptr ? name : FullName(*app.get_parent()) + " " + name;
}

const CommandModel* Find(const CommandModel& in, const std::string& name) {
  if (in.name == name) return &in;
  for (const auto& command : in.commands) {
    if (const auto* found = Find(command, name)) return found;
  }
  return nullptr;
}

}  // namespace

const CLI::App& ChosenCommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : ChosenCommand(*chosen.front());
}

CommandLine::CommandLine(ProgramText text)
    : text_(std::move(text)), root_(text_.command.summary, text_.command.name) {
  root_.set_help_flag("-h,--help", "Show this help");
  root_.set_version_flag("--version", text_.command.name + " " + TILLWIRE_VERSION, "Show the version");
  root_.fallthrough();
  // For packaging: it says nothing that --help does not.
  root_.add_flag_callback("--man", [] { throw CallForManPage(); })->group("");
}

CLI::App& CommandLine::Add(CLI::App& parent, CommandText text) {
  CLI::App& app = *parent.add_subcommand(text.name, text.summary);
  commands_[&app] = std::move(text);
  return app;
}

CLI::Option* CommandLine::AddChoice(CLI::App& app, const std::string& name, std::string& target,
                                    std::vector<std::string> choices, const std::string& help) {
  const auto take = [name, choices, &target](const std::string& given) {
    if (std::find(choices.begin(), choices.end(), given) == choices.end()) {
      throw CLI::ValidationError(name + " is \"" + given + "\"; give " + OneOf(choices));
    }
    target = given;
  };
  CLI::Option* option = AddChecked(app, name, take, help);
  OfferChoices(*option, std::move(choices));
  return option;
}

void CommandLine::OfferChoices(const CLI::Option& option, std::vector<std::string> choices) {
  choices_[&option] = std::move(choices);
}

std::optional<int> CommandLine::Parse(int argc, const char* const* argv) {
  try {
    root_.parse(argc, argv);
    const auto missing = MissingValueText(root_);
    return missing ? std::optional(RefuseUsage(*missing)) : std::nullopt;
  } catch (const CLI::CallForHelp&) {
    const ProgramModel model = Model();
    std::cout << HelpText(model, *Find(model.command, FullName(ChosenCommand(root_))));
    return 0;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n";
    return 0;
  } catch (const CallForManPage&) {
    std::cout << ManPage(Model());
    return 0;
  } catch (const CLI::ParseError& error) {
    return RefuseUsage(UsageErrorText(root_, error));
  }
}

int CommandLine::RefuseUsage(const std::string& problem) const {
  std::cerr << root_.get_name() << ": " << problem << "\nSee: " << FullName(ChosenCommand(root_))
            << " --help\n";
  return kExitUsage;
}

ProgramModel CommandLine::Model() const {
  return {text_, ModelOf(root_, "")};
}

CommandModel CommandLine::ModelOf(const CLI::App& app, const std::string& prefix) const {
  CommandModel model;
  model.name = prefix + app.get_name();
  const auto text = commands_.find(&app);
  model.text = text == commands_.end() ? text_.command : text->second;
  model.needs_command = app.get_require_subcommand_min() > 0;
  for (const auto* option : app.get_options()) {
    if (!option->get_group().empty()) model.options.push_back(ModelOf(*option));
  }
  for (const auto* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) model.commands.push_back(ModelOf(*command, model.name + " "));
  }
  return model;
}

OptionModel CommandLine::ModelOf(const CLI::Option& option) const {
  OptionModel model;
  model.positional = option.get_positional();
  if (model.positional) {
    model.names.push_back(option.get_name(true));
  } else {
    for (const auto& name : option.get_snames()) model.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) model.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) model.value = option.get_type_name();
  model.help = OneParagraph(option.get_description());
  model.default_value = option.get_default_str();
  model.environment = option.get_envname();
  model.group = option.get_group();
  model.required = option.get_required();
  if (const auto choices = choices_.find(&option); choices != choices_.end()) model.choices = choices->second;
  return model;
}

const CLI::App& Command::Root() const {
  const CLI::App* root = &app_;
  while (root->get_parent() != nullptr) root = root->get_parent();
  return *root;
}

std::optional<int> RunChosen(const Commands& commands) {
  for (const auto& command : commands) {
    if (command->Chosen()) return command->Run();
  }
  return std::nullopt;
}

}  // namespace tillwire
