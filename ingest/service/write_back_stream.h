// One agent's stream. Only ingestion_service.cc uses it.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/write_back.h"
#include "ingest/service/ingestion_service.h"
#include "platform/open_calls.h"
#include "tillwire/v1/ingestion.pb.h"

namespace tillwire {

// What the streams of a service share.
struct IngestionContext {
  IngestionParts parts;
  IngestionOptions options;
  OpenCalls calls;
};

// Reactions come on gRPC's threads, the halves of jobs on the commit thread; mutex_ guards what they share. A
// job keeps the stream alive; gRPC's own claim on it ends with OnDone().
class WriteBackStream final : public grpc::ServerBidiReactor<v1::WriteBackRequest, v1::WriteBackResponse>,
                              public std::enable_shared_from_this<WriteBackStream> {
 public:
  // The stream owns itself until OnDone().
  static WriteBackStream* Start(IngestionContext& context, grpc::CallbackServerContext& call);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WriteBackStream(IngestionContext& context, grpc::CallbackServerContext& call)
      : context_(context), grpc_call_(&call) {}

  // Each says why the stream must end, if it must.
  Result<void> Handle(Hello& hello);
  Result<void> Handle(EventBatch& batch);
  Result<void> Handle(Tombstones& tombstones);
  Result<void> Handle(Digest& digest);

  void SubmitGreeting(Hello hello);
  // Submits a job whose `judge` fills in a BatchResult in the transaction, and answers with it after the
  // commit. Tombstones are counted apart from records.
  template <typename Judge>
  void SubmitBatch(Judge judge, bool tombstones);
  Result<void> CheckMayBatch();
  void Probe(CentrePhase phase) const;
  void Respond(ToAgent message);
  void WriteNext();  // with mutex_ held
  void OnWriteLate(std::uint64_t write);
  void NoteForks(const BatchResult& answer);
  void NoteClosed();
  void EndIfDrained();  // with mutex_ held
  void EndFailed(const Error& commit_error);
  void EndSuperseded();
  void End(const grpc::Status& status);
  void EndLocked(const grpc::Status& status);

  IngestionContext& context_;
  std::shared_ptr<WriteBackStream> self_;
  v1::WriteBackRequest request_;  // of the read that is under way
  grpc::Alarm hello_alarm_;
  OpenCalls::Call call_ = 0;

  std::mutex grpc_call_mutex_;              // never waited for with mutex_ held
  grpc::CallbackServerContext* grpc_call_;  // until OnDone()

  // Written by the reading reactions before the first job, read by jobs.
  StreamIdentity identity_;
  Uuid instance_;
  StreamRegistry::Ticket ticket_ = 0;

  struct Outgoing {
    v1::WriteBackResponse message;
    bool answers_batch = false;
  };
  std::mutex mutex_;
  bool greeted_ = false;           // Hello has come
  std::size_t unanswered_ = 0;     // batches that came and whose result was not begun to be written
  std::size_t jobs_ = 0;           // submitted, not done
  bool judging_digest_ = false;    // one of them is a digest's
  std::deque<Outgoing> outgoing_;  // the first is being written if writing_
  bool writing_ = false;
  std::uint64_t writes_ = 0;                  // begun
  std::unique_ptr<grpc::Alarm> write_alarm_;  // of the last; an alarm that was cancelled is not set again
  bool reads_done_ = false;
  bool ended_ = false;
};

}  // namespace tillwire
