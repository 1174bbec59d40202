// What tillwire watch shows: how the agent is, and what happens, in a terminal's lines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/cli/styled.h"
#include "agent/cli/terminal.h"
#include "core/clock.h"
#include "core/result.h"

namespace tillwire {

namespace v1 {
class OutboxEvent;
class WatchEventsResponse;
}  // namespace v1

// One thread at a time.
class WatchScreen {
 public:
  WatchScreen();
  ~WatchScreen();

  void Apply(const v1::WatchEventsResponse& update);
  // An event from before the watch; to be given oldest first.
  void AddEvent(const v1::OutboxEvent& event);
  // No agent answers. It goes on showing what was known last, until the next update.
  void SetDown(const Error& error, WallTime now);

  // As many lines as fit; the terminal's last row is the last line.
  [[nodiscard]] std::vector<StyledLine> Lines(TerminalSize size, WallTime now) const;
  // The same in one line, for a log: it changes only when something happens, not with the time alone.
  [[nodiscard]] std::string Summary() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// An event in one line, without its time: "cancellation, order 100023: parked (TOO_MANY_LINES: 600 lines)".
std::string EventInALine(const v1::OutboxEvent& event);

}  // namespace tillwire
