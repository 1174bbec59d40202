#include "agent/cli/agent_transport.h"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "platform/file_descriptor.h"
#include "proto/grpc_error.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

// A list without a limit takes as long as it takes; this is for an agent that hangs.
constexpr std::chrono::minutes kLongestList{10};

Error Unreachable(const std::string& socket, int error_number) {
  Error error{ErrorCode::kUnavailable,
              "no agent at " + socket + ": " + std::generic_category().message(error_number),
              {}};
  switch (error_number) {
    case ENOENT:
    case ECONNREFUSED:
      error.message = "the agent is not running (nobody listens at " + socket + ")";
      error.hint = "start it: systemctl start tillwired; or name its socket with --socket";
      break;
    case EACCES:
      error.hint = "run as a member of the socket's group";
      break;
    case ENAMETOOLONG:
      error.hint =
          "a socket's path has at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes";
      break;
    default:
      error.hint = "check --socket, and the agent's log";
  }
  return error;
}

// A connected, non-blocking descriptor, or a negative errno. A plain connect() says why it fails; a gRPC
// channel would only say that it did.
int ConnectDescriptor(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  FileDescriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor.IsOpen() ||
      connect(descriptor.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      fcntl(descriptor.Get(), F_SETFL, O_NONBLOCK) != 0) {
    return -errno;
  }
  return descriptor.Release();
}

}  // namespace

class AgentTransport::Impl {
 public:
  Impl(std::string socket, int descriptor, std::chrono::milliseconds timeout)
      : socket_(std::move(socket)), timeout_(timeout) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    stub_ = v1::CaptureService::NewStub(
        grpc::CreateCustomInsecureChannelFromFd("tillwire", descriptor, arguments));
  }

  // Runs one method of the stub: method(context) gives its status.
  template <typename Method>
  Result<void> Call(Method method) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout_);
    return ResultOf(method(context));
  }

  // Reads a stream, message by message, until it ends or each(message) wants no more.
  template <typename Response, typename Each>
  Result<void> Read(grpc::ClientContext& context, const std::unique_ptr<grpc::ClientReader<Response>>& reader,
                    const Each& each) {
    Response response;
    bool wanted = true;
    while (wanted && reader->Read(&response)) wanted = each(response);
    if (!wanted) context.TryCancel();
    const grpc::Status status = reader->Finish();
    return wanted ? ResultOf(status) : Result<void>();
  }

  Result<void> ResultOf(const grpc::Status& status) const {
    if (status.ok()) return {};
    if (auto error = ErrorByPeer(status)) return *error;
    switch (status.error_code()) {
      case grpc::StatusCode::UNIMPLEMENTED:
        return Error{ErrorCode::kUnavailable, "what listens at " + socket_ + " does not know this call",
                     "check --socket, and that agent and command have the same version"};
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        return Error{ErrorCode::kUnknown, "no answer within " + std::to_string(timeout_.count()) + " ms", {}};
      default:
        return Error{ErrorCode::kUnknown, "the connection broke (" + status.error_message() + ")", {}};
    }
  }

  v1::CaptureService::Stub& Stub() { return *stub_; }
  [[nodiscard]] std::chrono::milliseconds Timeout() const { return timeout_; }
  grpc::ClientContext& WatchContext() { return watch_context_; }

 private:
  const std::string socket_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<v1::CaptureService::Stub> stub_;
  grpc::ClientContext
      watch_context_;  // for one call; lives as long as this, so that any thread may cancel it
};

AgentTransport::AgentTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AgentTransport::~AgentTransport() = default;
AgentTransport::AgentTransport(AgentTransport&&) noexcept = default;
AgentTransport& AgentTransport::operator=(AgentTransport&&) noexcept = default;

Result<AgentTransport> AgentTransport::Connect(const std::string& socket, std::chrono::milliseconds timeout,
                                               bool& nobody_listens) {
  const int descriptor = ConnectDescriptor(socket);
  nobody_listens = descriptor == -ENOENT || descriptor == -ECONNREFUSED;
  if (descriptor < 0) return Unreachable(socket, -descriptor);
  return AgentTransport(std::make_unique<Impl>(socket, descriptor, timeout));
}

Result<AgentTransport> AgentTransport::Connect(const std::string& socket, std::chrono::milliseconds timeout) {
  bool nobody_listens = false;
  return Connect(socket, timeout, nobody_listens);
}

Result<void> AgentTransport::CaptureEvent(const v1::CaptureEventRequest& request,
                                          v1::CaptureEventResponse& response) {
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().CaptureEvent(&context, request, &response); });
}

Result<void> AgentTransport::RequeueEvent(const std::string& event_id, v1::RequeueEventResponse& response) {
  v1::RequeueEventRequest request;
  request.set_event_id(event_id);
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().RequeueEvent(&context, request, &response); });
}

Result<void> AgentTransport::GetAgentStatus(v1::GetAgentStatusResponse& response) {
  const v1::GetAgentStatusRequest request;
  return impl_->Call([&](grpc::ClientContext& context) {
    return impl_->Stub().GetAgentStatus(&context, request, &response);
  });
}

Result<void> AgentTransport::GetEvent(const std::string& event_id, v1::GetEventResponse& response) {
  v1::GetEventRequest request;
  request.set_event_id(event_id);
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().GetEvent(&context, request, &response); });
}

Result<void> AgentTransport::ExplainEvent(const std::string& event_id, v1::ExplainEventResponse& response) {
  v1::ExplainEventRequest request;
  request.set_event_id(event_id);
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().ExplainEvent(&context, request, &response); });
}

Result<void> AgentTransport::RequeueEvents(const std::string& parked_reason,
                                           v1::RequeueEventsResponse& response) {
  v1::RequeueEventsRequest request;
  request.set_parked_reason(parked_reason);
  return impl_->Call([&](grpc::ClientContext& context) {
    return impl_->Stub().RequeueEvents(&context, request, &response);
  });
}

Result<void> AgentTransport::ReleaseEvent(const v1::ReleaseEventRequest& request,
                                          v1::ReleaseEventResponse& response) {
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().ReleaseEvent(&context, request, &response); });
}

Result<void> AgentTransport::PauseUplink(const v1::PauseUplinkRequest& request,
                                         v1::PauseUplinkResponse& response) {
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().PauseUplink(&context, request, &response); });
}

Result<void> AgentTransport::ResumeUplink(v1::ResumeUplinkResponse& response) {
  const v1::ResumeUplinkRequest request;
  return impl_->Call(
      [&](grpc::ClientContext& context) { return impl_->Stub().ResumeUplink(&context, request, &response); });
}

Result<void> AgentTransport::ListEvents(const v1::ListEventsRequest& request,
                                        const std::function<bool(const v1::OutboxEvent&)>& each) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       (request.limit() > 0 ? impl_->Timeout() : kLongestList));
  return impl_->Read(context, impl_->Stub().ListEvents(&context, request),
                     [&each](const v1::ListEventsResponse& response) { return each(response.event()); });
}

Result<void> AgentTransport::WatchEvents(bool include_events,
                                         const std::function<bool(const v1::WatchEventsResponse&)>& each) {
  v1::WatchEventsRequest request;
  request.set_include_events(include_events);
  auto& context = impl_->WatchContext();
  return impl_->Read(context, impl_->Stub().WatchEvents(&context, request), each);
}

void AgentTransport::StopWatching() {
  impl_->WatchContext().TryCancel();
}

}  // namespace tillwire
