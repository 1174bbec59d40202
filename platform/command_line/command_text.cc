#include "platform/command_line/command_text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace tillwire {

std::string OneOf(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

bool OptionModel::TakesPath() const {
  constexpr std::array<std::string_view, 4> kPaths = {"FILE", "FILE|-", "DIR", "SOCKET"};
  return std::find(kPaths.begin(), kPaths.end(), value) != kPaths.end();
}

std::vector<OptionModel> ProgramModel::SharedOptions() const {
  std::vector<OptionModel> shared;
  std::copy_if(command.options.begin(), command.options.end(), std::back_inserter(shared),
               [](const OptionModel& option) {
                 const std::string& name = option.names.back();
                 return !option.positional && name != "--help" && name != "--version";
               });
  return shared;
}

}  // namespace tillwire
