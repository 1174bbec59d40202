#include "platform/command_line/usage_error.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "core/nearest_name.h"
#include "platform/command_line/command_line.h"

namespace tillwire {
namespace {

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::string FirstName(const CLI::Option& option) {
  return option.get_positional() ? option.get_name(true) : option.get_name();
}

// A command's options, and those of what it is a command of.
std::vector<const CLI::Option*> OptionsAt(const CLI::App& app) {
  auto options = app.get_options();
  if (app.get_parent() != nullptr) {
    const auto above = OptionsAt(*app.get_parent());
    options.insert(options.end(), above.begin(), above.end());
  }
  return options;
}

// CLI11's errors are texts that hold the option's name; the longest that fits is meant.
const CLI::Option* OptionIn(const CLI::App& at, std::string_view message) {
  const CLI::Option* found = nullptr;
  for (const auto* option : OptionsAt(at)) {
    const std::string name = FirstName(*option);
    if (name.empty()) continue;  // a hidden one
    const bool longer = found == nullptr || name.size() > FirstName(*found).size();
    if (longer && message.find(name) != std::string_view::npos) found = option;
  }
  return found;
}

// A word that nothing was known to do with. An unknown option comes first: the word behind it may be its
// value.
std::optional<std::string> UnknownWord(const CLI::App& root) {
  const auto words = root.remaining(true);
  for (const auto& word : words) {
    if (word.size() > 1 && word.front() == '-') return word;
  }
  return words.empty() ? std::nullopt : std::optional(words.front());
}

std::string UnknownOptionText(const CLI::App& at, const std::string& word) {
  std::vector<std::string> known;
  for (const auto* option : OptionsAt(at)) {
    if (!option->get_positional() && !option->get_group().empty()) known.push_back(option->get_name());
  }
  const std::string name = word.substr(0, word.find('='));
  const std::string nearest = NearestName(name, known);
  return name + " is no option here" + (nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

std::string UnknownWordText(const CLI::App& at, const std::string& word) {
  if (word.front() == '-' && word.size() > 1) return UnknownOptionText(at, word);
  const auto commands = CommandNames(at);
  if (commands.empty()) return "\"" + word + "\" is one word too many";
  const std::string nearest = NearestName(word, commands);
  return "\"" + word + "\" is no command; " +
         (nearest.empty() ? "give " + OneOf(commands) : "did you mean " + nearest + "?");
}

std::string NoValueText(const CLI::Option& option) {
  const std::string name = FirstName(option);
  return name + " has no value; give it as " + name + " " + option.get_type_name();
}

// An option that has taken the next one for its value.
const CLI::Option* OptionBeforeOption(const CLI::App& at) {
  const auto options = OptionsAt(at);
  for (const auto* option : options) {
    for (const auto& value : option->results()) {
      const auto is_value = [&value](const CLI::Option* other) { return other->check_name(value); };
      if (value.starts_with("--") && std::any_of(options.begin(), options.end(), is_value)) return option;
    }
  }
  return nullptr;
}

std::string MissingText(const CLI::App& at, const std::string& message) {
  const CLI::Option* option = OptionIn(at, message);
  if (option == nullptr) return "a command is missing; give " + OneOf(CommandNames(at));
  return FirstName(*option) + " is missing; see its meaning with --help";
}

std::string CountText(const CLI::App& at, const CLI::ParseError& error) {
  const CLI::Option* option = OptionIn(at, error.what());
  if (option == nullptr) return error.what();
  if (option->get_items_expected_max() == 0) return FirstName(*option) + " takes no value; leave it out";
  if (option->count() > static_cast<std::size_t>(option->get_items_expected_max())) {
    return FirstName(*option) + " is given " + (option->count() == 2 ? "twice" : "several times") +
           "; give it once";
  }
  return NoValueText(*option);
}

// "A excludes B", "A requires B".
std::string PairText(const std::string& message, const std::string& verb, const char* first,
                     const char* second) {
  const auto at = message.find(verb);
  if (at == std::string::npos) return message;
  return message.substr(0, at) + first + message.substr(at + verb.size()) + second;
}

}  // namespace

std::optional<std::string> MissingValueText(const CLI::App& root) {
  const CLI::Option* option = OptionBeforeOption(ChosenCommand(root));
  return option == nullptr ? std::nullopt : std::optional(NoValueText(*option));
}

std::string UsageErrorText(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App& at = ChosenCommand(root);
  const std::string kind = error.get_name();
  // Ours: it says all there is to say.
  if (kind == "ValidationError") return error.what();
  if (const auto missing = MissingValueText(root)) return *missing;
  // A mistyped word is also why another one is missing.
  if (const auto word = UnknownWord(root)) return UnknownWordText(at, *word);
  if (kind == "RequiredError") return MissingText(at, error.what());
  if (kind == "ArgumentMismatch" || kind == "ConversionError") return CountText(at, error);
  if (kind == "ExcludesError") {
    return PairText(error.what(), " excludes ", " and ", " do not go together; give one of them");
  }
  if (kind == "RequiresError") return PairText(error.what(), " requires ", " needs ", " as well; give both");
  return error.what();
}

}  // namespace tillwire
