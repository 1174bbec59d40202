#include "agent/cli/requeue_command.h"

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/exit_code.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

int ReportError(const Error& error) {
  const ExitCode code = ExitCodeFor(error.code);
  if (code == ExitCode::kUnknown) {
    std::cerr << "unknown whether it is requeued: " << error.message << "\nSee: tillwire status\n";
  } else {
    std::cerr << "not requeued: " << error.Text() << "\n";
  }
  return Code(code);
}

CommandText Text() {
  return {"requeue",
          "Send a parked event again, once its reason is dealt with",
          "The later events of its order or bin follow it.",
          {{Code(ExitCode::kDone), "requeued"},
           {Code(ExitCode::kRefused), "no such event here, or it is not parked"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "not requeued: the agent is not running, or its disk failed"},
           {Code(ExitCode::kUnknown), "no answer in time; see tillwire status"}},
          {{"", "tillwire requeue 01a21007-e0c4-7000-b22e-1fcfd7c4736f"}}};
}

}  // namespace

RequeueCommand::RequeueCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  App()
      .add_option("EVENT", event_id_, "The event id, as tillwire status shows it")
      ->type_name("EVENT")
      ->required();
}

int RequeueCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportError(agent.error());
  v1::RequeueEventResponse response;
  if (auto requeued = agent->RequeueEvent(event_id_, response); !requeued)
    return ReportError(requeued.error());
  std::cout << "requeued " << event_id_ << " (had been parked: " << response.parked_reason() << ")\n";
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
