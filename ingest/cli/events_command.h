// tillwire-ingestd events: what arrived, as a table or as JSON, through the running service.
#pragma once

#include <cstdint>
#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class EventsCommand final : public Command {
 public:
  explicit EventsCommand(CommandLine& line);

  // Prints to standard output; gives the exit code (cli/connection.h).
  [[nodiscard]] int Run() const override;

 private:
  std::string server_;
  bool follow_ = false;
  bool json_ = false;
  std::uint64_t after_ = 0;
  std::uint64_t limit_ = 0;  // 0: none
  std::string store_;
  std::string terminal_;
};

}  // namespace tillwire
