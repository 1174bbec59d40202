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

}  // namespace
}  // namespace tillwire
