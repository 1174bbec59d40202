// tillwire-ingestd: the centre's ingestion service and its command line.
#include "ingest/centre.h"
#include "ingest/cli/app.h"
#include "ingest/cli/connection.h"
#include "platform/logging.h"

namespace tillwire {
namespace {

int Serve(const std::string& config_path) {
  auto config = LoadIngestConfig(config_path);
  if (!config) {
    PrintError(config.error());
    return kExitBadInput;
  }
  if (auto logging = SetUpLogging(config->log_level, config->log_format); !logging) {
    PrintError(logging.error());
    return kExitBadInput;
  }
  if (auto served = RunCentre(*config, {}); !served) {
    PrintError(served.error());
    return kExitFailed;
  }
  return kExitDone;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  tillwire::IngestCommandLine app(tillwire::Serve, tillwire::InspectIngestConfig);
  if (const auto done = app.Line().Parse(argc, argv)) return *done;
  return app.Run();
}
