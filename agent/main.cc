// tillwired: the agent on a store terminal.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "agent/agent.h"
#include "agent/config.h"

int main(int argc, char** argv) {
  CLI::App app(
      "Captures order cancellations and staging-bin clears on this terminal, keeps them on disk, and writes "
      "them back\n"
      "to the centre through any outage. Stop it with SIGTERM.");
  app.set_version_flag("--version", TILLWIRE_VERSION);
  std::string config_path = "/etc/tillwire/tillwired.toml";
  app.add_option("--config", config_path, "Configuration file (TOML)")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto config = tillwire::LoadAgentConfig(config_path);
  if (!config) {
    std::cerr << "tillwired: " << config.error().Text() << '\n';
    return 2;
  }
  return tillwire::RunAgent(*config, {});
}
