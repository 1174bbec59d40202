#include "agent/cli/explain_command.h"

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_id.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/spooled_event.h"
#include "agent/cli/words.h"
#include "core/text.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kWidth = 78;

void PrintParagraph(std::ostream& out, const std::string& begin, const std::string& text) {
  const std::string indent(begin.size(), ' ');
  bool first = true;
  for (const auto& line : Wrapped(Printable(text), kWidth - begin.size())) {
    out << (first ? begin : indent) << line << "\n";
    first = false;
  }
}

void PrintExplanations(std::ostream& out, const v1::ExplainEventResponse& response) {
  for (const auto& explanation : response.explanations()) {
    out << "\n";
    PrintParagraph(out, "", explanation.text());
    if (!explanation.remedy().empty()) PrintParagraph(out, "  to do: ", explanation.remedy());
  }
}

void Print(std::ostream& out, const v1::ExplainEventResponse& response, WallTime now) {
  const auto& event = response.event();
  out << event.event_id() << ": " << WhatInWords(event) << ", " << LaneInWords(event.lane()) << ", captured "
      << TimeInWords(TimeOf(event.capture_time()), now) << ": " << StateInWords(event) << "\n";
  PrintExplanations(out, response);
}

CommandText Text() {
  return {
      "explain",
      "Say why an event has not arrived at the centre, and what would make it go",
      "What a person should look at first is told first. An event that the agent does not have is looked for "
      "in its spool, if the id is given whole: it may wait there, or have been set aside.",
      {{Code(ExitCode::kDone), "done"},
       {Code(ExitCode::kRefused), "no such event here: never captured, or delivered long ago"},
       {Code(ExitCode::kBadInput), "bad input"},
       {Code(ExitCode::kNotRecorded), "no answer: the agent is not running, and its spool does not have it"}},
      {{"", "tillwire explain 01a21007-e0c4"}}};
}

}  // namespace

int ExplainCommand::ExplainFromSpool(AgentTransport* agent, const Error& error) const {
  const auto response = FindSpooledEvent(connection_, agent, event_id_);
  if (!response) return ReportNoAnswer("explanation", error);
  if (json_) {
    std::cout << ToJson(*response, JsonLayout::kIndented) << "\n";
    return Code(ExitCode::kDone);
  }
  std::cout << event_id_ << ": " << WhatInWords(response->event()) << ", not recorded by the agent\n";
  PrintExplanations(std::cout, *response);
  return Code(ExitCode::kDone);
}

ExplainCommand::ExplainCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  AddEventArgument(App(), event_id_)->required();
  App().add_flag("--json", json_, "Print it as JSON (tillwire.v1.ExplainEventResponse)");
}

int ExplainCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ExplainFromSpool(nullptr, agent.error());
  const auto id = WholeEventId(*agent, event_id_);
  if (!id) return ReportNoAnswer("explanation", id.error());
  v1::ExplainEventResponse response;
  if (auto got = agent->ExplainEvent(*id, response); !got) {
    if (got.error().code == ErrorCode::kNotFound) return ExplainFromSpool(&*agent, got.error());
    return ReportNoAnswer("explanation", got.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kIndented) << "\n";
  } else {
    Print(std::cout, response, SystemClock().WallNow());
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
