#include "platform/service_reporter.h"

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "tests/support/notify_socket.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// A service on this thread; its storage thread is a list of questions that the test answers when it likes.
class Rig {
 protected:
  void Make(std::optional<std::chrono::microseconds> watchdog, std::chrono::milliseconds interval = 5s) {
    reporter_.emplace(io_, ServiceNotifier(manager_.Path(), watchdog), interval);
  }
  void Ready() {
    reporter_->Ready({[this](std::function<void(std::string)> done) {
                        ++described_;
                        if (describe_) done(line_);
                      },
                      [this](std::function<void()> alive) {
                        ++probes_;
                        if (alive_) alive();
                      }});
  }
  void Run(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }
  // Runs until a datagram begins so, or gives up.
  bool Sees(const std::string& beginning, std::chrono::milliseconds patience = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      Run(5ms);
      if (!manager_.WaitFor(beginning, 1ms).empty()) return true;
    }
    return false;
  }

  TempDirectory directory_;
  NotifySocket manager_{(directory_.Path() / "notify").string()};
  asio::io_context io_;
  std::optional<ServiceReporter> reporter_;
  std::string line_ = "not connected";
  bool describe_ = true;
  bool alive_ = true;
  int described_ = 0;
  int probes_ = 0;
};

TEST_CASE_METHOD(Rig, "Readiness comes first, then how things stand") {
  Make(std::nullopt);
  reporter_->Touch();
  Run(20ms);
  CHECK(described_ == 0);
  Ready();
  Run(20ms);
  CHECK(manager_.Next(5s) == "READY=1");
  CHECK(manager_.Next(5s) == "STATUS=not connected");
  reporter_->Stopping();
  CHECK(manager_.Next(5s) == "STOPPING=1");
}

TEST_CASE_METHOD(Rig, "What happens within the interval is told once, at its end") {
  Make(std::nullopt, 200ms);
  Ready();
  REQUIRE(Sees("STATUS=not connected"));
  for (int i = 0; i < 50; ++i) {
    line_ = "connected; " + std::to_string(i) + " pending";
    reporter_->Touch();
    Run(1ms);
  }
  REQUIRE(Sees("STATUS=connected; 49 pending"));
  CHECK(described_ <= 3);
}

TEST_CASE_METHOD(Rig, "A line that is the same is not sent again, and an idle service has no timer") {
  Make(std::nullopt, 10ms);
  Ready();
  REQUIRE(Sees("STATUS=not connected"));
  reporter_->Touch();
  Run(50ms);
  CHECK(manager_.Next(1ms).empty());
  io_.restart();
  CHECK(io_.run_for(1s) == 0);
  CHECK(io_.stopped());
}

TEST_CASE_METHOD(Rig, "Beats come at half of the manager's time, as long as the storage thread answers") {
  Make(100ms);
  Ready();
  for (int i = 0; i < 5; ++i) REQUIRE(Sees("WATCHDOG=1"));

  alive_ = false;
  Run(120ms);
  while (!manager_.Next(1ms).empty()) {
  }
  const int probes = probes_;
  Run(400ms);
  CHECK(manager_.Next(1ms).empty());
  CHECK(probes_ == probes);  // a thread that is stuck is not asked again and again
}

TEST_CASE_METHOD(Rig, "Without a watchdog nobody is asked to prove anything") {
  Make(std::nullopt);
  Ready();
  Run(50ms);
  CHECK(probes_ == 0);
}

TEST_CASE_METHOD(Rig, "A storage thread that never answers keeps the line as it was") {
  describe_ = false;
  Make(std::nullopt, 10ms);
  Ready();
  for (int i = 0; i < 20; ++i) {
    reporter_->Touch();
    Run(2ms);
  }
  CHECK(manager_.Next(5s) == "READY=1");
  CHECK(manager_.Next(1ms).empty());
  CHECK(described_ == 1);
}

TEST_CASE("Where nobody wants to know, nothing is asked") {
  asio::io_context io;
  ServiceReporter reporter(io, ServiceNotifier(""));
  bool asked = false;
  reporter.Ready({[&](const auto&) { asked = true; }, [&](const auto&) { asked = true; }});
  reporter.Touch();
  CHECK(io.run() == 0);
  CHECK_FALSE(asked);
}

}  // namespace
}  // namespace tillwire
