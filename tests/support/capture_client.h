// A caller of the agent's socket, as a POS application would be.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/hash.h"
#include "core/result.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {

struct CaptureReply {
  std::string event_id;
  RecordId id;
  bool repeated = false;
};

// Any thread may call. While the agent is down calls wait for it, until their timeout.
class CaptureClient {
 public:
  explicit CaptureClient(const std::filesystem::path& socket);
  // Waits for the answers that are outstanding.
  ~CaptureClient();
  CaptureClient(const CaptureClient&) = delete;
  CaptureClient& operator=(const CaptureClient&) = delete;

  static constexpr std::chrono::milliseconds kTimeout{10'000};

  // kUnavailable and kUnknown leave open whether it was stored.
  Result<CaptureReply> Capture(const v1::CaptureEventRequest& request,
                               std::chrono::milliseconds timeout = kTimeout);
  // `done` is called once, on a thread of gRPC's.
  void CaptureAsync(const v1::CaptureEventRequest& request, std::function<void(Result<CaptureReply>)> done,
                    std::chrono::milliseconds timeout = kTimeout);
  Result<v1::GetAgentStatusResponse> Status(std::chrono::milliseconds timeout = kTimeout);
  Result<void> Requeue(const std::string& event_id);
  Result<void> Release(const std::string& event_id, const std::string& operator_id,
                       const std::string& reason);
  Result<void> Pause(const std::string& operator_id, const std::string& reason);
  Result<void> Resume();
  Result<v1::ExplainEventResponse> Explain(const std::string& event_id);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
