#include "platform/command_line/config_check.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

namespace tillwire {
namespace {

using nlohmann::ordered_json;

CLI::App& AddTo(CommandLine& line, const std::string& daemon) {
  CLI::App& config = line.Add({"config", "Look at a configuration file", "", {}, {}});
  CommandLine::RequireCommand(config);
  const std::string command = line.Root().get_name() + " config check";
  return line.Add(
      config,
      {"check",
       "Check a configuration file of " + daemon + ", and show what is in effect",
       "Nothing is started, and the network is not asked. What is no error in the file, but may "
       "be one on this machine, is told as a warning.",
       {{0, "the file is right; there may be warnings"}, {kExitUsage, "bad input, or the file is wrong"}},
       {{"", command}, {"Before it is put in place", command + " --config new.toml"}}});
}

void Print(std::ostream& out, const ConfigReport& report) {
  std::size_t width = 0;
  for (const auto& setting : report.settings) width = std::max(width, setting.key.size());
  for (const auto& setting : report.settings) {
    out << "  " << std::left << std::setw(static_cast<int>(width)) << setting.key << " = " << setting.value
        << (setting.is_default ? "  (default)" : "") << "\n";
  }
  for (const auto& warning : report.warnings) out << "warning: " << warning.Text() << "\n";
}

ordered_json ToJson(const std::vector<Error>& errors) {
  ordered_json list = ordered_json::array();
  for (const auto& error : errors) list.push_back({{"message", error.message}, {"hint", error.hint}});
  return list;
}

ordered_json ToJson(const std::string& path, const ConfigReport& report) {
  ordered_json settings = ordered_json::array();
  for (const auto& setting : report.settings) {
    settings.push_back({{"key", setting.key}, {"value", setting.value}, {"default", setting.is_default}});
  }
  return {{"file", path},
          {"ok", report.problems.empty()},
          {"settings", settings},
          {"problems", ToJson(report.problems)},
          {"warnings", ToJson(report.warnings)}};
}

}  // namespace

ConfigCheckCommand::ConfigCheckCommand(CommandLine& line, const std::string& daemon, std::string path,
                                       InspectConfig inspect)
    : Command(AddTo(line, daemon)), inspect_(std::move(inspect)), path_(std::move(path)) {
  App().add_option("--config", path_, "The file")->type_name("FILE")->capture_default_str();
  App().add_flag("--json", json_, "Print it as JSON; a value is written as in the file");
}

int ConfigCheckCommand::Run() const {
  const ConfigReport report = inspect_(path_);
  const bool ok = report.problems.empty();
  if (json_) {
    // What the file holds need not be UTF-8.
    std::cout << ToJson(path_, report).dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
  } else if (ok) {
    std::cout << path_ << ": OK\n";
    Print(std::cout, report);
  } else {
    for (const auto& problem : report.problems) std::cerr << problem.Text() << "\n";
  }
  return ok ? 0 : kExitUsage;
}

}  // namespace tillwire
