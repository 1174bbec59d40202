#include "agent/cli/explain_command.h"

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_id.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/spool_transport.h"
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
      "What a person should look at first is told first. While the agent is down the spool is looked into, "
      "for an event "
      "whose id is given whole.",
      {{Code(ExitCode::kDone), "done"},
       {Code(ExitCode::kRefused), "no such event here: never captured, or delivered long ago"},
       {Code(ExitCode::kBadInput), "bad input"},
       {Code(ExitCode::kNotRecorded), "no answer: the agent is not running, and its spool does not have it"}},
      {{"", "tillwire explain 01a21007-e0c4"}}};
}

// An event that lies in the spool, since there is no agent to take it.
v1::ExplainEventResponse Explanation(const std::string& event_id, const SpooledFile& file) {
  v1::ExplainEventResponse response;
  response.mutable_event()->set_event_id(event_id);
  auto& explanation = *response.add_explanations();
  if (file.reason.empty()) {
    explanation.set_reason(v1::EXPLANATION_REASON_SPOOLED);
    explanation.set_text("it waits in the spool, since the agent is not running: " + file.path.string());
    explanation.set_remedy("start the agent: systemctl start tillwired");
  } else {
    explanation.set_reason(v1::EXPLANATION_REASON_SET_ASIDE);
    explanation.set_text("it could not be taken from the spool, and is not recorded: " + file.reason);
    explanation.set_remedy("correct what the reason says and capture it again; the file is " +
                           file.path.string());
  }
  return response;
}

}  // namespace

int ExplainCommand::ExplainFromSpool(const Error& no_agent) const {
  const std::string spool = connection_.Spool();
  if (spool.empty()) return ReportNoAnswer("explanation", no_agent);
  const auto found = FindInSpool(spool, event_id_);
  if (!found || !*found) return ReportNoAnswer("explanation", no_agent);
  const auto response = Explanation(event_id_, **found);
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kIndented) << "\n";
    return Code(ExitCode::kDone);
  }
  std::cout << event_id_ << ": not taken by the agent yet\n";
  PrintExplanations(std::cout, response);
  return Code(ExitCode::kDone);
}

ExplainCommand::ExplainCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  AddEventArgument(App(), event_id_)->required();
  App().add_flag("--json", json_, "Print it as JSON (tillwire.v1.ExplainEventResponse)");
}

int ExplainCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ExplainFromSpool(agent.error());
  const auto id = WholeEventId(*agent, event_id_);
  if (!id) return ReportNoAnswer("explanation", id.error());
  v1::ExplainEventResponse response;
  if (auto got = agent->ExplainEvent(*id, response); !got) return ReportNoAnswer("explanation", got.error());
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kIndented) << "\n";
  } else {
    Print(std::cout, response, SystemClock().WallNow());
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
