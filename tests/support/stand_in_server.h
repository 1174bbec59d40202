// Servers that an agent may meet instead of a centre that works, each on a port of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

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

// A captive portal, or a web server: answers whatever comes in HTTP/1.1, always the same. It runs until it
// goes.
class CaptivePortal {
 public:
  static constexpr const char* kRedirects =
      "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  static constexpr const char* kWelcomes =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\nConnection: "
      "close\r\n\r\n<p>Welcome</p>";
  static constexpr const char* kKnowsNothing =
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

  // At each address of the thread's network namespace; port 0 is one of the system's choice.
  explicit CaptivePortal(std::string answer = kRedirects, std::uint16_t port = 0);
  ~CaptivePortal();
  CaptivePortal(const CaptivePortal&) = delete;
  CaptivePortal& operator=(const CaptivePortal&) = delete;

  [[nodiscard]] std::uint16_t Port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
