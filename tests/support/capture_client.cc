#include "tests/support/capture_client.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>

#include "tests/support/rpc_error.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

CaptureReply ReplyOf(const v1::CaptureEventResponse& response) {
  return {response.event_id(), {response.epoch(), response.sequence()}, response.repeated()};
}

// An agent that comes back is to be found within milliseconds, not within gRPC's usual second.
std::shared_ptr<grpc::Channel> MakeChannel(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
}

// Waiting calls also drive gRPC's attempts to connect; without one these would move on every five seconds
// only.
void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(true);
}

template <typename Response>
Result<void> Done(const Result<Response>& answer) {
  return answer ? Result<void>() : Result<void>(answer.error());
}

}  // namespace

class CaptureClient::Impl {
 public:
  explicit Impl(const std::filesystem::path& socket)
      : stub(v1::CaptureService::NewStub(MakeChannel(socket))) {}

  ~Impl() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return outstanding_ == 0; });
  }

  void Begin() {
    const std::lock_guard lock(mutex_);
    ++outstanding_;
  }
  void End() {
    const std::lock_guard lock(mutex_);
    --outstanding_;
    idle_.notify_all();
  }

  // Calls a unary method of the stub.
  template <typename Request, typename Response>
  Result<Response> Ask(grpc::Status (v1::CaptureService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                        Response*),
                       const Request& request, std::chrono::milliseconds timeout) {
    grpc::ClientContext context;
    Prepare(context, timeout);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) {
      return ErrorFromRpc(status);
    }
    return response;
  }

  const std::unique_ptr<v1::CaptureService::Stub> stub;

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
  int outstanding_ = 0;
};

CaptureClient::CaptureClient(const std::filesystem::path& socket) : impl_(std::make_unique<Impl>(socket)) {}

CaptureClient::~CaptureClient() = default;

Result<CaptureReply> CaptureClient::Capture(const v1::CaptureEventRequest& request,
                                            std::chrono::milliseconds timeout) {
  const auto response = impl_->Ask(&v1::CaptureService::Stub::CaptureEvent, request, timeout);
  if (!response) {
    return response.error();
  }
  return ReplyOf(*response);
}

void CaptureClient::CaptureAsync(const v1::CaptureEventRequest& request,
                                 std::function<void(Result<CaptureReply>)> done,
                                 std::chrono::milliseconds timeout) {
  struct Call {
    grpc::ClientContext context;
    v1::CaptureEventRequest request;
    v1::CaptureEventResponse response;
  };
  auto call = std::make_shared<Call>();
  call->request = request;
  Prepare(call->context, timeout);
  impl_->Begin();
  impl_->stub->async()->CaptureEvent(
      &call->context, &call->request, &call->response,
      [call, done = std::move(done), impl = impl_.get()](const grpc::Status& status) mutable {
        if (status.ok()) {
          done(ReplyOf(call->response));
        } else {
          done(ErrorFromRpc(status));
        }
        // Before the client may go: the context holds the channel, and a channel whose last holder is a
        // thread of gRPC's own makes that thread wait for itself.
        call.reset();
        impl->End();
      });
}

Result<v1::GetAgentStatusResponse> CaptureClient::Status(std::chrono::milliseconds timeout) {
  return impl_->Ask(&v1::CaptureService::Stub::GetAgentStatus, v1::GetAgentStatusRequest(), timeout);
}

Result<void> CaptureClient::Requeue(const std::string& event_id) {
  v1::RequeueEventRequest request;
  request.set_event_id(event_id);
  return Done(impl_->Ask(&v1::CaptureService::Stub::RequeueEvent, request, kTimeout));
}

Result<void> CaptureClient::Release(const std::string& event_id, const std::string& operator_id,
                                    const std::string& reason) {
  v1::ReleaseEventRequest request;
  request.set_event_id(event_id);
  request.set_operator_id(operator_id);
  request.set_reason(reason);
  return Done(impl_->Ask(&v1::CaptureService::Stub::ReleaseEvent, request, kTimeout));
}

Result<void> CaptureClient::Pause(const std::string& operator_id, const std::string& reason) {
  v1::PauseUplinkRequest request;
  request.set_operator_id(operator_id);
  request.set_reason(reason);
  return Done(impl_->Ask(&v1::CaptureService::Stub::PauseUplink, request, kTimeout));
}

Result<void> CaptureClient::Resume() {
  return Done(impl_->Ask(&v1::CaptureService::Stub::ResumeUplink, v1::ResumeUplinkRequest(), kTimeout));
}

Result<v1::ExplainEventResponse> CaptureClient::Explain(const std::string& event_id) {
  v1::ExplainEventRequest request;
  request.set_event_id(event_id);
  return impl_->Ask(&v1::CaptureService::Stub::ExplainEvent, request, kTimeout);
}

}  // namespace tillwire
