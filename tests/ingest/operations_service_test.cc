// Looking into the running service over gRPC.
#include "ingest/service/operations_service.h"

#include "tests/ingest/service_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

// Captures `count` events on a stream of their own.
void Deliver(const ServiceRig& rig, Chain& chain, std::size_t count,
             const StreamIdentity& identity = kTerminal) {
  static std::uint8_t instance = 0;
  const std::uint64_t first = chain.Last() + 1;
  chain.CaptureMany(count);
  AgentStream agent(rig);
  Hello hello = MakeHello(++instance, 1, identity);
  hello.epochs.clear();
  agent.SayHello(hello);
  agent.Send(chain.Batch(first, chain.Last()));
  CHECK(agent.Expect<BatchResult>().results.size() == count);
  agent.DoneSending();
  CHECK(agent.End().ok());
}

class Listing {
 public:
  Listing(const ServiceRig& rig, const v1::ListLedgerEntriesRequest& request)
      : stub_(v1::OperationsService::NewStub(rig.NewChannel())) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    reader_ = stub_->ListLedgerEntries(&context_, request);
  }
  std::optional<v1::LedgerEntry> Next() {
    v1::ListLedgerEntriesResponse response;
    if (!reader_->Read(&response)) return std::nullopt;
    return response.entry();
  }
  std::vector<v1::LedgerEntry> Rest() {
    std::vector<v1::LedgerEntry> entries;
    while (auto entry = Next()) entries.push_back(*std::move(entry));
    return entries;
  }
  grpc::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<v1::OperationsService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ListLedgerEntriesResponse>> reader_;
};

TEST_CASE("All entries are listed over many pages, with what was sent") {
  const ServiceRig rig;
  Chain chain(7);
  Deliver(rig, chain, 500);
  Deliver(rig, chain, 500);
  Listing listing(rig, {});
  const auto entries = listing.Rest();
  CHECK(listing.Finish().ok());
  REQUIRE(entries.size() == 1000);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].position() != i + 1) FAIL("position " << entries[i].position() << " at " << i);
  }
  const Record& last = chain.At(1000);
  CHECK(entries.back().event() == last.event);
  CHECK(entries.back().hash() == last.hash.AsBytes());
  CHECK(entries.back().previous_hash() == last.previous_hash.AsBytes());
  CHECK(entries.back().epoch() == 7);
  CHECK(entries.back().kind() == v1::LEDGER_ENTRY_KIND_ACCEPTED);
}

TEST_CASE("A listing keeps to its position, limit and filters") {
  const ServiceRig rig;
  const StreamIdentity other{"S02", "T1"};
  Chain chain(7);
  Chain elsewhere(8, other);
  Deliver(rig, chain, 4);
  Deliver(rig, elsewhere, 3, other);
  v1::ListLedgerEntriesRequest request;
  SECTION("position") {
    request.set_after_position(5);
    CHECK(Listing(rig, request).Rest().size() == 2);
  }
  SECTION("limit") {
    request.set_limit(6);
    Listing listing(rig, request);
    CHECK(listing.Rest().back().position() == 6);
    CHECK(listing.Finish().ok());
  }
  SECTION("store") {
    request.set_store_id("S02");
    CHECK(Listing(rig, request).Rest().size() == 3);
  }
  SECTION("a filter that is malformed") {
    request.set_terminal_id(std::string(129, 'x'));
    Listing listing(rig, request);
    CHECK_FALSE(listing.Next());
    const auto status = listing.Finish();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK_THAT(status.error_message(), Catch::Contains("terminal_id"));
  }
}

TEST_CASE("Following sees each entry once, as it is committed") {
  ServiceRig rig;
  Chain chain(7);
  Deliver(rig, chain, 2);
  v1::ListLedgerEntriesRequest request;
  request.set_follow(true);
  Listing listing(rig, request);
  for (std::uint64_t position = 1; position <= 2; ++position) CHECK(listing.Next()->position() == position);
  for (std::uint64_t round = 0; round < 5; ++round) {
    Deliver(rig, chain, 3);
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK(listing.Next()->position() == 2 + 3 * round + i);
  }
  SECTION("until the caller has enough") {
    listing.Cancel();
    CHECK_FALSE(listing.Next());
    CHECK(listing.Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  SECTION("until the service stops") {
    rig.Stop();
    CHECK_FALSE(listing.Next());
    CHECK(listing.Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_CASE("A limit ends a listing that follows") {
  const ServiceRig rig;
  Chain chain(7);
  v1::ListLedgerEntriesRequest request;
  request.set_follow(true);
  request.set_limit(3);
  Listing listing(rig, request);
  Deliver(rig, chain, 5);
  CHECK(listing.Rest().size() == 3);
  CHECK(listing.Finish().ok());
}

TEST_CASE("The status counts what the ledger holds") {
  const ServiceRig rig;
  Chain chain(7);
  Deliver(rig, chain, 4);
  {
    AgentStream agent(rig);
    Hello hello = MakeHello(99);
    hello.epochs = {{7, 1, 4, {}, {}}};
    agent.SayHello(hello);
    agent.Send(chain.Batch(1, 3));
    agent.Expect<BatchResult>();
    // The stream before it may be gone for its agent before it is for the service.
    CHECK(WaitUntil(std::chrono::seconds(10), [&] { return rig.Status().connected_streams() == 1; }));
  }
  const auto status = rig.Status();
  CHECK(status.version() == TILLWIRE_VERSION);
  CHECK(status.terminals() == 1);
  CHECK(status.accepted() == 4);
  CHECK(status.duplicates() == 3);
  CHECK(status.conflicts() == 0);
  CHECK_FALSE(status.ledger_incarnation().empty());
}

// A part of an export file, as the import command sends it.
v1::ImportRecordsRequest ImportOf(const Chain& chain, std::uint64_t first, std::uint64_t last) {
  v1::WriteBackRequest stream;
  EncodeToCentre(chain.Batch(first, last), stream);
  v1::ImportRecordsRequest request;
  request.set_store_id(kTerminal.store_id);
  request.set_terminal_id(kTerminal.terminal_id);
  request.set_export_id(std::string(16, 'x'));
  request.mutable_exported_time()->set_seconds(1'780'000'000);
  request.mutable_batch()->Swap(stream.mutable_batch());
  return request;
}

grpc::Status Import(const ServiceRig& rig, const v1::ImportRecordsRequest& request,
                    v1::ImportRecordsResponse& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return v1::OperationsService::NewStub(rig.NewChannel())->ImportRecords(&context, request, &response);
}

TEST_CASE("What an import brings is in effect, marked and counted, and again it is a duplicate") {
  const ServiceRig rig;
  Chain chain(7);
  Deliver(rig, chain, 2);
  chain.CaptureMany(3);
  v1::ImportRecordsResponse response;
  REQUIRE(Import(rig, ImportOf(chain, 2, 5), response).ok());
  REQUIRE(response.result().results_size() == 4);
  CHECK(response.result().results(0).disposition() == v1::RECORD_DISPOSITION_DUPLICATE);
  CHECK(response.result().results(3).disposition() == v1::RECORD_DISPOSITION_ACCEPTED);
  CHECK(response.limits().max_batch_records() == StreamLimits().max_batch_records);
  const auto entries = Listing(rig, {}).Rest();
  REQUIRE(entries.size() == 5);
  CHECK(entries[1].export_id().empty());
  CHECK(entries[4].export_id() == Uuid::FromBytes(std::string(16, 'x'))->ToString());
  CHECK(entries[4].event() == chain.At(5).event);

  REQUIRE(Import(rig, ImportOf(chain, 2, 5), response).ok());
  CHECK(response.result().results(3).disposition() == v1::RECORD_DISPOSITION_DUPLICATE);
  const auto status = rig.Status();
  CHECK(status.accepted() == 5);
  CHECK(status.imported() == 3);
  CHECK(status.duplicates() == 5);
  CHECK(rig.Metrics().records[Disposition::kAccepted].Value() == 5);
}

TEST_CASE("An import without a part changes nothing, and gives the limits") {
  IngestionOptions options;
  options.limits.max_batch_records = 9;
  const ServiceRig rig(options);
  v1::ImportRecordsRequest request = ImportOf(Chain(7), 1, 0);
  request.clear_part();
  v1::ImportRecordsResponse response;
  REQUIRE(Import(rig, request, response).ok());
  CHECK(response.limits().max_batch_records() == 9);
  CHECK_FALSE(response.has_result());
  CHECK(rig.Status().terminals() == 0);
}

TEST_CASE(
    "An import that is malformed, too big, or of a store that is not ours is refused, and changes nothing") {
  IngestionOptions options;
  options.rules.allowed_stores = {"S01"};
  options.limits.max_batch_records = 2;
  const ServiceRig rig(options);
  Chain chain(7);
  chain.CaptureMany(3);
  v1::ImportRecordsRequest request = ImportOf(chain, 1, 2);
  const auto refused = [&](grpc::StatusCode code, const std::string& why) {
    v1::ImportRecordsResponse response;
    const grpc::Status status = Import(rig, request, response);
    CHECK(status.error_code() == code);
    CHECK_THAT(status.error_message(), Catch::Contains(why));
    CHECK(rig.Status().accepted() == 0);
  };
  SECTION("store") {
    request.set_store_id("S02");
    refused(grpc::StatusCode::FAILED_PRECONDITION, "allowed_stores");
  }
  SECTION("terminal") {
    request.clear_terminal_id();
    refused(grpc::StatusCode::INVALID_ARGUMENT, "terminal_id has 0 bytes");
  }
  SECTION("export id") {
    request.set_export_id("x");
    refused(grpc::StatusCode::INVALID_ARGUMENT, "export_id has 1 bytes");
  }
  SECTION("time") {
    request.mutable_exported_time()->set_seconds(INT64_MAX);
    refused(grpc::StatusCode::INVALID_ARGUMENT, "exported_time");
  }
  SECTION("too many records") {
    request = ImportOf(chain, 1, 3);
    refused(grpc::StatusCode::INVALID_ARGUMENT, "max_batch_records");
  }
  SECTION("a record") {
    request.mutable_batch()->mutable_records(1)->set_hash("short");
    refused(grpc::StatusCode::INVALID_ARGUMENT, "batch.records[1].hash");
  }
}

TEST_CASE("While nothing can be committed an import is told to come again") {
  ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(1);
  rig.StopCommitting();
  v1::ImportRecordsResponse response;
  CHECK(Import(rig, ImportOf(chain, 1, 1), response).error_code() == grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace tillwire
