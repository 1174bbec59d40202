// The whole service in this process on a port of its own, and clients that speak to it over gRPC as agents
// do.
#pragma once

#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "ingest/ledger/sqlite_ledger.h"
#include "ingest/service/ingestion_service.h"
#include "ingest/service/operations_service.h"
#include "ingest/service/server.h"
#include "proto/write_back_codec.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/ingest/chain.h"
#include "tests/support/temp_directory.h"
#include "tillwire/v1/ingestion.grpc.pb.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {

class ServiceRig {
 public:
  explicit ServiceRig(IngestionOptions options = {}, CommitProbe probe = {})
      : ledger_(SqliteLedger::Open(directory_.Path() / "ledger.db", rng_).value()),
        commit_(std::make_unique<GroupCommit>(timed_, GroupCommit::kDefaultMaxGroup, std::move(probe))),
        ingestion_({*ledger_, *commit_, streams_, terminals_, feed_, clock_, [] {}, timed_, metrics_, {}},
                   options),
        operations_({*ledger_, *commit_, streams_, terminals_, feed_, clock_.WallNow(), clock_, [] {}, timed_,
                     metrics_, options.rules, options.limits}) {
    ListenConfig listen;
    listen.address = "127.0.0.1:0";
    auto server = Server::Start(listen, options.limits, {&ingestion_.Grpc(), &operations_.Grpc()});
    REQUIRE(server);
    server_ = std::move(server.value());
  }
  ~ServiceRig() { Stop(); }

  void Stop() {
    ingestion_.Stop();
    operations_.Stop();
    server_->Shutdown(std::chrono::seconds(5));
    commit_->Stop();
  }
  [[nodiscard]] const IngestionMetrics& Metrics() const { return metrics_; }
  [[nodiscard]] const CommitMetrics& Commits() const { return commits_; }
  // The centre's time.
  [[nodiscard]] FakeClock& Clock() { return clock_; }
  // As when the disk is gone: nothing is committed any more.
  void StopCommitting() { commit_->Stop(); }

  [[nodiscard]] std::string Address() const { return "127.0.0.1:" + std::to_string(server_->Port()); }
  [[nodiscard]] std::shared_ptr<grpc::Channel> NewChannel(grpc::ChannelArguments arguments = {}) const {
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(Address(), grpc::InsecureChannelCredentials(), arguments);
  }
  v1::GetIngestionStatusResponse Status() const {
    grpc::ClientContext context;
    v1::GetIngestionStatusResponse response;
    CHECK(v1::OperationsService::NewStub(NewChannel())->GetIngestionStatus(&context, {}, &response).ok());
    return response;
  }

 private:
  TempDirectory directory_;
  FakeRng rng_;
  FakeClock clock_;
  std::unique_ptr<SqliteLedger> ledger_;
  CommitMetrics commits_;
  TimedStore timed_{*ledger_, clock_, commits_};
  IngestionMetrics metrics_;
  StreamRegistry streams_;
  TerminalRegister terminals_{FlagLimits{}, clock_.WallNow()};
  EntryFeed feed_;
  std::unique_ptr<GroupCommit> commit_;
  IngestionService ingestion_;
  OperationsService operations_;
  std::unique_ptr<Server> server_;
};

// One stream of an agent.
class AgentStream {
 public:
  explicit AgentStream(const ServiceRig& rig) : AgentStream(rig.NewChannel()) {}
  explicit AgentStream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::IngestionService::NewStub(channel)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream_ = stub_->WriteBack(&context_);
  }

  bool Send(ToCentre message) {
    v1::WriteBackRequest wire;
    EncodeToCentre(std::move(message), wire);
    return stream_->Write(wire);
  }
  // Nothing if the stream has ended.
  std::optional<ToAgent> Receive() {
    v1::WriteBackResponse wire;
    if (!stream_->Read(&wire)) return std::nullopt;
    auto message = DecodeToAgent(std::move(wire));
    REQUIRE(message);
    return std::move(message.value());
  }
  template <typename Message>
  Message Expect() {
    const auto message = Receive();
    REQUIRE(message);
    REQUIRE(std::holds_alternative<Message>(*message));
    return std::get<Message>(*message);
  }
  Welcome SayHello(Hello hello) {
    Send(std::move(hello));
    return Expect<Welcome>();
  }
  void DoneSending() { stream_->WritesDone(); }
  grpc::Status Finish() { return stream_->Finish(); }
  // How a stream ends on which nothing more is read.
  grpc::Status End() {
    while (Receive()) {
    }
    return Finish();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<v1::IngestionService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WriteBackRequest, v1::WriteBackResponse>> stream_;
};

inline Hello MakeHello(std::uint8_t instance = 1, std::uint64_t generation = 1,
                       const StreamIdentity& identity = kTerminal) {
  Hello hello;
  hello.store_id = identity.store_id;
  hello.terminal_id = identity.terminal_id;
  hello.instance_id.bytes[0] = instance;
  hello.stream_generation = generation;
  hello.epochs = {{7, 1, 0, {}, {}}};
  hello.agent_version = "test";
  return hello;
}

}  // namespace tillwire
