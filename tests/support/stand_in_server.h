// Servers that an agent may meet instead of a centre that works, each on a loopback port of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace tillwire {

// How a stand-in for the centre behaves.
enum class Conduct {
  kPushesBack,    // greets, then asks to send nothing for ten minutes
  kRetriesLater,  // greets, and answers each record with RETRY in ten minutes
  kSilent,        // greets, and answers no batch
  kRefuses,       // PERMISSION_DENIED
  kNonsense,      // answers Hello with a result that nobody asked for
  kOtherService,  // a gRPC server that has no IngestionService
};

// A gRPC server. It runs until it goes.
class StandInCentre {
 public:
  explicit StandInCentre(Conduct conduct);
  ~StandInCentre();
  StandInCentre(const StandInCentre&) = delete;
  StandInCentre& operator=(const StandInCentre&) = delete;

  [[nodiscard]] std::uint16_t Port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A captive portal: answers whatever comes with a redirection in HTTP/1.1. It runs until it goes.
class CaptivePortal {
 public:
  CaptivePortal();
  ~CaptivePortal();
  CaptivePortal(const CaptivePortal&) = delete;
  CaptivePortal& operator=(const CaptivePortal&) = delete;

  [[nodiscard]] std::uint16_t Port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
