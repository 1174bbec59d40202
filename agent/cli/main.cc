// tillwire: the agent's command line.
#include <exception>
#include <iostream>

#include "agent/cli/app.h"
#include "agent/cli/exit_code.h"

int main(int argc, char** argv) {
  try {
    tillwire::AgentCommandLine app;
    if (const auto done = app.Line().Parse(argc, argv)) return *done;
    return app.Run();
  } catch (const std::exception& error) {
    std::cerr << "tillwire: " << error.what() << "\n";
    return Code(tillwire::ExitCode::kUnknown);
  }
}
