#include "platform/command_line/option_types.h"

#include <array>
#include <charconv>
#include <sstream>
#include <utility>

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

CLI::Option* AddChecked(CLI::App& app, const std::string& name,
                        const std::function<void(const std::string&)>& take, const std::string& help) {
  const auto take_last = [take](const CLI::results_t& given) {
    take(given.back());
    return true;
  };
  return app.add_option(name, take_last, help)->type_name("TEXT");
}

CLI::Option* AddWholeNumber(CLI::App& app, const std::string& name, std::uint64_t& target,
                            const std::string& help) {
  const auto check = [name, &target](const std::string& given) {
    std::uint64_t number = 0;
    if (!Parse(given, number)) Refuse(name, given, "a whole number from 0");
    target = number;
  };
  return AddChecked(app, name, check, help)->type_name("N");
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
  return AddChecked(app, name, check, help)->type_name("SECONDS")->default_str(Text(target));
}

std::optional<std::chrono::seconds> ParseSpan(const std::string& text) {
  constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits = {
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  constexpr std::int64_t kTenYears = std::int64_t{3650} * 86'400;
  if (text.empty()) return std::nullopt;
  std::int64_t number = 0;
  if (!Parse(text.substr(0, text.size() - 1), number) || number < 0) return std::nullopt;
  for (const auto& [unit, seconds] : kUnits) {
    if (text.back() == unit && number <= kTenYears / seconds) return std::chrono::seconds(number * seconds);
  }
  return std::nullopt;
}

CLI::Option* AddSpan(CLI::App& app, const std::string& name, std::chrono::seconds& target,
                     std::chrono::seconds max, const std::string& help) {
  const auto check = [name, max, &target](const std::string& given) {
    const auto span = ParseSpan(given);
    if (!span || span->count() == 0 || *span > max) {
      Refuse(name, given,
             "a span as 90s, 30m or 2h, at most " + std::to_string(max / std::chrono::hours(1)) + "h");
    }
    target = *span;
  };
  return AddChecked(app, name, check, help)
      ->type_name("SPAN")
      ->default_str(target % std::chrono::hours(1) == std::chrono::seconds(0)
                        ? std::to_string(target / std::chrono::hours(1)) + "h"
                        : std::to_string(target.count()) + "s");
}

CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::string& target,
                        const std::string& help) {
  const auto check = [name, &target](const std::string& given) {
    const auto address = ParseNetworkAddress(given);
    if (!address || address->port == 0) Refuse(name, given, "host:port, as 127.0.0.1:7400");
    target = given;
  };
  return AddChecked(app, name, check, help)->type_name("HOST:PORT")->default_str(target);
}

}  // namespace tillwire
