// The service of tillwire-ingestd as it is, but with eyes on its phases, so that crash tests hit what they
// aim at.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "ingest/centre.h"
#include "platform/logging.h"
#include "tests/crash/phase_file.h"

namespace tillwire {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("tillwire-ingestd serve with a probe, for tests");
  std::string config_path;
  std::string phase_path;
  app.add_option("--config", config_path, "As tillwire-ingestd's")->required();
  app.add_option("--phase-file", phase_path, "Maps this file and notes the phases in it")->required();
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "%s\n", error.Text().c_str());
    return 1;
  };
  const Result<IngestConfig> config = LoadIngestConfig(config_path);
  if (!config) return fail(config.error());
  if (auto logging = SetUpLogging(config->log_level, config->log_format); !logging)
    return fail(logging.error());
  PhaseFile phases(phase_path);
  CentreSeams seams;
  seams.phase_probe = [&phases](CentrePhase phase) { phases.Enter(PhaseNumber(phase)); };
  if (auto served = RunCentre(*config, seams); !served) return fail(served.error());
  return 0;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  return tillwire::Main(argc, argv);
}
