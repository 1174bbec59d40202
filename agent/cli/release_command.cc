#include "agent/cli/release_command.h"

#include <unistd.h>

#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_id.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr const char* kDone = "released";

CommandText Text() {
  return {"release",
          "Give a parked event up for good, so that its order or bin goes on without it",
          "The event never takes effect: the centre closes its place and notes who decided so, and why. It "
          "stays in "
          "this terminal's list. Requeue it instead if its reason can be dealt with.",
          {{Code(ExitCode::kDone), "released"},
           {Code(ExitCode::kRefused),
            "no such event here, it is not parked, an earlier one comes first, or the "
            "answer was no"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "not released: the agent is not running, or its disk failed"},
           {Code(ExitCode::kUnknown), "no answer in time; see tillwire show EVENT"}},
          {{"",
            "tillwire release 01a21007-e0c4-7000-b22e-1fcfd7c4736f --operator-id 117 \\\n"
            "  --reason \"entered by hand in the OMS\""}}};
}

}  // namespace

ReleaseCommand::ReleaseCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  AddEventArgument(App(), event_id_)->required();
  App().add_option("--operator-id", operator_id_, "Who decides so")->type_name("ID")->required();
  App()
      .add_option("--reason", reason_, "Why, for the people at the centre; never card data")
      ->type_name("TEXT")
      ->required();
  App().add_flag("-y,--yes", yes_, "Do not ask");
  App().add_flag("--json", json_, "Answer in JSON (tillwire.v1.ReleaseEventResponse)");
}

Result<void> ReleaseCommand::Confirm(AgentTransport& agent, const std::string& id) const {
  if (yes_) return {};
  if (isatty(STDIN_FILENO) == 0) {
    return Error{ErrorCode::kInvalidArgument, "this is for good, and there is no terminal to ask at",
                 "give --yes if you are sure"};
  }
  v1::GetEventResponse response;
  if (auto got = agent.GetEvent(id, response); !got) return got;
  const auto& event = response.event();
  std::cerr << "Event " << id << " (" << WhatInWords(event) << ", " << LaneInWords(event.lane()) << ") is "
            << StateInWords(event)
            << ".\nReleased, it never takes effect at the centre; this can't be undone.\n"
            << "Release it? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return Error{ErrorCode::kFailedPrecondition, "the answer was no", {}};
}

int ReleaseCommand::Run() const {
  const std::string see = "tillwire show " + event_id_;
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNotDone(kDone, see, agent.error());
  const auto id = WholeEventId(*agent, event_id_);
  if (!id) return ReportNotDone(kDone, see, id.error());
  if (auto confirmed = Confirm(*agent, *id); !confirmed) return ReportNotDone(kDone, see, confirmed.error());
  v1::ReleaseEventRequest request;
  request.set_event_id(*id);
  request.set_operator_id(operator_id_);
  request.set_reason(reason_);
  v1::ReleaseEventResponse response;
  if (auto released = agent->ReleaseEvent(request, response); !released) {
    return ReportNotDone(kDone, see, released.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kOneLine) << "\n";
  } else {
    std::cout << "released " << *id << " (had been parked: " << response.parked_reason() << ")\n";
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
