// The agent's socket in this process, on a fake outbox.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/capture/capture_server.h"
#include "agent/capture/capture_service.h"
#include "tests/agent/capture/fake_capture_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class CaptureRig {
 public:
  CaptureRig()
      : intake(clock, rng_, {"0042", "till-3", "boot-1"}),
        gate(store),
        service(store, gate, changes, clock, intake, metrics, Options()) {
    gate.Open();
    auto started = CaptureServer::Start(Socket(), service);
    INFO((started ? "" : started.error().Text()));
    REQUIRE(started.ok());
    server = std::move(started).value();
  }

  [[nodiscard]] std::string Socket() const { return (directory_.Path() / "s" / "capture.sock").string(); }

  // What the agent was told so far, in order: "probe", "captured", "requeued 7", "released", "paused",
  // "resumed".
  std::vector<std::string> Calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  void SetActivity(UplinkActivity activity) {
    const std::lock_guard lock(mutex_);
    activity_ = activity;
  }
  void SetSpool(SpoolStatus status) {
    const std::lock_guard lock(mutex_);
    spool_ = std::move(status);
  }
  void SetUplink(UplinkStatus status) {
    const std::lock_guard lock(mutex_);
    uplink_ = std::move(status);
  }

 private:
  void Note(const std::string& call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
  }

  CaptureServiceOptions Options() {
    CaptureServiceOptions options;
    options.store_id = "0042";
    options.terminal_id = "till-3";
    options.agent_version = "9.8.7";
    options.on_captured = [this] { Note("captured"); };
    options.uplink.requeued = [this](Position position) { Note("requeued " + std::to_string(position)); };
    options.uplink.released = [this] { Note("released"); };
    options.uplink.paused = [this](const auto& pause) { Note(pause ? "paused" : "resumed"); };
    options.uplink.describe = [this](Position) {
      const std::lock_guard lock(mutex_);
      return activity_;
    };
    options.uplink.status = [this] {
      const std::lock_guard lock(mutex_);
      return uplink_;
    };
    options.spool_status = [this] {
      const std::lock_guard lock(mutex_);
      return spool_;
    };
    options.probe = [this](AgentPhase phase) {
      Note(phase == AgentPhase::kBeforeReply ? "probe" : "other phase");
    };
    return options;
  }

  TempDirectory directory_;
  FakeRng rng_;
  std::mutex mutex_;
  std::vector<std::string> calls_;
  UplinkStatus uplink_;
  UplinkActivity activity_;
  SpoolStatus spool_;

 public:
  FakeClock clock;
  CaptureIntake intake;
  FakeCaptureStore store;
  ChangeFeed changes;
  CaptureGate gate;
  CaptureMetrics metrics;
  CaptureService service;
  std::unique_ptr<CaptureServer> server;
};

}  // namespace tillwire
