// The agents' streams over gRPC on loopback.
#include "ingest/service/ingestion_service.h"

#include <condition_variable>
#include <mutex>

#include "core/limits.h"
#include "tests/ingest/service_rig.h"
#include "tests/support/test_certificate.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using grpc::StatusCode;

// Holds commits back while closed.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  CommitProbe Probe() {
    return [this](CommitPhase phase) {
      std::unique_lock lock(mutex_);
      if (phase == CommitPhase::kBeforeCommit) opened_.wait(lock, [this] { return open_; });
    };
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

TEST_CASE("Hello, Welcome, a batch and its result, then all over again") {
  IngestionOptions options;
  options.limits = {100, 65536, 3};
  const ServiceRig rig(options);
  Chain chain(7);
  chain.CaptureMany(3);
  {
    AgentStream agent(rig);
    const Welcome welcome = agent.SayHello(MakeHello());
    CHECK(welcome.limits.max_batch_records == 100);
    CHECK(welcome.limits.max_batch_bytes == 65536);
    CHECK(welcome.limits.window_batches == 3);
    CHECK(Uuid::Parse(welcome.ledger_incarnation));
    CHECK(welcome.server_time == FakeClock().WallNow());
    CHECK(welcome.epochs.at(0).accepted.empty());
    EventBatch batch = chain.Batch(1, 3);
    batch.batch_id = 42;
    agent.Send(batch);
    const auto result = agent.Expect<BatchResult>();
    CHECK(result.batch_id == 42);
    REQUIRE(result.results.size() == 3);
    CHECK(result.results[2].sequence == 3);
    CHECK(result.results[2].disposition == Disposition::kAccepted);
    CHECK(rig.Status().connected_streams() == 1);
    agent.DoneSending();
    CHECK(agent.End().ok());
  }
  AgentStream again(rig);
  Hello hello = MakeHello(2);
  hello.epochs = {{7, 1, 3, {}, chain.At(3).hash}};
  const Welcome welcome = again.SayHello(hello);
  REQUIRE(welcome.epochs.at(0).accepted.size() == 1);
  CHECK(welcome.epochs[0].accepted[0].last_hash == chain.At(3).hash);
  CHECK(welcome.epochs[0].backed_up_through == 3);
  again.Send(chain.Batch(1, 3));
  CHECK(again.Expect<BatchResult>().results[0].disposition == Disposition::kDuplicate);
}

TEST_CASE("Tombstones are answered as batches are") {
  const ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(2);
  AgentStream agent(rig);
  agent.SayHello(MakeHello());
  agent.Send(Tombstones{5, {chain.Tomb(1, 2)}});
  const auto result = agent.Expect<BatchResult>();
  CHECK(result.batch_id == 5);
  CHECK(result.results.at(0).disposition == Disposition::kTombstoned);
  CHECK(rig.Metrics().tombstones.Value() == 1);
}

TEST_CASE("The agent may stop sending at once: what it sent is answered first") {
  const ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(2);
  AgentStream agent(rig);
  agent.Send(MakeHello());
  agent.Send(chain.Batch(1, 2));
  agent.DoneSending();
  agent.Expect<Welcome>();
  CHECK(agent.Expect<BatchResult>().results.size() == 2);
  CHECK(agent.End().ok());
}

TEST_CASE("A stream without Hello ends by its deadline") {
  IngestionOptions options;
  options.hello_timeout = std::chrono::milliseconds(50);
  const ServiceRig rig(options);
  AgentStream silent(rig);
  const auto status = silent.End();
  CHECK(status.error_code() == StatusCode::DEADLINE_EXCEEDED);
  CHECK_THAT(status.error_message(), Catch::Contains("Hello"));
}

TEST_CASE("An agent that does not read loses its stream") {
  constexpr std::uint32_t kWindow = 64;
  IngestionOptions options;
  options.limits = {512, 1 << 20, kWindow};
  options.write_timeout = std::chrono::milliseconds(300);
  const ServiceRig rig(options);
  Chain chain(7);
  chain.CaptureMany(512);
  // Its transport keeps little for a reader that does not come.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 * 1024);
  AgentStream agent(rig.NewChannel(arguments));
  agent.SayHello(MakeHello());
  for (std::uint64_t batch = 1; batch <= kWindow; ++batch) {
    EventBatch again = chain.Batch(1, 512);
    again.batch_id = batch;
    if (!agent.Send(std::move(again))) break;
  }
  CHECK(WaitUntil(std::chrono::seconds(20), [&] { return rig.Status().connected_streams() == 0; }));
  CHECK(agent.End().error_code() == StatusCode::CANCELLED);
}

TEST_CASE("More streams than allowed are refused, until there is room") {
  IngestionOptions options;
  options.max_streams = 1;
  const ServiceRig rig(options);
  {
    AgentStream first(rig);
    first.SayHello(MakeHello());
    AgentStream second(rig);
    const auto status = second.End();
    CHECK(status.error_code() == StatusCode::RESOURCE_EXHAUSTED);
    CHECK_THAT(status.error_message(), Catch::Contains("as many streams"));
    first.DoneSending();
    CHECK(first.End().ok());
  }
  CHECK(WaitUntil(std::chrono::seconds(10), [&] {
    AgentStream next(rig);
    return next.Send(MakeHello(2)) && next.Receive().has_value();
  }));
}

TEST_CASE("Whoever does not keep to the protocol is told what is wrong") {
  IngestionOptions options;
  options.limits = {2, 64 * 1024, 4};
  const ServiceRig rig(options);
  Chain chain(7);
  chain.CaptureMany(3);
  AgentStream agent(rig);
  std::string message;
  SECTION("a batch before Hello") {
    agent.Send(chain.Batch(1, 1));
    message = "before Hello";
  }
  SECTION("two Hellos") {
    agent.SayHello(MakeHello());
    agent.Send(MakeHello());
    message = "second Hello";
  }
  SECTION("too many records") {
    agent.SayHello(MakeHello());
    agent.Send(chain.Batch(1, 3));
    message = "max_batch_records of Welcome is 2";
  }
  SECTION("too many bytes") {
    agent.SayHello(MakeHello());
    EventBatch batch = chain.Batch(1, 2);
    for (Record& record : batch.records) record.event.assign(40'000, 'x');
    agent.Send(batch);
    message = "max_batch_bytes of Welcome is 65536";
  }
  SECTION("no store") {
    Hello hello = MakeHello();
    hello.store_id.clear();
    agent.Send(hello);
    message = "hello.store_id";
  }
  SECTION("a terminal's name that is too long") {
    Hello hello = MakeHello();
    hello.terminal_id.assign(129, 'x');
    agent.Send(hello);
    message = "hello.terminal_id";
  }
  SECTION("a sequence out of range") {
    agent.SayHello(MakeHello());
    EventBatch batch = chain.Batch(1, 1);
    batch.records[0].id.sequence = kMaxSequence + 1;
    agent.Send(batch);
    message = "out of range";
  }
  const auto status = agent.End();
  CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(), Catch::Contains(message));
}

TEST_CASE("More unanswered batches than the window are refused") {
  Gate gate;
  IngestionOptions options;
  options.limits.window_batches = 2;
  const ServiceRig rig(options, gate.Probe());
  Chain chain(7);
  chain.CaptureMany(3);
  AgentStream agent(rig);
  agent.Send(MakeHello());
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) agent.Send(chain.Batch(sequence, sequence));
  const auto status = agent.End();
  gate.Open();
  CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(), Catch::Contains("window_batches of Welcome is 2"));
}

TEST_CASE("A full window may be used over and over") {
  IngestionOptions options;
  options.limits.window_batches = 2;
  const ServiceRig rig(options);
  Chain chain(7);
  chain.CaptureMany(200);
  AgentStream agent(rig);
  agent.SayHello(MakeHello());
  agent.Send(chain.Batch(1, 1));
  for (std::uint64_t sequence = 2; sequence <= 200; ++sequence) {
    agent.Send(chain.Batch(sequence, sequence));
    CHECK(agent.Expect<BatchResult>().results[0].sequence == sequence - 1);
  }
  CHECK(agent.Expect<BatchResult>().results[0].sequence == 200);
}

TEST_CASE("A newer stream of the same process takes over") {
  const ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(1);
  AgentStream older(rig);
  older.SayHello(MakeHello(1, 1));
  AgentStream newer(rig);
  newer.SayHello(MakeHello(1, 2));
  const auto status = older.End();
  CHECK(status.error_code() == StatusCode::ABORTED);
  CHECK_THAT(status.error_message(), Catch::Contains("newer stream"));
  AgentStream late(rig);
  late.Send(MakeHello(1, 1));
  CHECK(late.End().error_code() == StatusCode::ABORTED);
  newer.Send(chain.Batch(1, 1));
  CHECK(newer.Expect<BatchResult>().results[0].disposition == Disposition::kAccepted);
}

TEST_CASE("Two processes of one terminal both stream") {
  const ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(1);
  Chain clone(8);
  clone.CaptureMany(1);
  AgentStream first(rig);
  first.SayHello(MakeHello(1));
  AgentStream second(rig);
  second.SayHello(MakeHello(2));
  first.Send(chain.Batch(1, 1));
  CHECK(first.Expect<BatchResult>().results[0].disposition == Disposition::kAccepted);
  second.Send(clone.Batch(1, 1));
  CHECK(second.Expect<BatchResult>().results[0].disposition == Disposition::kAccepted);
}

TEST_CASE("An older outbox is told to begin a new epoch after its Welcome") {
  const ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(3);
  {
    AgentStream agent(rig);
    agent.SayHello(MakeHello());
    agent.Send(chain.Batch(1, 3));
    agent.Expect<BatchResult>();
  }
  AgentStream restored(rig);
  Hello hello = MakeHello(2);
  hello.epochs = {{7, 1, 2, {}, chain.At(2).hash}};
  restored.SayHello(hello);
  const auto told = restored.Expect<StartNewEpoch>();
  CHECK(told.forked_epoch == 7);
  CHECK(told.fork_sequence == 3);
}

TEST_CASE("A ledger that can't commit ends the stream with UNAVAILABLE") {
  ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(1);
  AgentStream agent(rig);
  agent.SayHello(MakeHello());
  rig.StopCommitting();
  agent.Send(chain.Batch(1, 1));
  CHECK(agent.End().error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("Stopping ends the streams and leaves nothing open") {
  ServiceRig rig;
  AgentStream agent(rig);
  agent.SayHello(MakeHello());
  rig.Stop();
  CHECK(agent.End().error_code() == StatusCode::UNAVAILABLE);
}

TEST_CASE("A stream that is cut is forgotten") {
  const ServiceRig rig;
  AgentStream agent(rig);
  agent.SayHello(MakeHello());
  CHECK(rig.Status().connected_streams() == 1);
  agent.Cancel();
  CHECK(WaitUntil(std::chrono::seconds(10), [&] { return rig.Status().connected_streams() == 0; }));
}

TEST_CASE("A certificate with another one's key is named") {
  const TempDirectory directory;
  ListenConfig listen;
  listen.address.clear();
  listen.tls_address = "127.0.0.1:0";
  listen.tls_certificate = TestCertificate(directory.Path() / "one").certificate;
  listen.tls_key = TestCertificate(directory.Path() / "other").key;
  const auto server = Server::Start(listen, {}, {});
  REQUIRE_FALSE(server);
  CHECK_THAT(server.error().Text(), Catch::Contains("the key is not the certificate's"));
}

TEST_CASE("A port that is taken is named") {
  const ServiceRig rig;
  ListenConfig listen;
  listen.address = rig.Address();
  const auto second = Server::Start(listen, {}, {});
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().Text(),
             Catch::Contains(rig.Address()) && Catch::Contains("Address already in use"));
}

}  // namespace
}  // namespace tillwire
