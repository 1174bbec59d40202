#include "tests/support/stand_in_server.h"

#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tillwire/v1/ingestion.grpc.pb.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

constexpr std::int64_t kTenMinutes = 600;

class StandInService final : public v1::IngestionService::Service {
 public:
  explicit StandInService(Conduct conduct) : conduct_(conduct) {}

  grpc::Status WriteBack(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::WriteBackResponse, v1::WriteBackRequest>* stream) override {
    if (conduct_ == Conduct::kRefuses) {
      return {grpc::StatusCode::PERMISSION_DENIED, "terminal till-3 of store 0042 is not admitted"};
    }
    v1::WriteBackRequest request;
    while (stream->Read(&request)) {
      v1::WriteBackResponse response;
      if (request.has_hello()) {
        Greet(response);
        stream->Write(response);
        if (conduct_ == Conduct::kPushesBack) {
          v1::WriteBackResponse pushback;
          pushback.mutable_pushback()->mutable_retry_after()->set_seconds(kTenMinutes);
          stream->Write(pushback);
        }
      } else if (request.has_batch() && conduct_ == Conduct::kRetriesLater) {
        AskForLater(request.batch(), *response.mutable_batch_result());
        stream->Write(response);
      }
    }
    return grpc::Status::OK;
  }

 private:
  void Greet(v1::WriteBackResponse& response) const {
    if (conduct_ == Conduct::kNonsense) {
      response.mutable_batch_result()->set_batch_id(77);
    } else {
      response.mutable_welcome()->set_ledger_incarnation("stand-in");
    }
  }

  static void AskForLater(const v1::EventBatch& batch, v1::BatchResult& result) {
    result.set_batch_id(batch.batch_id());
    for (const auto& record : batch.records()) {
      auto& answer = *result.add_results();
      answer.set_sequence(record.sequence());
      answer.set_disposition(v1::RECORD_DISPOSITION_RETRY);
      answer.mutable_retry_delay()->set_seconds(kTenMinutes);
    }
  }

  const Conduct conduct_;
};

}  // namespace

class StandInCentre::Impl {
 public:
  explicit Impl(Conduct conduct) : service_(conduct) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    if (conduct == Conduct::kOtherService) {
      builder.RegisterService(&other_service_);
    } else {
      builder.RegisterService(&service_);
    }
    server_ = builder.BuildAndStart();
    if (!server_ || port_ == 0) throw std::runtime_error("the stand-in for the centre can't listen");
  }
  ~Impl() { server_->Shutdown(std::chrono::system_clock::now()); }

  [[nodiscard]] std::uint16_t Port() const { return static_cast<std::uint16_t>(port_); }

 private:
  StandInService service_;
  v1::OperationsService::Service other_service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

StandInCentre::StandInCentre(Conduct conduct) : impl_(std::make_unique<Impl>(conduct)) {}
StandInCentre::~StandInCentre() = default;
std::uint16_t StandInCentre::Port() const {
  return impl_->Port();
}

class CaptivePortal::Impl {
 public:
  Impl(std::string answer, std::uint16_t port)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // The place of a server that has just ended can be taken.
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 16) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the captive portal can't listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Impl() {
    shutdown(listener_, SHUT_RDWR);  // ends accept()
    thread_.join();
    close(listener_);
  }

  [[nodiscard]] std::uint16_t Port() const { return port_; }

 private:
  // One connection after the other: an agent makes no more than one.
  void Serve() const {
    while (true) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      std::array<char, 4096> request{};
      if (recv(connection, request.data(), request.size(), 0) > 0) {
        send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      shutdown(connection, SHUT_WR);
      while (recv(connection, request.data(), request.size(), 0) > 0) {
      }
      close(connection);
    }
  }

  const std::string answer_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

CaptivePortal::CaptivePortal(std::string answer, std::uint16_t port)
    : impl_(std::make_unique<Impl>(std::move(answer), port)) {}
CaptivePortal::~CaptivePortal() = default;
std::uint16_t CaptivePortal::Port() const {
  return impl_->Port();
}

}  // namespace tillwire
