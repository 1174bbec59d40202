// Options whose values are checked while the line is parsed: a value that does not fit is a usage error that
// says what would.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tillwire {

// An option with one value, which is `take`n; it throws CLI::ValidationError with the whole message if the
// value does not fit.
CLI::Option* AddChecked(CLI::App& app, const std::string& name,
                        const std::function<void(const std::string&)>& take, const std::string& help);

// `target` keeps its value where the option is not given, and must outlive the parsing.
CLI::Option* AddWholeNumber(CLI::App& app, const std::string& name, std::uint64_t& target,
                            const std::string& help);
CLI::Option* AddSeconds(CLI::App& app, const std::string& name, double& target, double min, double max,
                        const std::string& help);
// A span as "90s", "30m" or "2h", above zero. What `target` holds already is told as the default.
CLI::Option* AddSpan(CLI::App& app, const std::string& name, std::chrono::seconds& target,
                     std::chrono::seconds max, const std::string& help);
// "90s", "30m", "2h" or "3d"; nothing if it is no such text, or more than ten years.
std::optional<std::chrono::seconds> ParseSpan(const std::string& text);
// HOST:PORT, an IPv6 host in brackets. What `target` holds already is told as the default.
CLI::Option* AddAddress(CLI::App& app, const std::string& name, std::string& target, const std::string& help);

}  // namespace tillwire
