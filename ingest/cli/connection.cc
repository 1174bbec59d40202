#include "ingest/cli/connection.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <limits>

#include "platform/command_line/option_types.h"

namespace tillwire {
namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(5);

}  // namespace

void AddServerOption(CLI::App& app, std::string& server) {
  server = "127.0.0.1:7400";
  AddAddress(app, "--server", server, "The running service")->envname("TILLWIRE_INGEST_SERVER");
}

Result<std::shared_ptr<grpc::Channel>> Connect(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(std::numeric_limits<int>::max());
  auto channel = grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  auto state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel->WaitForStateChange(state, deadline)) {
      return Error{ErrorCode::kUnavailable, "no tillwire-ingestd answers at " + server,
                   "start it with \"tillwire-ingestd serve\", or name its address with --server"};
    }
    state = channel->GetState(true);
  }
  return channel;
}

void PrintError(const Error& error) {
  std::cerr << "tillwire-ingestd: " << error.Text() << "\n";
}

}  // namespace tillwire
