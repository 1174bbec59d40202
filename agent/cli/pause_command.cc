#include "agent/cli/pause_command.h"

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/words.h"
#include "platform/command_line/option_types.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr const char* kSee = "tillwire status";

CommandText PauseText() {
  return {"pause",
          "Hold back what would be sent to the centre; captures go on",
          "It ends by itself after the time given, or with tillwire resume. A restart does not end it.",
          {{Code(ExitCode::kDone), "paused"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "not paused: the agent is not running, or its disk failed"},
           {Code(ExitCode::kUnknown), "no answer in time; see tillwire status"}},
          {{"", "tillwire pause --operator-id 117 --reason \"the line is needed\" --for 30m"}}};
}

CommandText ResumeText() {
  return {"resume",
          "End a pause, so that events are sent again",
          "",
          {{Code(ExitCode::kDone), "there is no pause any more, also if there was none"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "not resumed: the agent is not running, or its disk failed"},
           {Code(ExitCode::kUnknown), "no answer in time; see tillwire status"}},
          {}};
}

}  // namespace

PauseCommand::PauseCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(PauseText())), connection_(connection) {
  App().add_option("--operator-id", operator_id_, "Who decides so")->type_name("ID")->required();
  App().add_option("--reason", reason_, "Why")->type_name("TEXT")->required();
  AddSpan(App(), "--for", duration_, std::chrono::hours(24), "For how long, as 30m or 2h; at most a day");
  App().add_flag("--json", json_, "Answer in JSON (tillwire.v1.PauseUplinkResponse)");
}

int PauseCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNotDone("paused", kSee, agent.error());
  v1::PauseUplinkRequest request;
  request.set_operator_id(operator_id_);
  request.set_reason(reason_);
  request.mutable_duration()->set_seconds(duration_.count());
  v1::PauseUplinkResponse response;
  if (auto paused = agent->PauseUplink(request, response); !paused) {
    return ReportNotDone("paused", kSee, paused.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kOneLine) << "\n";
  } else {
    std::cout << "paused until " << TimeInWords(TimeOf(response.until_time()), SystemClock().WallNow())
              << "; captures go on. End it before with: tillwire resume\n";
  }
  return Code(ExitCode::kDone);
}

ResumeCommand::ResumeCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(ResumeText())), connection_(connection) {
  App().add_flag("--json", json_, "Answer in JSON (tillwire.v1.ResumeUplinkResponse)");
}

int ResumeCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNotDone("resumed", kSee, agent.error());
  v1::ResumeUplinkResponse response;
  if (auto resumed = agent->ResumeUplink(response); !resumed) {
    return ReportNotDone("resumed", kSee, resumed.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kOneLine) << "\n";
  } else {
    std::cout << (response.was_paused() ? "resumed\n" : "there was no pause\n");
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
