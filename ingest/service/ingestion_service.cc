#include "ingest/service/ingestion_service.h"

#include <utility>

#include "ingest/service/write_back_stream.h"
#include "tillwire/v1/ingestion.grpc.pb.h"

namespace tillwire {

class IngestionService::Impl final : public v1::IngestionService::CallbackService {
 public:
  Impl(IngestionParts parts, IngestionOptions options) : context_{std::move(parts), std::move(options), {}} {}

  grpc::ServerBidiReactor<v1::WriteBackRequest, v1::WriteBackResponse>* WriteBack(
      grpc::CallbackServerContext* call) override {
    return WriteBackStream::Start(context_, *call);
  }

  void Stop() { context_.calls.StopAll(); }

 private:
  IngestionContext context_;
};

IngestionService::IngestionService(IngestionParts parts, IngestionOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options))) {}
IngestionService::~IngestionService() = default;
grpc::Service& IngestionService::Grpc() {
  return *impl_;
}
void IngestionService::Stop() {
  impl_->Stop();
}

}  // namespace tillwire
