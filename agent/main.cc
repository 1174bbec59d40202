// tillwired: the agent on a store terminal.
#include <iostream>

#include "agent/agent.h"
#include "agent/app.h"
#include "agent/config.h"

int main(int argc, char** argv) {
  tillwire::AgentDaemonLine app;
  if (const auto done = app.Line().Parse(argc, argv)) return *done;
  if (const auto code = app.RunCommand()) return *code;
  const auto config = tillwire::LoadAgentConfig(app.ConfigPath());
  if (!config) {
    std::cerr << "tillwired: " << config.error().Text() << '\n';
    return tillwire::kExitUsage;
  }
  return tillwire::RunAgent(*config, {});
}
