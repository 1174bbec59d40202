#include "ingest/cli/status_command.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iomanip>
#include <iostream>

#include "ingest/cli/connection.h"
#include "ingest/cli/time_text.h"
#include "proto/grpc_error.h"
#include "proto/json_codec.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

constexpr auto kTimeout = std::chrono::seconds(30);

template <typename Value>
void Line(const char* name, const Value& value, const char* meaning) {
  std::cout << std::left << std::setw(20) << name << std::setw(20) << value << meaning << "\n";
}

void PrintTable(const std::string& server, const v1::GetIngestionStatusResponse& status) {
  std::cout << "tillwire-ingestd " << status.version() << " at " << server << ", since "
            << TimeText(status.started_time()) << "\n"
            << "ledger " << status.ledger_incarnation() << "\n\n";
  Line("connected streams", status.connected_streams(), "open now");
  Line("terminals", status.terminals(), "that ever wrote here");
  Line("accepted", status.accepted(), "events in effect");
  Line("imported", status.imported(), "of those, what export files brought");
  Line("duplicates", status.duplicates(), "arrived again, absorbed");
  Line("parked", status.parked(), "refused for now; a person must act");
  Line("tombstoned", status.tombstoned(), "sequences that were given up");
  Line("conflicts", status.conflicts(), "refused: another record has that identity");
  Line("reappeared", status.reappeared(), "arrived after they were given up; kept, not in effect");
}

}  // namespace

StatusCommand::StatusCommand(CommandLine& line)
    : Command(line.Add({"status",
                        "Show what the running service's ledger holds",
                        "",
                        {{kExitDone, "done"},
                         {kExitFailed, "the service refused, or stopped in the middle"},
                         {kExitBadInput, "bad input"},
                         {kExitUnreachable, "no service answers"}},
                        {{"", "tillwire-ingestd status --server ingest.example.com:7400"}}})) {
  AddServerOption(App(), server_);
  App().add_flag("--json", json_, "Print it as JSON (tillwire.v1.GetIngestionStatusResponse)");
}

int StatusCommand::Run() const {
  const auto channel = Connect(server_);
  if (!channel) {
    PrintError(channel.error());
    return kExitUnreachable;
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  v1::GetIngestionStatusResponse response;
  const auto status = v1::OperationsService::NewStub(*channel)->GetIngestionStatus(&context, {}, &response);
  if (!status.ok()) {
    PrintError(ErrorFromGrpcStatus(status));
    return kExitFailed;
  }
  if (json_) {
    std::cout << ToJson(response, JsonLayout::kIndented) << "\n";
  } else {
    PrintTable(server_, response);
  }
  return kExitDone;
}

}  // namespace tillwire
