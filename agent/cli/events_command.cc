#include "agent/cli/events_command.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <utility>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/words.h"
#include "platform/command_line/option_types.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {

// Prints events, each with a line's end at once where somebody may be waiting for it.
class EventPrinter {
 public:
  EventPrinter(bool as_json, bool follow) : as_json_(as_json), follow_(follow) {}

  void Print(const std::vector<v1::OutboxEvent>& events) {
    if (!as_json_) Head(events);
    for (const auto& event : events) Line(event);
    std::cout.flush();
  }

  void Print(const v1::OutboxEvent& event) {
    Line(event);
    std::cout.flush();
  }

 private:
  static constexpr std::size_t kTime = 19;
  static constexpr std::size_t kWhat = 12;
  static constexpr std::size_t kLane = 22;
  static constexpr std::size_t kState = 13;

  // What follows the list may need ids as long as they come.
  void Head(const std::vector<v1::OutboxEvent>& events) {
    std::vector<std::string> ids;
    for (const auto& event : events) ids.push_back(event.event_id());
    id_length_ = ShortIdLength(ids);
    Row("CAPTURED", "WHAT", "ORDER OR BIN", "STATE", "EVENT", "WHY");
  }

  void Line(const v1::OutboxEvent& event) {
    if (as_json_) {
      std::cout << ToJson(event, JsonLayout::kOneLine) << "\n";
      return;
    }
    const WallTime now = SystemClock().WallNow();
    Row(TimeInWords(TimeOf(event.capture_time()), now), WhatInWords(event), LaneInWords(event.lane()),
        StateInWords(event), event.event_id().substr(0, follow_ ? std::string::npos : id_length_),
        WhyInWords(event));
  }

  void Row(const std::string& time, const std::string& what, const std::string& lane,
           const std::string& state, const std::string& id, const std::string& why) const {
    const std::size_t id_width = follow_ ? 36 : id_length_;
    std::string row = Padded(time, kTime) + "  " + Padded(what, kWhat) + "  " + Padded(lane, kLane) + "  " +
                      Padded(state, kState) + "  " + Padded(id, id_width) + "  " + why;
    row.erase(row.find_last_not_of(' ') + 1);
    std::cout << row << "\n";
  }

  const bool as_json_;
  const bool follow_;
  std::size_t id_length_ = 13;
};

namespace {

// A span before now, or a time as in 2026-05-04T14:02:00+02:00.
std::optional<WallTime> ParseSince(const std::string& text, WallTime now) {
  if (const auto span = ParseSpan(text)) return now - *span;
  return ParseTime(text);
}

CommandText Text() {
  return {
      "events",
      "List the events of this terminal, the newest last",
      "An event is pending until the centre has it; it is then delivered. A parked one waits for a person. "
      "Delivered events stay in the list for some weeks.",
      {{Code(ExitCode::kDone), "done, also if there is none"},
       {Code(ExitCode::kBadInput), "bad input"},
       {Code(ExitCode::kNotRecorded), "no answer: the agent is not running, or has stopped"}},
      {{"What waits, and why", "tillwire events --state pending --state parked"},
       {"What became of one order today", "tillwire events --order 100023 --since 12h"},
       {"For a script", "tillwire events --state parked --json --limit 0 | jq -r .event_id"}}};
}

}  // namespace

EventsCommand::EventsCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  const auto add_state = [this](const std::vector<std::string>& given) {
    for (const auto& word : given) {
      if (StateOfWord(word) == 0) {
        throw CLI::ValidationError("--state is \"" + word + "\"; give " + OneOf(StateWords()));
      }
    }
    states_ = given;
  };
  auto* state = App()
                    .add_option_function<std::vector<std::string>>(
                        "--state", add_state, "Only events in this state; repeatable: " + OneOf(StateWords()))
                    ->type_name("STATE")
                    ->allow_extra_args(false);
  line.OfferChoices(*state, StateWords());
  const auto add_lane = [this](const char* kind) {
    return [this, kind](const std::string& id) {
      if (!lane_.empty()) throw CLI::ValidationError("--order and --bin are both given; give one of them");
      lane_ = std::string(kind) + ":" + id;
    };
  };
  App()
      .add_option_function<std::string>("--order", add_lane("order"), "Only events of this order")
      ->type_name("ID");
  App()
      .add_option_function<std::string>("--bin", add_lane("bin"),
                                        "Only clears of this bin that belong to no order")
      ->type_name("ID");
  const auto check_since = [this](const std::string& given) {
    if (!ParseSince(given, SystemClock().WallNow())) {
      throw CLI::ValidationError("--since is \"" + given +
                                 "\"; give a span as 30m, 12h or 3d, or a time as "
                                 "2026-05-04T14:02:00+02:00");
    }
    since_ = given;
  };
  App()
      .add_option_function<std::string>(
          "--since", check_since, "Only what was captured since then: a span as 30m, 12h or 3d, or a time")
      ->type_name("TIME");
  AddWholeNumber(App(), "--limit", limit_, "The newest so many; 0 is no limit")->default_str("50");
  App().add_flag("-f,--follow", follow_,
                 "Go on with each event that is captured or changes, until interrupted");
  App().add_flag("--json", json_, "One JSON object a line (tillwire.v1.OutboxEvent)");
}

v1::ListEventsRequest EventsCommand::Request() const {
  v1::ListEventsRequest request;
  for (const auto& word : states_) {
    request.add_states(static_cast<v1::OutboxEventState>(StateOfWord(word)));
  }
  request.set_lane(lane_);
  if (!since_.empty()) {
    const auto since = ParseSince(since_, SystemClock().WallNow());
    EncodeTime(since.value_or(WallTime()), *request.mutable_since_time());
  }
  request.set_limit(limit_);
  // The newest are wanted, but are to be shown last: they are turned round here.
  request.set_newest_first(limit_ > 0);
  return request;
}

bool EventsCommand::Wanted(const v1::OutboxEvent& event) const {
  const bool state = states_.empty() || std::any_of(states_.begin(), states_.end(), [&](const auto& word) {
                       return StateOfWord(word) == event.state();
                     });
  return state && (lane_.empty() || lane_ == event.lane());
}

Result<void> EventsCommand::List(AgentTransport& agent, EventPrinter& printer) const {
  const auto request = Request();
  std::vector<v1::OutboxEvent> events;
  if (!request.newest_first()) printer.Print(events);  // the table's head
  auto listed = agent.ListEvents(request, [&](const v1::OutboxEvent& event) {
    if (request.newest_first()) {
      events.push_back(event);
    } else {
      printer.Print(event);
    }
    return static_cast<bool>(std::cout);
  });
  if (!listed || !request.newest_first()) return listed;
  std::reverse(events.begin(), events.end());
  printer.Print(events);
  return {};
}

// The watch begins before the list, so that nothing falls between them; its first update says that it has
// begun.
Result<void> EventsCommand::Follow(AgentTransport& agent, EventPrinter& printer) const {
  Result<void> listed;
  bool first = true;
  const auto watched = agent.WatchEvents(true, [&](const v1::WatchEventsResponse& update) {
    if (std::exchange(first, false)) listed = List(agent, printer);
    if (update.has_event() && Wanted(update.event())) printer.Print(update.event());
    if (update.skipped_events() > 0) {
      std::cerr << "not listed: " << Counted(update.skipped_events(), "event")
                << " that changed at once; see tillwire events\n";
    }
    return listed.ok() && static_cast<bool>(std::cout);
  });
  return listed ? watched : listed;
}

int EventsCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNoAnswer("events", agent.error());
  EventPrinter printer(json_, follow_);
  const auto done = follow_ ? Follow(*agent, printer) : List(*agent, printer);
  if (!done) return ReportNoAnswer("events", done.error());
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
