// PROGRAM config check: looks at a configuration file without starting anything.
#pragma once

#include <functional>
#include <string>

#include "platform/command_line/command_line.h"
#include "platform/config_file.h"

namespace tillwire {

using InspectConfig = std::function<ConfigReport(const std::string& path)>;

class ConfigCheckCommand final : public Command {
 public:
  // `path` is the file that the daemon reads if told no other.
  ConfigCheckCommand(CommandLine& line, const std::string& daemon, std::string path, InspectConfig inspect);

  // Prints the settings in effect, or what is wrong with the file.
  [[nodiscard]] int Run() const override;

 private:
  const InspectConfig inspect_;
  std::string path_;
  bool json_ = false;
};

}  // namespace tillwire
