// tillwire events: what this terminal's outbox holds, for a shift leader (a table) and for programs (JSON).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/cli/connection_options.h"
#include "core/result.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentTransport;
class EventPrinter;

namespace v1 {
class ListEventsRequest;
class OutboxEvent;
}  // namespace v1

class EventsCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  EventsCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  [[nodiscard]] v1::ListEventsRequest Request() const;
  [[nodiscard]] bool Wanted(const v1::OutboxEvent& event) const;
  Result<void> List(AgentTransport& agent, EventPrinter& printer) const;
  Result<void> Follow(AgentTransport& agent, EventPrinter& printer) const;

  const ConnectionOptions& connection_;
  std::vector<std::string> states_;
  std::string lane_;
  std::string since_;
  std::uint64_t limit_ = 50;
  bool follow_ = false;
  bool json_ = false;
};

}  // namespace tillwire
