#include "agent/cli/watch_screen.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "agent/cli/event_words.h"
#include "agent/cli/words.h"
#include "core/text.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kKeptEvents = 200;
constexpr std::size_t kLeastEvents = 3;  // rows that recent events get, however much is parked
constexpr std::size_t kOtherRows = 4;    // a heading, the last row, and a blank one before each
constexpr std::size_t kLabel = 12;

std::chrono::seconds Age(WallTime then, WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now - then);
}

Style StyleOf(v1::OutboxEventState state) {
  switch (state) {
    case v1::OUTBOX_EVENT_STATE_DELIVERED:
      return Style::kGood;
    case v1::OUTBOX_EVENT_STATE_PARKED:
    case v1::OUTBOX_EVENT_STATE_DAMAGED:
    case v1::OUTBOX_EVENT_STATE_NOT_IN_EFFECT:
      return Style::kBad;
    case v1::OUTBOX_EVENT_STATE_PENDING:
      return Style::kWarning;
    default:
      return Style::kQuiet;
  }
}

StyledLine Labelled(const std::string& label, StyledLine rest) {
  rest.insert(rest.begin(), {Padded(label, kLabel), Style::kQuiet});
  return rest;
}

// A labelled text, over as many lines as it needs.
void AddWrapped(std::vector<StyledLine>& lines, const std::string& label, const std::string& text,
                Style style, std::size_t columns) {
  std::string first = label;
  for (const auto& line : Wrapped(Printable(text), columns > kLabel + 10 ? columns - kLabel : 10)) {
    lines.push_back(Labelled(first, {{line, style}}));
    first.clear();
  }
}

std::string NextAttempt(const v1::ConnectionStatus& connection, WallTime now) {
  if (!connection.has_next_attempt_time()) return {};
  const auto wait = std::chrono::ceil<std::chrono::seconds>(TimeOf(connection.next_attempt_time()) - now);
  return "; next attempt in " + SpanInWords(wait);
}

Span ConnectionSpan(const v1::ConnectionStatus& connection, WallTime now) {
  switch (connection.state()) {
    case v1::CONNECTION_STATE_CONNECTED: {
      const WallTime since = TimeOf(connection.connected_since());
      return {"CONNECTED to " + connection.server() + " since " + TimeInWords(since, now) + " (" +
                  SpanInWords(Age(since, now)) + ")",
              Style::kGood};
    }
    case v1::CONNECTION_STATE_PAUSED:
      return {"PAUSED by operator " + Printable(connection.pause().operator_id()) + " until " +
                  TimeInWords(TimeOf(connection.pause().until_time()), now),
              Style::kWarning};
    case v1::CONNECTION_STATE_PUSHED_BACK:
      return {"WAITING: the centre asked for it" + NextAttempt(connection, now), Style::kWarning};
    case v1::CONNECTION_STATE_CONNECTING:
      return {"NOT CONNECTED: reaching for " + connection.server(), Style::kWarning};
    default:
      return {"NOT CONNECTED to " + connection.server() + NextAttempt(connection, now), Style::kBad};
  }
}

void AddConnection(std::vector<StyledLine>& lines, const v1::ConnectionStatus& connection, WallTime now,
                   std::size_t columns) {
  lines.push_back(Labelled("connection", {ConnectionSpan(connection, now)}));
  if (connection.state() == v1::CONNECTION_STATE_PAUSED) {
    AddWrapped(lines, "why", connection.pause().reason(), Style::kPlain, columns);
    AddWrapped(lines, "what to do", "nothing, or end it now: tillwire resume", Style::kStrong, columns);
    return;
  }
  if (!connection.last_error().empty()) {
    std::string text = connection.last_error();
    if (connection.failed_attempts() > 0) {
      text += " (" + Counted(connection.failed_attempts(), "failed attempt") + ")";
    }
    AddWrapped(lines, "last error", text, Style::kPlain, columns);
  }
  if (!connection.remedy().empty()) {
    AddWrapped(lines, "what to do", connection.remedy(), Style::kStrong, columns);
  }
}

// A count with its name, standing out where it is not zero and should be.
void AddCount(StyledLine& line, const std::string& name, std::uint64_t count, Style style) {
  if (line.size() > 1) line.push_back({"   "});
  line.push_back({name + " ", Style::kQuiet});
  line.push_back({std::to_string(count), count == 0 ? Style::kPlain : style});
}

void AddCounts(std::vector<StyledLine>& lines, const v1::OutboxStatus& outbox, std::size_t columns) {
  StyledLine counts = Labelled("events", {});
  AddCount(counts, "pending", outbox.pending(), Style::kWarning);
  if (outbox.has_oldest_pending_time()) {
    counts.push_back({", oldest " + SpanInWords(std::chrono::seconds(outbox.oldest_pending_seconds()))});
  }
  AddCount(counts, "parked", outbox.parked(), Style::kBad);
  AddCount(counts, "delivered", outbox.delivered(), Style::kGood);
  if (outbox.released() > 0) AddCount(counts, "released", outbox.released(), Style::kPlain);
  if (outbox.lost() > 0) AddCount(counts, "lost", outbox.lost(), Style::kBad);
  if (outbox.not_in_effect() > 0) AddCount(counts, "not in effect", outbox.not_in_effect(), Style::kBad);
  lines.push_back(std::move(counts));
  lines.push_back(Labelled(
      "disk", {{BytesInWords(outbox.used_bytes()) + " of " + BytesInWords(outbox.max_bytes()) + " in use"}}));
  if (outbox.capture_problem().empty()) return;
  const bool refused = outbox.capture_stage() > v1::CAPTURE_STAGE_PRUNING_EARLY;
  AddWrapped(lines, "captures", outbox.capture_problem(), refused ? Style::kBad : Style::kWarning, columns);
  AddWrapped(lines, "what to do", outbox.capture_remedy(), Style::kStrong, columns);
}

void AddSpool(std::vector<StyledLine>& lines, const v1::SpoolStatus& spool, WallTime now,
              std::size_t columns) {
  StyledLine line = Labelled("spool", {});
  if (spool.waiting() == 0) {
    line.push_back({"nothing waits"});
  } else {
    std::string text = Counted(spool.waiting(), "file") + (spool.waiting() == 1 ? " waits" : " wait");
    if (spool.has_oldest_waiting_time()) {
      text += ", the oldest for " + SpanInWords(Age(TimeOf(spool.oldest_waiting_time()), now));
    }
    line.push_back({text, Style::kWarning});
  }
  if (spool.bad() > 0) {
    line.push_back({"   "});
    line.push_back({Counted(spool.bad(), "file") + " set aside: see tillwire status", Style::kBad});
  }
  lines.push_back(std::move(line));
  if (!spool.last_problem().empty())
    AddWrapped(lines, "in its way", spool.last_problem(), Style::kBad, columns);
}

// A labelled text below a parked event.
void AddBelow(std::vector<StyledLine>& lines, const std::string& label, const std::string& text,
              std::size_t columns) {
  std::string indent = "    " + label;
  const std::size_t width = columns > indent.size() + 20 ? columns - indent.size() : 20;
  for (const auto& line : Wrapped(Printable(text), width)) {
    lines.push_back({{indent, Style::kQuiet}, {line}});
    indent = std::string(indent.size(), ' ');
  }
}

std::vector<StyledLine> ParkedLines(const v1::GetAgentStatusResponse& status, WallTime now,
                                    std::size_t columns) {
  std::vector<StyledLine> lines;
  for (const auto& parked : status.parked_events()) {
    lines.push_back({{"  " + LaneInWords(parked.lane()) + "  ", Style::kStrong},
                     {Printable(parked.reason()), Style::kBad},
                     {" for " + SpanInWords(Age(TimeOf(parked.parked_time()), now))}});
    if (!parked.detail().empty()) AddBelow(lines, "why:   ", parked.detail(), columns);
    AddBelow(lines, "to do: ", parked.remedy(), columns);
  }
  return lines;
}

void AddParked(std::vector<StyledLine>& lines, const v1::GetAgentStatusResponse& status, TerminalSize size,
               WallTime now) {
  const auto parked = ParkedLines(status, now, size.columns);
  if (parked.empty()) return;
  lines.push_back({});
  lines.push_back({{"PARKED", Style::kBad},
                   {"  each holds back only the later events of its own order or bin", Style::kQuiet}});
  const std::size_t taken = lines.size() + kOtherRows + kLeastEvents;
  const std::size_t room = size.rows > taken ? size.rows - taken : 1;
  // What does not fit costs a row to say so.
  const std::size_t fit = parked.size() <= room ? parked.size() : room - 1;
  lines.insert(lines.end(), parked.begin(), parked.begin() + static_cast<std::ptrdiff_t>(fit));
  if (fit < parked.size()) lines.push_back({{"  ... more: tillwire events --state parked", Style::kQuiet}});
}

StyledLine EventLine(const v1::OutboxEvent& event, WallTime now) {
  // The whole reason stands above, or behind tillwire show.
  const std::string why = event.held_by_event_id().empty() ? Printable(event.reason()) : "waits its turn";
  return {{"  " + Padded(TimeInWords(TimeOf(event.capture_time()), now), 8) + "  ", Style::kQuiet},
          {Padded(WhatInWords(event), 12) + "  " + Padded(LaneInWords(event.lane()), 22) + "  "},
          {Padded(StateInWords(event), 13), StyleOf(event.state())},
          {why.empty() ? "" : "  " + why}};
}

}  // namespace

struct WatchScreen::State {
  std::optional<v1::GetAgentStatusResponse> status;
  std::deque<v1::OutboxEvent> events;  // by position, the newest last
  std::optional<Error> down;
  WallTime down_since;
};

WatchScreen::WatchScreen() : state_(std::make_unique<State>()) {}
WatchScreen::~WatchScreen() = default;

void WatchScreen::Apply(const v1::WatchEventsResponse& update) {
  state_->down.reset();
  if (update.has_status()) state_->status = update.status();
  if (update.has_event()) AddEvent(update.event());
}

void WatchScreen::AddEvent(const v1::OutboxEvent& event) {
  auto& events = state_->events;
  const auto at = std::lower_bound(
      events.begin(), events.end(), event.position(),
      [](const v1::OutboxEvent& other, std::uint64_t position) { return other.position() < position; });
  if (at != events.end() && at->position() == event.position()) {
    *at = event;
  } else {
    events.insert(at, event);
  }
  if (events.size() > kKeptEvents) events.pop_front();
}

void WatchScreen::SetDown(const Error& error, WallTime now) {
  if (!state_->down) state_->down_since = now;
  state_->down = error;
}

std::vector<StyledLine> WatchScreen::Lines(TerminalSize size, WallTime now) const {
  std::vector<StyledLine> lines;
  const auto& status = state_->status;
  std::string who = "Tillwire";
  if (status) who += "  terminal " + Printable(status->terminal_id() + " of store " + status->store_id());
  const std::string clock = TimeInWords(now, now);
  const std::size_t room = size.columns > clock.size() + 1 ? size.columns - clock.size() - 1 : 0;
  lines.push_back({{Padded(who, room) + " ", Style::kStrong}, {clock, Style::kQuiet}});
  lines.push_back({{std::string(size.columns, '-'), Style::kQuiet}});
  if (state_->down) {
    lines.push_back(Labelled(
        "agent", {{"DOWN for " + SpanInWords(Age(state_->down_since, now)) + "; trying again each second",
                   Style::kBad}}));
    AddWrapped(lines, "why", state_->down->message, Style::kPlain, size.columns);
    if (!state_->down->hint.empty()) {
      AddWrapped(lines, "what to do", state_->down->hint, Style::kStrong, size.columns);
    }
    if (status) lines.push_back({{"What follows is what was known last.", Style::kQuiet}});
  } else if (!status) {
    lines.push_back(Labelled("agent", {{"reaching for it"}}));
  }
  if (status) {
    if (!state_->down) AddConnection(lines, status->connection(), now, size.columns);
    AddCounts(lines, status->outbox(), size.columns);
    if (status->has_spool()) AddSpool(lines, status->spool(), now, size.columns);
    AddParked(lines, *status, size, now);
  }
  lines.push_back({});
  lines.push_back({{"RECENT EVENTS", Style::kStrong}});
  const std::size_t fit = size.rows > lines.size() + 2 ? size.rows - lines.size() - 2 : 0;
  const auto& events = state_->events;
  if (events.empty() && fit > 0) lines.push_back({{"  none yet", Style::kQuiet}});
  for (std::size_t i = events.size() > fit ? events.size() - fit : 0; i < events.size(); ++i) {
    lines.push_back(EventLine(events[i], now));
  }
  lines.resize(size.rows > 0 ? size.rows - 1 : 0);
  lines.push_back({{"q quits", Style::kQuiet}});
  return lines;
}

std::string WatchScreen::Summary() const {
  if (state_->down) return "the agent is down (" + state_->down->Text() + "); trying again";
  if (!state_->status) return {};
  const auto& connection = state_->status->connection();
  const auto& outbox = state_->status->outbox();
  std::string text;
  switch (connection.state()) {
    case v1::CONNECTION_STATE_CONNECTED:
      text = "connected to " + connection.server();
      break;
    case v1::CONNECTION_STATE_PAUSED:
      text = "paused by operator " + Printable(connection.pause().operator_id());
      break;
    case v1::CONNECTION_STATE_PUSHED_BACK:
      text = "the centre asked to wait";
      break;
    default:
      text = "not connected to " + connection.server();
      if (!connection.last_error().empty()) text += " (" + Printable(connection.last_error()) + ")";
  }
  return text + "; pending " + std::to_string(outbox.pending()) + ", parked " +
         std::to_string(outbox.parked()) + ", delivered " + std::to_string(outbox.delivered());
}

std::string EventInALine(const v1::OutboxEvent& event) {
  const std::string why = WhyInWords(event);
  return WhatInWords(event) + ", " + LaneInWords(event.lane()) + ": " + StateInWords(event) +
         (why.empty() ? "" : " (" + why + ")");
}

}  // namespace tillwire
