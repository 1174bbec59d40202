// The socket itself: its file, its mode, its end.
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <thread>

#include "proto/grpc_error.h"
#include "tests/agent/capture/capture_rig.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

bool IsSocket(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

// A socket file that nobody listens at any more, as a killed agent leaves it.
void LeaveStaleSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(descriptor);
  REQUIRE(IsSocket(path));
}

TEST_CASE_METHOD(CaptureRig, "The socket is for owner and group, and the umask is as before") {
  struct stat status{};
  REQUIRE(lstat(Socket().c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 07777U) == 0660U);
  const mode_t mask = umask(0);
  umask(mask);
  CHECK(mask != 0117);
}

TEST_CASE_METHOD(CaptureRig, "A clean stop removes the socket, a stale one is replaced") {
  server->Shutdown(std::chrono::seconds(5));
  CHECK_FALSE(IsSocket(Socket()));
  LeaveStaleSocket(Socket());
  auto again = CaptureServer::Start(Socket(), service);
  REQUIRE(again.ok());
  const auto channel = grpc::CreateChannel("unix:" + Socket(), grpc::InsecureChannelCredentials());
  CHECK(channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
}

TEST_CASE_METHOD(CaptureRig, "A socket that another agent serves is not taken from it") {
  const auto second = CaptureServer::Start(Socket(), service);
  REQUIRE_FALSE(second.ok());
  CHECK_THAT(second.error().Text(), Catch::Contains(Socket() + " is served by another agent"));
  CHECK(std::filesystem::exists(Socket()));
}

TEST_CASE_METHOD(CaptureRig, "Something else in the socket's place is left alone") {
  const std::string path = Socket() + ".txt";
  std::ofstream(path) << "precious";
  const auto started = CaptureServer::Start(path, service);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().Text() ==
        path + " exists and is no socket; remove it, or choose another capture.socket");
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE_METHOD(CaptureRig, "A path too long for a socket is named with the limit") {
  const auto started = CaptureServer::Start("/tmp/" + std::string(120, 'x'), service);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(started.error().Text(), Catch::Contains("has 125 bytes; the system allows 107"));
}

TEST_CASE_METHOD(CaptureRig, "Shutdown waits for the answer to a call under way") {
  store.Hold();
  const auto stub = v1::CaptureService::NewStub(
      grpc::CreateChannel("unix:" + Socket(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::GetAgentStatusResponse response;
  grpc::Status status;
  std::thread caller([&] { status = stub->GetAgentStatus(&context, {}, &response); });
  store.WaitForCalls(1);
  std::thread stopper([&] { server->Shutdown(std::chrono::seconds(30)); });
  store.Release();
  caller.join();
  stopper.join();
  CHECK(status.ok());
  CHECK(response.terminal_id() == "till-3");
}

TEST_CASE_METHOD(CaptureRig, "After its grace a call is cancelled, though the store answers late") {
  store.Hold();
  const auto stub = v1::CaptureService::NewStub(
      grpc::CreateChannel("unix:" + Socket(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::GetAgentStatusResponse response;
  grpc::Status status;
  std::thread caller([&] { status = stub->GetAgentStatus(&context, {}, &response); });
  store.WaitForCalls(1);
  std::thread stopper([&] { server->Shutdown(std::chrono::milliseconds(0)); });
  caller.join();
  CHECK_FALSE(status.ok());
  CHECK_FALSE(ErrorByPeer(status));
  store.Release();
  stopper.join();
}

}  // namespace
}  // namespace tillwire
