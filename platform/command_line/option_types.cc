#include "platform/command_line/option_types.h"

#include <charconv>
#include <sstream>

#include "platform/network_address.h"

namespace tillwire {
namespace {

// The option's long name: what messages call it.
std::string LongName(const std::string& name) {
  const auto dashes = name.rfind("--");
  return dashes == std::string::npos ? name : name.substr(dashes);
}

[[noreturn]] void Refuse(const std::string& name, const std::string& given, const std::string& remedy) {
  throw CLI::ValidationError(LongName(name) + " is \"" + given + "\"; give " + remedy);
}

std::string Text(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

// Nothing but a number, the whole of the text.
template <typename Number>
bool Parse(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

CLI::Option* AddWholeNumber(CLI::App& app, const std::string& name, std::uint64_t& target,
                            const std::string& help) {
  const auto check = [name, &target](const std::string& given) {
    std::uint64_t number = 0;
    if (!Parse(given, number)) Refuse(name, given, "a whole number from 0");
    target = number;
  };
  return app.add_option_function<std::string>(name, check, help)->type_name("N");
}

CLI::Option* AddSeconds(CLI::App& app, const std::string& name, double& target, double min, double max,
                        const std::string& help) {
  const auto check = [name, min, max, &target](const std::string& given) {
    double number = 0;
    if (!Parse(given, number) || !(number >= min && number <= max)) {
      Refuse(name, given, "a number of seconds from " + Text(min) + " to " + Text(max));
    }
    target = number;
  };
  return app.add_option_function<std::string>(name, check, help)
      ->type_name("SECONDS")
      ->default_str(Text(target));
}

CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::string& target,
                        const std::string& help) {
  const auto check = [name, &target](const std::string& given) {
    const auto address = ParseNetworkAddress(given);
    if (!address || address->port == 0) Refuse(name, given, "host:port, as 127.0.0.1:7400");
    target = given;
  };
  return app.add_option_function<std::string>(name, check, help)->type_name("HOST:PORT")->default_str(target);
}

}  // namespace tillwire
