#include "agent/capture/capture_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "core/limits.h"
#include "platform/files.h"

namespace tillwire {
namespace {

constexpr std::size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;
// More than an event may have, so that an event that is too big gets our answer, which names the limit, and
// not gRPC's.
constexpr int kMaxReceiveBytes = 16 * static_cast<int>(kMaxEventBytes);
constexpr std::size_t kMemoryQuotaBytes = 32U << 20U;
constexpr int kMaxThreads = 8;  // for health and reflection; captures are answered on gRPC's own pool
constexpr int kMaxConcurrentCalls = 256;
constexpr mode_t kSocketUmask = 0117;  // leaves 0660
constexpr const char* kServiceName = "tillwire.v1.CaptureService";

// Whether somebody accepts connections there. A socket file that outlived its agent refuses them.
bool IsServed(const std::filesystem::path& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return false;
  const bool served = connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
                      errno == EAGAIN;  // its queue is full
  close(descriptor);
  return served;
}

Result<void> RemoveStaleSocket(const std::filesystem::path& socket) {
  struct stat status{};
  if (lstat(socket.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>() : FileError("look at", socket, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error{ErrorCode::kUnavailable, socket.string() + " exists and is no socket",
                 "remove it, or choose another capture.socket"};
  }
  if (IsServed(socket)) {
    return Error{ErrorCode::kUnavailable, "capture.socket " + socket.string() + " is served by another agent",
                 "stop that one, or choose another capture.socket"};
  }
  if (unlink(socket.c_str()) != 0) return FileError("remove stale socket", socket, errno);
  return {};
}

Result<void> PrepareSocket(const std::filesystem::path& socket) {
  const std::size_t length = socket.native().size();
  if (length > kMaxSocketPathBytes) {
    return Error{
        ErrorCode::kInvalidArgument,
        "socket path " + socket.string() + " has " + std::to_string(length) + " bytes",
        "the system allows " + std::to_string(kMaxSocketPathBytes) + "; choose a shorter capture.socket"};
  }
  const auto directory = socket.parent_path();
  // A mistyped path must not grow a tree of folders; the last one may be missing, as after a reboot under
  // /run.
  if (std::error_code failed; !std::filesystem::is_directory(directory.parent_path(), failed)) {
    return Error{ErrorCode::kUnavailable,
                 "capture.socket is " + socket.string() + ", but there is no folder " +
                     directory.parent_path().string(),
                 "create it, or choose another capture.socket"};
  }
  if (auto created = EnsureDirectory(directory); !created) return created;
  if (access(directory.c_str(), W_OK | X_OK) != 0) return FileError("create a socket in", directory, errno);
  return RemoveStaleSocket(socket);
}

// What protobuf has to say of a caller's bytes stands in our own answer already.
void LogForProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  spdlog::debug("protobuf: {}", message);
}

}  // namespace

class CaptureServer::Impl {
 public:
  explicit Impl(std::unique_ptr<grpc::Server> server) : server_(std::move(server)) {}
  ~Impl() { Shutdown(std::chrono::milliseconds(0)); }

  void SetServing() { server_->GetHealthCheckService()->SetServingStatus(kServiceName, true); }

  void Shutdown(std::chrono::milliseconds grace) {
    if (!server_) return;
    server_->GetHealthCheckService()->Shutdown();
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_.reset();
  }

 private:
  std::unique_ptr<grpc::Server> server_;
};

CaptureServer::CaptureServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaptureServer::~CaptureServer() = default;

Result<std::unique_ptr<CaptureServer>> CaptureServer::Start(const std::filesystem::path& socket,
                                                            CaptureService& service) {
  if (auto prepared = PrepareSocket(socket); !prepared) return prepared.error();

  google::protobuf::SetLogHandler(&LogForProtobuf);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials());
  builder.RegisterService(&service.Grpc());
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentCalls);
  builder.SetResourceQuota(
      grpc::ResourceQuota("capture").Resize(kMemoryQuotaBytes).SetMaxThreads(kMaxThreads));
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);

  const mode_t previous = umask(kSocketUmask);
  auto server = builder.BuildAndStart();
  umask(previous);
  if (!server) {
    return Error{ErrorCode::kUnavailable, "cannot listen on " + socket.string(),
                 "check its directory and that the file system holds sockets"};
  }
  server->GetHealthCheckService()->SetServingStatus(kServiceName, false);
  return std::unique_ptr<CaptureServer>(new CaptureServer(std::make_unique<Impl>(std::move(server))));
}

void CaptureServer::SetServing() {
  impl_->SetServing();
}

void CaptureServer::Shutdown(std::chrono::milliseconds grace) {
  impl_->Shutdown(grace);
}

}  // namespace tillwire
