#include "agent/cli/show_command.h"

#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_id.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/spooled_event.h"
#include "agent/cli/words.h"
#include "core/epoch.h"
#include "core/text.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

using nlohmann::ordered_json;

std::ostream& Row(std::ostream& out, const char* name) {
  return out << std::left << std::setw(12) << name;
}

// An enum's value as a person types it: "customer-request" of CANCELLATION_REASON_CUSTOMER_REQUEST. Any other
// text as it is.
std::string InWords(const std::string& text) {
  for (const char* enum_name :
       {"CancellationScope", "CancellationInitiator", "CancellationReason", "ReleasePolicy",
        "FulfillmentState", "ClearReason", "Disposition", "EventSource"}) {
    if (auto word = EnumWord(enum_name, text); !word.empty()) return word;
  }
  return text;
}

// Whether a field says something: not zero, empty, false or unspecified.
bool Says(const ordered_json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return !text.empty() && !text.ends_with("_UNSPECIFIED") && text != "0";
  }
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  return !value.empty() && !value.is_null();
}

// The fields that say something, one a line, those of a part below its name.
void PrintFields(std::ostream& out, const ordered_json& object, const std::string& indent) {
  for (const auto& [name, value] : object.items()) {
    if (!Says(value)) continue;
    if (value.is_object()) {
      out << indent << name << "\n";
      PrintFields(out, value, indent + "  ");
    } else if (value.is_array()) {
      std::size_t number = 0;
      for (const auto& element : value) {
        out << indent << name << " " << ++number << (element.is_object() ? "\n" : "  ");
        if (element.is_object()) {
          PrintFields(out, element, indent + "  ");
        } else {
          out << Printable(element.is_string() ? element.get<std::string>() : element.dump()) << "\n";
        }
      }
    } else {
      out << indent << name << "  "
          << Printable(value.is_string() ? InWords(value.get<std::string>()) : value.dump()) << "\n";
    }
  }
}

void PrintSupplied(std::ostream& out, const v1::OutboxEvent& event) {
  out << "\nWhat was captured\n";
  PrintFields(out, ordered_json::parse(ToJson(event.event(), JsonLayout::kOneLine)), "  ");
}

// An event that only the spool has.
void PrintSpooled(std::ostream& out, const v1::OutboxEvent& event) {
  Row(out, "event") << event.event_id() << "\n";
  Row(out, "what") << WhatInWords(event) << "\n";
  Row(out, "state") << "not recorded by the agent\n";
  Row(out, "why") << Printable(event.detail()) << "\n";
  Row(out, "to do") << Printable(event.remedy()) << "\n";
  if (event.has_event()) PrintSupplied(out, event);
}

void Print(std::ostream& out, const v1::OutboxEvent& event, WallTime now) {
  Row(out, "event") << event.event_id() << "\n";
  Row(out, "what") << WhatInWords(event) << "\n";
  Row(out, "lane") << LaneInWords(event.lane()) << "\n";
  Row(out, "state") << StateInWords(event);
  if (event.has_state_time()) {
    const WallTime since = TimeOf(event.state_time());
    out << " since " << TimeInWords(since, now) << " ("
        << SpanInWords(std::chrono::floor<std::chrono::seconds>(now - since)) << ")";
  }
  out << "\n";
  if (const auto why = WhyInWords(event); !why.empty()) Row(out, "why") << why << "\n";
  if (!event.remedy().empty()) Row(out, "to do") << Printable(event.remedy()) << "\n";
  Row(out, "captured") << TimeInWords(TimeOf(event.capture_time()), now) << "\n";
  Row(out, "place") << "sequence " << event.sequence() << " of epoch " << EpochName(event.epoch())
                    << ", position " << event.position() << "\n";
  if (!event.has_event()) {
    out << "\nWhat was captured can't be read: its bytes are damaged.\n";
    return;
  }
  PrintSupplied(out, event);
}

CommandText Text() {
  return {
      "show",
      "Show everything about one event",
      "An event that the agent does not have is looked for in its spool, if the id is given whole: it may "
      "wait there, or have been set aside.",
      {{Code(ExitCode::kDone), "done"},
       {Code(ExitCode::kRefused), "no such event here: never captured, or delivered long ago"},
       {Code(ExitCode::kBadInput), "bad input"},
       {Code(ExitCode::kNotRecorded), "no answer: the agent is not running, and its spool does not have it"}},
      {{"", "tillwire show 01a21007-e0c4-7000-b22e-1fcfd7c4736f"}}};
}

}  // namespace

ShowCommand::ShowCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  AddEventArgument(App(), event_id_)->required();
  App().add_flag("--json", json_, "Print it as JSON (tillwire.v1.OutboxEvent)");
}

int ShowCommand::ShowFromSpool(AgentTransport* agent, const Error& error) const {
  const auto response = FindSpooledEvent(connection_, agent, event_id_);
  if (!response) return ReportNoAnswer("event", error);
  if (json_) {
    std::cout << ToJson(response->event(), JsonLayout::kIndented) << "\n";
  } else {
    PrintSpooled(std::cout, response->event());
  }
  return Code(ExitCode::kDone);
}

int ShowCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ShowFromSpool(nullptr, agent.error());
  const auto id = WholeEventId(*agent, event_id_);
  if (!id) return ReportNoAnswer("event", id.error());
  v1::GetEventResponse response;
  if (auto got = agent->GetEvent(*id, response); !got) {
    if (got.error().code == ErrorCode::kNotFound) return ShowFromSpool(&*agent, got.error());
    return ReportNoAnswer("event", got.error());
  }
  if (json_) {
    std::cout << ToJson(response.event(), JsonLayout::kIndented) << "\n";
  } else {
    Print(std::cout, response.event(), SystemClock().WallNow());
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
