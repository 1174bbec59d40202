// One call that lists, and may follow, the ledger's entries. Only operations_service.cc uses it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "core/result.h"
#include "ingest/ledger/ledger.h"
#include "ingest/service/entry_feed.h"
#include "platform/open_calls.h"
#include "storage/group_commit.h"
#include "tillwire/v1/operations.pb.h"

namespace tillwire {

// Reads a page, writes its entries one by one, then reads the next; at the end it waits for a commit or
// finishes. One of these is under way at a time. gRPC's claim on it ends with OnDone(); a job or the feed may
// hold it longer.
class EntryListing final : public grpc::ServerWriteReactor<v1::ListLedgerEntriesResponse>,
                           public std::enable_shared_from_this<EntryListing> {
 public:
  struct Parts {
    Ledger& ledger;
    GroupCommit& commit;
    EntryFeed& feed;
    OpenCalls& calls;
  };

  // The listing owns itself until OnDone().
  static EntryListing* Start(Parts parts, const v1::ListLedgerEntriesRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  EntryListing(Parts parts, const v1::ListLedgerEntriesRequest& request);

  void ReadPage();
  void TakePage(const Result<void>& committed, EntryPage page);
  // Writes the next entry of the page, or goes on to the next page, or waits, or ends.
  void GoOn();
  void Wait();
  void End(const grpc::Status& status);

  Parts parts_;
  std::shared_ptr<EntryListing> self_;
  OpenCalls::Call call_ = 0;
  EntryQuery query_;
  const bool follow_;
  std::optional<std::uint64_t> remaining_;  // of the caller's limit

  // By whoever's turn it is.
  EntryPage page_;
  std::size_t next_ = 0;       // in page_
  std::uint64_t version_ = 0;  // of the feed, before page_ was read
  v1::ListLedgerEntriesResponse response_;

  std::mutex mutex_;
  bool ended_ = false;
  std::optional<EntryFeed::Waiter> waiter_;
};

}  // namespace tillwire
