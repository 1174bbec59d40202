#include "agent/capture/capture_service.h"

#include <grpcpp/support/server_callback.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <utility>
#include <vector>

#include "agent/capture/capture_request_codec.h"
#include "agent/capture/status_codec.h"
#include "core/validation.h"
#include "proto/grpc_error.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

// Of one in a call's metadata. Today's has 55; a later version may be longer, but not crowd out the event.
constexpr std::size_t kMaxTraceparentBytes = 256;

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  bytes.reserve(buffer.Length());
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

void SetBytes(const google::protobuf::MessageLite& message, grpc::ByteBuffer& buffer) {
  const grpc::Slice slice(message.SerializeAsString());
  buffer = grpc::ByteBuffer(&slice, 1);
}

// The trace context that tracing libraries send beside a call, for a request that has none of its own. One
// that is not as W3C wants it is dropped: tracing must not cost a capture.
std::string TraceparentOf(const grpc::CallbackServerContext& context) {
  const auto [first, last] = context.client_metadata().equal_range("traceparent");
  if (first == last) return "";
  const std::string header(first->second.data(), first->second.size());
  const bool alone = std::next(first) == last;
  if (alone && header.size() <= kMaxTraceparentBytes && IsTraceparent(header)) return header;
  spdlog::debug("capture: ignored a malformed traceparent in the call's metadata value=\"{}\"", header);
  return "";
}

// What the caller must know about a capture that failed: whether it may be recorded all the same.
Error ForCaller(const Error& error, bool has_key) {
  Error answer = error;
  switch (error.code) {
    case ErrorCode::kUnknown:
      answer.message = "it may be recorded or not (" + error.message + ")";
      answer.hint = has_key ? "repeat with the same idempotency_key"
                            : "look whether the centre has it before you repeat: it has no idempotency_key";
      break;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDataLoss:
    case ErrorCode::kInternal:
      answer.message = "not recorded: " + error.message;
      break;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
      break;
  }
  return answer;
}

using Base = v1::CaptureService::WithRawCallbackMethod_CaptureEvent<v1::CaptureService::CallbackService>;

}  // namespace

// CaptureEvent takes raw bytes: with a typed handler gRPC answers text that is not UTF-8 by itself, without a
// word on which field it was.
class CaptureService::Impl final : public Base {
 public:
  Impl(CaptureStore& store, CaptureGate& gate, ChangeFeed& changes, const Clock& clock, CaptureIntake& intake,
       CaptureMetrics& metrics, CaptureServiceOptions options)
      : store_(store),
        clock_(clock),
        intake_(intake),
        gate_(gate),
        metrics_(metrics),
        options_(std::move(options)),
        queue_(
            store, changes, clock, options_.uplink,
            [this](const OutboxStatus& status, v1::GetAgentStatusResponse& wire) { Encode(status, wire); }) {}

  void StopStreams() { queue_.StopStreams(); }

  grpc::ServerUnaryReactor* CaptureEvent(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    auto* reactor = context->DefaultReactor();
    const BootTime begin = clock_.BootNow();
    auto input = MakeInput(*request, TraceparentOf(*context));
    if (!input) {
      CountRefusal(input.error(), begin);
      spdlog::warn("capture: refused reason=\"{}\"", input.error().Text());
      reactor->Finish(ToGrpcStatus(input.error()));
      return reactor;
    }
    const bool has_key = input->idempotency.has_value();
    const EventSource source = input->source;
    gate_.Capture(std::move(input).value(),
                  [this, reactor, response, has_key, begin, source](const Result<Captured>& captured) {
                    if (!captured) {
                      CountRefusal(captured.error(), begin);
                    } else {
                      CountCapture(*captured, source, begin);
                    }
                    Reply(captured, has_key, *reactor, *response);
                  });
    return reactor;
  }

  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context, const v1::GetEventRequest* request,
                                     v1::GetEventResponse* response) override {
    return queue_.GetEvent(*context, *request, *response);
  }
  grpc::ServerWriteReactor<v1::ListEventsResponse>* ListEvents(
      grpc::CallbackServerContext*, const v1::ListEventsRequest* request) override {
    return queue_.ListEvents(*request);
  }
  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext*, const v1::WatchEventsRequest* request) override {
    return queue_.WatchEvents(*request);
  }
  grpc::ServerUnaryReactor* ExplainEvent(grpc::CallbackServerContext* context,
                                         const v1::ExplainEventRequest* request,
                                         v1::ExplainEventResponse* response) override {
    return queue_.ExplainEvent(*context, *request, *response);
  }
  grpc::ServerUnaryReactor* RequeueEvent(grpc::CallbackServerContext* context,
                                         const v1::RequeueEventRequest* request,
                                         v1::RequeueEventResponse* response) override {
    return queue_.RequeueEvent(*context, *request, *response);
  }
  grpc::ServerUnaryReactor* RequeueEvents(grpc::CallbackServerContext* context,
                                          const v1::RequeueEventsRequest* request,
                                          v1::RequeueEventsResponse* response) override {
    return queue_.RequeueEvents(*context, *request, *response);
  }
  grpc::ServerUnaryReactor* ReleaseEvent(grpc::CallbackServerContext* context,
                                         const v1::ReleaseEventRequest* request,
                                         v1::ReleaseEventResponse* response) override {
    return queue_.ReleaseEvent(*context, *request, *response);
  }
  grpc::ServerUnaryReactor* PauseUplink(grpc::CallbackServerContext* context,
                                        const v1::PauseUplinkRequest* request,
                                        v1::PauseUplinkResponse* response) override {
    return queue_.PauseUplink(*context, *request, *response);
  }
  grpc::ServerUnaryReactor* ResumeUplink(grpc::CallbackServerContext* context, const v1::ResumeUplinkRequest*,
                                         v1::ResumeUplinkResponse* response) override {
    return queue_.ResumeUplink(*context, *response);
  }

  grpc::ServerUnaryReactor* GetAgentStatus(grpc::CallbackServerContext* context,
                                           const v1::GetAgentStatusRequest*,
                                           v1::GetAgentStatusResponse* response) override {
    auto* reactor = context->DefaultReactor();
    store_.Status([this, reactor, response](const Result<OutboxStatus>& status) {
      if (!status) return reactor->Finish(ToGrpcStatus(status.error()));
      Encode(*status, *response);
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

 private:
  // Any thread.
  void Encode(const OutboxStatus& status, v1::GetAgentStatusResponse& wire) const {
    wire.set_store_id(options_.store_id);
    wire.set_terminal_id(options_.terminal_id);
    wire.set_agent_version(options_.agent_version);
    const auto uplink = options_.uplink.status ? options_.uplink.status() : UplinkStatus{};
    const auto spool = options_.spool_status ? options_.spool_status() : SpoolStatus{};
    EncodeAgentStatus(status, uplink, spool, clock_.WallNow(), wire);
  }

  // Finishing a call is the last that is done for it: when all calls are finished the server may end, and
  // this service with it.
  void Reply(const Result<Captured>& captured, bool has_key, grpc::ServerUnaryReactor& reactor,
             grpc::ByteBuffer& response) {
    if (!captured) {
      spdlog::warn("capture: not stored reason=\"{}\"", captured.error().Text());
      reactor.Finish(ToGrpcStatus(ForCaller(captured.error(), has_key)));
      return;
    }
    v1::CaptureEventResponse answer;
    answer.set_event_id(captured->event_id.ToString());
    answer.set_epoch(captured->id.epoch);
    answer.set_sequence(captured->id.sequence);
    answer.set_repeated(captured->repeated);
    SetBytes(answer, response);
    if (!captured->repeated && options_.on_captured) options_.on_captured();
    if (options_.probe) options_.probe(AgentPhase::kBeforeReply);
    reactor.Finish(grpc::Status::OK);
  }

  void CountRefusal(const Error& error, BootTime begin) {
    metrics_.refused[error.code].Add();
    metrics_.seconds.Observe(clock_.BootNow() - begin);
  }

  void CountCapture(const Captured& captured, EventSource source, BootTime begin) {
    if (captured.repeated) {
      metrics_.repeated.Add();
    } else {
      metrics_.captured[source].Add();
    }
    metrics_.seconds.Observe(clock_.BootNow() - begin);
  }

  Result<CaptureInput> MakeInput(const grpc::ByteBuffer& buffer, const std::string& traceparent) {
    auto supplied = DecodeCaptureBytes(BytesOf(buffer), traceparent);
    if (!supplied) return supplied.error();
    return intake_.FromSocket(std::move(supplied->request), supplied->content);
  }

  CaptureStore& store_;
  const Clock& clock_;
  CaptureIntake& intake_;
  CaptureGate& gate_;
  CaptureMetrics& metrics_;
  const CaptureServiceOptions options_;
  QueueService queue_;
};

CaptureService::CaptureService(CaptureStore& store, CaptureGate& gate, ChangeFeed& changes,
                               const Clock& clock, CaptureIntake& intake, CaptureMetrics& metrics,
                               CaptureServiceOptions options)
    : impl_(std::make_unique<Impl>(store, gate, changes, clock, intake, metrics, std::move(options))) {}

CaptureService::~CaptureService() = default;

void CaptureService::StopStreams() {
  impl_->StopStreams();
}

grpc::Service& CaptureService::Grpc() {
  return *impl_;
}

}  // namespace tillwire
