#include "ingest/service/write_back_stream.h"

#include <grpcpp/server_context.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/epoch.h"
#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/service/batch_results.h"
#include "proto/event_codec.h"
#include "proto/grpc_error.h"
#include "proto/write_back_codec.h"

namespace tillwire {
namespace {

Error ProtocolError(const std::string& message) {
  return {ErrorCode::kInvalidArgument, message, "a stream begins with one Hello; batches follow"};
}

// Leads from a caller's trace to what was refused here. Costs nothing unless somebody asks for detail.
void LogTraces(const StreamIdentity& identity, const InspectedBatch& inspected) {
  if (!spdlog::should_log(spdlog::level::debug)) return;
  for (std::size_t i = 0; i < inspected.inspections.size(); ++i) {
    if (inspected.inspections[i].reason == ParkReason::kUnspecified) continue;
    const Record& record = inspected.batch.records[i];
    const auto event = DecodeEvent(record.event);
    if (!event || event->request.traceparent.empty()) continue;
    spdlog::debug(
        "ingest: a rule stands against an event store={} terminal={} sequence={} reason={} traceparent={}",
        identity.store_id, identity.terminal_id, record.id.sequence,
        ParkReasonName(inspected.inspections[i].reason), event->request.traceparent);
  }
}

}  // namespace

WriteBackStream* WriteBackStream::Start(IngestionContext& context, grpc::CallbackServerContext& call) {
  const auto stream = std::shared_ptr<WriteBackStream>(new WriteBackStream(context, call));
  stream->self_ = stream;
  const std::weak_ptr<WriteBackStream> weak = stream;
  stream->hello_alarm_.Set(
      std::chrono::system_clock::now() + context.options.hello_timeout, [weak](bool expired) {
        const auto late = weak.lock();
        if (!expired || !late) return;
        const std::lock_guard lock(late->mutex_);
        if (late->greeted_) return;
        late->EndLocked(
            {grpc::StatusCode::DEADLINE_EXCEEDED, "no Hello came in time; a stream begins with one"});
      });
  stream->call_ = context.calls.Add([weak] {
    if (const auto open = weak.lock()) {
      open->End(ToGrpcStatus({ErrorCode::kUnavailable, "the centre is stopping", "come back later"}));
    }
  });
  if (context.calls.Count() > context.options.max_streams) {
    spdlog::warn("ingest: stream refused, there are as many as stream.max_streams={} allows",
                 context.options.max_streams);
    stream->End({grpc::StatusCode::RESOURCE_EXHAUSTED, "the centre has as many streams open as it takes"});
    return stream.get();
  }
  stream->StartRead(&stream->request_);
  return stream.get();
}

void WriteBackStream::OnReadDone(bool ok) {
  if (!ok) {
    const std::lock_guard lock(mutex_);
    reads_done_ = true;
    EndIfDrained();
    return;
  }
  auto message = DecodeToCentre(std::move(request_));
  // An idle stream shall not keep the memory of its largest message.
  request_ = v1::WriteBackRequest();
  if (!message) return End(ToGrpcStatus(message.error()));
  const Result<void> handled = std::visit([this](auto& part) { return Handle(part); }, *message);
  if (!handled) {
    spdlog::warn("ingest: stream refused store={} terminal={} error=\"{}\"", identity_.store_id,
                 identity_.terminal_id, handled.error().Text());
    return End(ToGrpcStatus(handled.error()));
  }
  StartRead(&request_);
}

Result<void> WriteBackStream::Handle(Hello& hello) {
  if (ticket_ != 0) return ProtocolError("a second Hello came on the stream");
  if (auto checked = CheckHello(hello); !checked) return checked;
  identity_ = {hello.store_id, hello.terminal_id};
  const auto opened = context_.parts.streams.Open(identity_, hello.instance_id, hello.stream_generation,
                                                  [weak = weak_from_this()] {
                                                    if (const auto older = weak.lock())
                                                      older->EndSuperseded();
                                                  });
  if (!opened) {
    EndSuperseded();
    return {};
  }
  ticket_ = opened->ticket;
  instance_ = hello.instance_id;
  context_.parts.terminals.Opened(identity_, instance_, hello.agent_version, context_.parts.clock.WallNow());
  {
    const std::lock_guard lock(mutex_);
    greeted_ = true;
  }
  hello_alarm_.Cancel();
  spdlog::info("ingest: stream opened store={} terminal={} instance={} generation={} epochs={} agent={}",
               identity_.store_id, identity_.terminal_id, hello.instance_id.ToString(),
               hello.stream_generation, hello.epochs.size(), hello.agent_version);
  if (context_.parts.streams_changed) context_.parts.streams_changed();
  if (opened->duplicate_terminal) {
    spdlog::warn(
        "ingest: duplicate terminal, another process has a stream open; unless it has just been cut off, an "
        "outbox was copied store={} terminal={}",
        identity_.store_id, identity_.terminal_id);
  }
  SubmitGreeting(std::move(hello));
  return {};
}

Result<void> WriteBackStream::Handle(EventBatch& batch) {
  if (auto may = CheckMayBatch(); !may) return may;
  if (auto limits = CheckLimits(batch, context_.options.limits); !limits) return limits;
  context_.parts.metrics.batch_records.Observe(batch.records.size());
  auto inspected =
      std::make_shared<const InspectedBatch>(Inspect(std::move(batch), identity_, context_.options.rules));
  LogTraces(identity_, *inspected);
  SubmitBatch([inspected](LedgerTransaction& ledger, const StreamIdentity& identity,
                          WallTime now) { return Accept(ledger, identity, *inspected, now); },
              false);
  return {};
}

Result<void> WriteBackStream::Handle(Tombstones& tombstones) {
  if (auto may = CheckMayBatch(); !may) return may;
  if (auto limits = CheckLimits(tombstones, context_.options.limits); !limits) return limits;
  auto shared = std::make_shared<const Tombstones>(std::move(tombstones));
  SubmitBatch([shared](LedgerTransaction& ledger, const StreamIdentity& identity,
                       WallTime now) { return Accept(ledger, identity, *shared, now); },
              true);
  return {};
}

Result<void> WriteBackStream::Handle(Digest& digest) {
  if (ticket_ == 0) return ProtocolError("a digest came before Hello");
  if (auto limits = CheckLimits(digest); !limits) return limits;
  {
    const std::lock_guard lock(mutex_);
    if (judging_digest_) return {};  // it came far too soon, and another one will come
    judging_digest_ = true;
    ++jobs_;
  }
  auto shared = std::make_shared<const Digest>(std::move(digest));
  auto comparison = std::make_shared<TerminalRegister::Comparison>();
  const auto self = shared_from_this();
  GroupCommit::Job job;
  job.work = [self, shared, comparison] {
    const IngestionParts& parts = self->context_.parts;
    *comparison = parts.terminals.Compare(parts.ledger.Transaction(), self->identity_, shared->epochs);
  };
  job.done = [self, shared, comparison](const Result<void>& committed) {
    const IngestionParts& parts = self->context_.parts;
    if (committed && parts.streams.MayWrite(self->ticket_)) {
      parts.terminals.Take(self->identity_, self->instance_, *shared, *comparison, parts.clock.WallNow());
    }
    const std::lock_guard lock(self->mutex_);
    self->judging_digest_ = false;
    --self->jobs_;
    self->EndIfDrained();
  };
  context_.parts.commit.Submit(std::move(job));
  return {};
}

Result<void> WriteBackStream::CheckMayBatch() {
  if (ticket_ == 0) return ProtocolError("a batch came before Hello");
  const std::lock_guard lock(mutex_);
  if (auto room = CheckWindow(unanswered_, context_.options.limits); !room) return room;
  ++unanswered_;
  return {};
}

void WriteBackStream::Probe(CentrePhase phase) const {
  if (context_.parts.probe) context_.parts.probe(phase);
}

void WriteBackStream::SubmitGreeting(Hello hello) {
  {
    const std::lock_guard lock(mutex_);
    ++jobs_;
  }
  auto shared_hello = std::make_shared<const Hello>(std::move(hello));
  auto greeting = std::make_shared<Greeting>();
  const auto self = shared_from_this();
  GroupCommit::Job job;
  job.work = [self, shared_hello, greeting] {
    *greeting =
        Greet(self->context_.parts.ledger.Transaction(), *shared_hello, self->context_.options.backed_up);
  };
  job.done = [self, greeting](const Result<void>& committed) {
    if (!committed) return self->EndFailed(committed.error());
    self->Probe(CentrePhase::kBeforeWelcome);
    greeting->welcome.ledger_incarnation = self->context_.parts.ledger.Incarnation();
    greeting->welcome.limits = self->context_.options.limits;
    greeting->welcome.server_time = self->context_.parts.clock.WallNow();
    self->Respond(std::move(greeting->welcome));
    if (greeting->start_new_epoch) {
      spdlog::warn(
          "ingest: older outbox, the centre has a later history of this epoch; the outbox was put back to an "
          "older copy, or two copies live store={} terminal={} epoch={} from_sequence={}",
          self->identity_.store_id, self->identity_.terminal_id,
          EpochName(greeting->start_new_epoch->forked_epoch), greeting->start_new_epoch->fork_sequence);
      self->context_.parts.terminals.Forked(
          self->identity_,
          "its outbox ends before " +
              SequencesText(greeting->start_new_epoch->fork_sequence,
                            greeting->start_new_epoch->fork_sequence) +
              " of epoch " + EpochName(greeting->start_new_epoch->forked_epoch) +
              ", which the centre has: an older copy was put back, or has a twin",
          self->context_.parts.clock.WallNow());
      self->Respond(*greeting->start_new_epoch);
    }
    const std::lock_guard lock(self->mutex_);
    --self->jobs_;
    self->EndIfDrained();
  };
  context_.parts.commit.Submit(std::move(job));
}

template <typename Judge>
void WriteBackStream::SubmitBatch(Judge judge, bool tombstones) {
  {
    const std::lock_guard lock(mutex_);
    ++jobs_;
  }
  auto answer = std::make_shared<std::optional<BatchResult>>();
  const auto self = shared_from_this();
  GroupCommit::Job job;
  job.work = [self, answer, judge = std::move(judge)] {
    // Here and not on arrival: a newer stream may have been welcomed while this batch waited.
    if (!self->context_.parts.streams.MayWrite(self->ticket_)) return;
    *answer = judge(self->context_.parts.ledger.Transaction(), self->identity_,
                    self->context_.parts.clock.WallNow());
    self->context_.parts.timed_ledger.NoteRecords((*answer)->results.size());
  };
  job.done = [self, answer, tombstones](const Result<void>& committed) {
    if (!committed) return self->EndFailed(committed.error());
    if (!*answer) return self->EndSuperseded();
    self->Probe(CentrePhase::kBeforeAnswer);
    self->context_.parts.feed.Announce();
    LogResults(self->identity_, **answer);
    self->NoteForks(**answer);
    CountResults(self->context_.parts.metrics, **answer, tombstones);
    self->Respond(std::move(**answer));
    const std::lock_guard lock(self->mutex_);
    --self->jobs_;
    self->EndIfDrained();
  };
  context_.parts.commit.Submit(std::move(job));
}

void WriteBackStream::NoteForks(const BatchResult& answer) {
  for (const RecordResult& result : answer.results) {
    if (result.disposition != Disposition::kConflict) continue;
    context_.parts.terminals.Forked(
        identity_,
        "its history forked at " + SequencesText(result.sequence, result.sequence) + ": " + result.detail,
        context_.parts.clock.WallNow());
    return;
  }
}

// The last digest may be older than what came after it: what is missing is counted again.
void WriteBackStream::NoteClosed() {
  const IngestionParts& parts = context_.parts;
  parts.terminals.Closed(identity_, instance_, parts.clock.WallNow());
  if (!parts.terminals.MissesEvents(identity_)) return;
  auto comparison = std::make_shared<TerminalRegister::Comparison>();
  parts.commit.Submit({[&parts, identity = identity_, comparison] {
                         *comparison = parts.terminals.Compare(parts.ledger.Transaction(), identity, {});
                       },
                       [&parts, identity = identity_, comparison](const Result<void>& committed) {
                         if (committed)
                           parts.terminals.TakeAgain(identity, *comparison, parts.clock.WallNow());
                       }});
}

void WriteBackStream::Respond(ToAgent message) {
  Outgoing outgoing;
  outgoing.answers_batch = std::holds_alternative<BatchResult>(message);
  EncodeToAgent(std::move(message), outgoing.message);
  const std::lock_guard lock(mutex_);
  outgoing_.push_back(std::move(outgoing));
  if (!writing_) WriteNext();
}

void WriteBackStream::WriteNext() {
  if (ended_ || outgoing_.empty()) return;
  writing_ = true;
  // The agent may read the result and send the next batch before OnWriteDone() is called.
  if (outgoing_.front().answers_batch) --unanswered_;
  write_alarm_ = std::make_unique<grpc::Alarm>();
  write_alarm_->Set(std::chrono::system_clock::now() + context_.options.write_timeout,
                    [weak = weak_from_this(), write = ++writes_](bool expired) {
                      const auto late = expired ? weak.lock() : nullptr;
                      if (late) late->OnWriteLate(write);
                    });
  StartWrite(&outgoing_.front().message);
}

// The agent does not read, though its connection lives. Only a cancelled call gets rid of what waits to be
// written.
void WriteBackStream::OnWriteLate(std::uint64_t write) {
  {
    const std::lock_guard lock(mutex_);
    if (!writing_ || write != writes_) return;
  }
  spdlog::warn(
      "ingest: stream ended, the agent has not taken a message in time store={} terminal={} seconds={}",
      identity_.store_id, identity_.terminal_id,
      std::chrono::duration_cast<std::chrono::seconds>(context_.options.write_timeout).count());
  const std::lock_guard lock(grpc_call_mutex_);
  if (grpc_call_ != nullptr) grpc_call_->TryCancel();
}

void WriteBackStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  write_alarm_->Cancel();
  outgoing_.pop_front();
  if (!ok) return EndLocked({grpc::StatusCode::CANCELLED, "the agent is gone"});
  WriteNext();
  EndIfDrained();
}

void WriteBackStream::EndIfDrained() {
  if (reads_done_ && jobs_ == 0 && outgoing_.empty()) EndLocked(grpc::Status::OK);
}

void WriteBackStream::EndFailed(const Error& commit_error) {
  spdlog::error("ingest: commit failed store={} terminal={} error=\"{}\"", identity_.store_id,
                identity_.terminal_id, commit_error.Text());
  if (context_.parts.commit.Failed()) context_.parts.ledger_failed();
  // Whatever the disk said, for the agent it means the same: not confirmed, send again later.
  End(ToGrpcStatus({ErrorCode::kUnavailable, "the centre can't write its ledger now", "send again later"}));
}

void WriteBackStream::EndSuperseded() {
  End({grpc::StatusCode::ABORTED, "a newer stream of the same agent process has taken over"});
}

void WriteBackStream::End(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  EndLocked(status);
}

void WriteBackStream::EndLocked(const grpc::Status& status) {
  if (ended_) return;
  ended_ = true;
  Finish(status);
}

void WriteBackStream::OnCancel() {
  End({grpc::StatusCode::CANCELLED, "the agent is gone"});
}

void WriteBackStream::OnDone() {
  hello_alarm_.Cancel();
  {
    const std::lock_guard lock(grpc_call_mutex_);
    grpc_call_ = nullptr;
  }
  context_.calls.Remove(call_);
  if (ticket_ != 0) {
    context_.parts.streams.Close(ticket_);
    NoteClosed();
    if (context_.parts.streams_changed) context_.parts.streams_changed();
    spdlog::info("ingest: stream closed store={} terminal={}", identity_.store_id, identity_.terminal_id);
  }
  const auto last = std::move(self_);  // this ends here, unless a job still holds it
}

}  // namespace tillwire
