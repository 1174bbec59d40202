// tillwired: the agent on a store terminal.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "agent/agent.h"
#include "agent/config.h"

namespace {

constexpr int kExitBadInput = 2;

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Captures order cancellations and staging-bin clears on this terminal, keeps them on disk, and writes "
      "them back\n"
      "to the centre through any outage. Stop it with SIGTERM.",
      "tillwired");
  app.set_version_flag("--version", TILLWIRE_VERSION);
  std::string config_path = "/etc/tillwire/tillwired.toml";
  app.add_option("--config", config_path, "Configuration file (TOML)")->capture_default_str();
  app.footer("Exit codes: 0 stopped cleanly; 1 could not start, or its disk failed; 2 bad input.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitBadInput;
  }

  const auto config = tillwire::LoadAgentConfig(config_path);
  if (!config) {
    std::cerr << "tillwired: " << config.error().Text() << '\n';
    return kExitBadInput;
  }
  return tillwire::RunAgent(*config, {});
}
