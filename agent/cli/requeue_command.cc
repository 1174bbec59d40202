#include "agent/cli/requeue_command.h"

#include <algorithm>
#include <cctype>
#include <iostream>
#include <string_view>
#include <vector>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_id.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/words.h"
#include "core/nearest_name.h"
#include "core/text.h"
#include "core/write_back.h"
#include "platform/command_line/command_text.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr const char* kDone = "requeued";
constexpr const char* kSee = "tillwire status";

// As the agent has it, also where it is written as a word or as the contract does.
std::string ReasonFrom(std::string given) {
  std::transform(given.begin(), given.end(), given.begin(), [](unsigned char letter) {
    return letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
  });
  constexpr std::string_view kPrefix = "PARK_REASON_";
  return given.starts_with(kPrefix) ? given.substr(kPrefix.size()) : given;
}

std::vector<std::string> KnownReasons() {
  const std::string none = ParkReasonName(ParkReason::kUnspecified);
  std::vector<std::string> known;
  for (int number = 1; ParkReasonName(static_cast<ParkReason>(number)) != none; ++number)
    known.emplace_back(ParkReasonName(static_cast<ParkReason>(number)));
  return known;
}

// A centre of a later version may park for reasons that are not known here, so this is said only where no
// event is parked for it.
Result<void> CheckKnown(const std::string& reason) {
  const auto known = KnownReasons();
  if (std::find(known.begin(), known.end(), reason) != known.end()) return {};
  const std::string nearest = NearestName(reason, known);
  return Error{ErrorCode::kInvalidArgument,
               "no event is parked for " + Excerpt(reason) + ", which is no known reason",
               nearest.empty() ? "give " + OneOf(known) : "did you mean " + nearest + "?"};
}

CommandText Text() {
  return {
      "requeue",
      "Send parked events again, once their reason is dealt with",
      "Give one event, or a reason for all that are parked for it. The later events of their orders and bins "
      "follow them.",
      {{Code(ExitCode::kDone), "requeued; with a known --reason also if none was parked for it"},
       {Code(ExitCode::kRefused), "no such event here, or it is not parked"},
       {Code(ExitCode::kBadInput), "bad input"},
       {Code(ExitCode::kNotRecorded), "not requeued: the agent is not running, or its disk failed"},
       {Code(ExitCode::kUnknown), "no answer in time; see tillwire status"}},
      {{"One event", "tillwire requeue 01a21007-e0c4-7000-b22e-1fcfd7c4736f"},
       {"After acceptance.max_lines was raised at the centre", "tillwire requeue --reason TOO_MANY_LINES"}}};
}

}  // namespace

RequeueCommand::RequeueCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  auto* event = AddEventArgument(App(), event_id_);
  App()
      .add_option("--reason", reason_,
                  "All events that are parked for this reason, as tillwire status shows it")
      ->type_name("REASON")
      ->excludes(event);
  App().add_flag("--json", json_, "Answer in JSON");
}

int RequeueCommand::RequeueOne(AgentTransport& agent) const {
  const auto id = WholeEventId(agent, event_id_);
  if (!id) return ReportNotDone(kDone, kSee, id.error());
  v1::RequeueEventResponse response;
  if (auto requeued = agent.RequeueEvent(*id, response); !requeued) {
    return ReportNotDone(kDone, kSee, requeued.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kOneLine) << "\n";
  } else {
    std::cout << "requeued " << *id << " (had been parked: " << response.parked_reason() << ")\n";
  }
  return Code(ExitCode::kDone);
}

int RequeueCommand::RequeueAll(AgentTransport& agent) const {
  const std::string reason = ReasonFrom(reason_);
  v1::RequeueEventsResponse response;
  if (auto requeued = agent.RequeueEvents(reason, response); !requeued) {
    return ReportNotDone(kDone, kSee, requeued.error());
  }
  if (response.requeued() == 0) {
    if (auto known = CheckKnown(reason); !known) return ReportNotDone(kDone, kSee, known.error());
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kOneLine) << "\n";
  } else {
    std::cout << "requeued " << Counted(response.requeued(), "event") << " (had been parked: " << reason
              << ")\n";
  }
  return Code(ExitCode::kDone);
}

int RequeueCommand::Run() const {
  if (event_id_.empty() && reason_.empty()) {
    return ReportNotDone(
        kDone, kSee, {ErrorCode::kInvalidArgument, "no event is named", "give EVENT, or --reason REASON"});
  }
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNotDone(kDone, kSee, agent.error());
  return event_id_.empty() ? RequeueAll(*agent) : RequeueOne(*agent);
}

}  // namespace tillwire
