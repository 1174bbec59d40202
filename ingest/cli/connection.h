// A connection to a running tillwire-ingestd, for its own command line.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"

namespace CLI {
class App;
}  // namespace CLI

namespace grpc {
class Channel;
}  // namespace grpc

namespace tillwire {

// Exit codes of the commands.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,       // the service refused, or stopped in the middle
  kExitBadInput = 2,     // the command line or the configuration is wrong
  kExitUnreachable = 3,  // no service answers
  kExitIncomplete = 4,   // done, and some of it needs a person
};

// Adds --server, with its environment variable, to a command.
void AddServerOption(CLI::App& app, std::string& server);

// Connects in plaintext to "host:port". kUnavailable if nothing answers within some seconds.
Result<std::shared_ptr<grpc::Channel>> Connect(const std::string& server);

// Prints "tillwire-ingestd: TEXT" to standard error.
void PrintError(const Error& error);

}  // namespace tillwire
