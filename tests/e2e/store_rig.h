// A whole installation for one test: agent, link, centre, in a directory that goes with it.
#pragma once

#include <string>

#include "tests/e2e/agent_program.h"
#include "tests/e2e/centre_program.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class StoreRig {
 public:
  StoreRig() = default;

  void StartCentre() {
    centre.Start();
    link.SetCentre(centre.Port());
  }
  // Both, connected.
  void Start() {
    StartCentre();
    agent.Start();
    if (!agent.WaitUntilConnected()) {
      throw std::runtime_error("the agent did not connect; it logged:\n" + agent.Log());
    }
  }

 private:
  TempDirectory directory_;

 public:
  ChaosProxy link;
  CentreProgram centre{CentreSettings(directory_.Path() / "centre")};
  AgentProgram agent{MakeAgentSettings("agent")};

  // Of an agent in a folder of that name, on this rig's link.
  [[nodiscard]] AgentSettings MakeAgentSettings(const std::string& name) const {
    AgentSettings settings;
    settings.directory = directory_.Path() / name;
    settings.server_port = link.Port();
    return settings;
  }
};

}  // namespace tillwire
