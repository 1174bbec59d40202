#include "agent/cli/requeue_command.h"

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

ExitCode ReportError(const Error& error) {
  const ExitCode code = ExitCodeFor(error.code);
  if (code == ExitCode::kUnknown) {
    std::cerr << "unknown whether it is requeued: " << error.message << "\nSee: tillwire status\n";
  } else {
    std::cerr << "not requeued: " << error.Text() << "\n";
  }
  return code;
}

}  // namespace

RequeueCommand::RequeueCommand(CLI::App& app, const ConnectionOptions& connection)
    : connection_(connection),
      command_(*app.add_subcommand("requeue", "Send a parked event again, once its reason is dealt with")) {
  command_.add_option("EVENT", event_id_, "The event id, as tillwire status shows it")->required();
}

ExitCode RequeueCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportError(agent.error());
  v1::RequeueEventResponse response;
  if (auto requeued = agent->RequeueEvent(event_id_, response); !requeued)
    return ReportError(requeued.error());
  std::cout << "requeued " << event_id_ << " (had been parked: " << response.parked_reason() << ")\n";
  return ExitCode::kDone;
}

}  // namespace tillwire
