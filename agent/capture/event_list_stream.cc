#include "agent/capture/event_list_stream.h"

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <utility>

#include "agent/capture/outbox_event_codec.h"
#include "proto/grpc_error.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

// Keeps itself alive until gRPC is done with it; a page that is still being read may keep it longer.
class EventList final : public grpc::ServerWriteReactor<v1::ListEventsResponse>,
                        public std::enable_shared_from_this<EventList> {
 public:
  EventList(CaptureStore& store, OpenCalls& calls, const v1::ListEventsRequest& request)
      : store_(store), calls_(calls), limited_(request.limit() != 0), remaining_(request.limit()) {}

  void Start(const Result<EventQuery>& query) {
    self_ = shared_from_this();
    call_ = calls_.Add([weak = weak_from_this()] {
      if (const auto open = weak.lock()) {
        open->End(ToGrpcStatus({ErrorCode::kUnavailable, "the agent is stopping", "come back later"}));
      }
    });
    if (!query) return End(ToGrpcStatus(query.error()));
    query_ = *query;
    ReadPage();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End({grpc::StatusCode::CANCELLED, "the caller is gone"});
    GoOn();
  }

  void OnCancel() override { End({grpc::StatusCode::CANCELLED, "the caller is gone"}); }

  void OnDone() override {
    calls_.Remove(call_);
    const auto last = std::move(self_);
  }

 private:
  void ReadPage() {
    store_.List(query_, [self = shared_from_this()](Result<EventPage> page) {
      if (!page) return self->End(ToGrpcStatus(page.error()));
      self->page_ = std::move(*page);
      self->next_ = 0;
      if (self->query_.newest_first) {
        self->query_.before = self->page_.scanned;
      } else {
        self->query_.after = self->page_.scanned;
      }
      self->GoOn();
    });
  }

  void GoOn() {
    if (Ended()) return;
    if (limited_ && remaining_ == 0) return End(grpc::Status::OK);
    if (next_ == page_.events.size()) return page_.at_end ? End(grpc::Status::OK) : ReadPage();
    response_.Clear();
    EncodeOutboxEvent(page_.events[next_++], *response_.mutable_event());
    if (limited_) --remaining_;
    const std::lock_guard lock(mutex_);
    if (!ended_) StartWrite(&response_);
  }

  [[nodiscard]] bool Ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  void End(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    Finish(status);
  }

  CaptureStore& store_;
  OpenCalls& calls_;
  OpenCalls::Call call_ = 0;
  const bool limited_;
  std::uint64_t remaining_;
  EventQuery query_;
  EventPage page_;
  std::size_t next_ = 0;
  v1::ListEventsResponse response_;
  std::mutex mutex_;
  bool ended_ = false;
  std::shared_ptr<EventList> self_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ListEventsResponse>* StartEventList(CaptureStore& store, OpenCalls& calls,
                                                                 const v1::ListEventsRequest& request) {
  const auto list = std::make_shared<EventList>(store, calls, request);
  list->Start(DecodeEventQuery(request));
  return list.get();
}

}  // namespace tillwire
