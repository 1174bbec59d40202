#include "tests/support/process.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/temp_directory.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE("A command's input, output and exit code pass through") {
  const CommandOutcome outcome = RunCommand("sh", {"-c", "cat; echo problem >&2; exit 3"}, "hello");
  CHECK(outcome.output == "hello");
  CHECK(outcome.errors == "problem\n");
  CHECK(outcome.status.code == 3);
  CHECK_FALSE(outcome.status.Clean());
}

TEST_CASE("A process that is killed says by which signal") {
  ProcessOptions options;
  options.program = "sh";
  options.arguments = {"-c", "while true; do read line; done"};
  options.input = "/dev/zero";
  Process process = Process::Start(options);
  CHECK(process.Running());
  process.Kill();
  CHECK_FALSE(process.Running());
  CHECK(process.Wait(0ms)->signal == SIGKILL);
}

TEST_CASE("Stopping asks with SIGTERM") {
  const TempDirectory directory;
  ProcessOptions options;
  options.program = "sh";
  options.arguments = {"-c", "trap 'exit 7' TERM; echo ready; while true; do sleep 0.01; done"};
  options.output = directory.Path() / "output";
  Process process = Process::Start(options);
  REQUIRE(WaitUntil(5s, [&] { return ReadWholeFile(options.output) == "ready\n"; }));
  CHECK(process.Stop(5s)->code == 7);
}

TEST_CASE("A tethered process ends with the thread that started it") {
  ProcessOptions options;
  options.program = "sleep";
  options.arguments = {"600"};
  std::optional<Process> process;
  std::thread([&] {
    process.emplace(Process::StartTethered(options));
    // Tied by the time that it has become the program.
    WaitUntil(
        5s, [&] { return ReadWholeFile("/proc/" + std::to_string(process->Pid()) + "/comm") == "sleep\n"; });
  }).join();
  const std::optional<ExitStatus> status = process->Wait(5s);
  REQUIRE(status.has_value());
  CHECK(status->signal == SIGKILL);
}

TEST_CASE("A program that is not there is an error") {
  ProcessOptions options;
  options.program = "/nowhere/tillwired";
  CHECK_THROWS_AS(Process::Start(options), std::system_error);
}

TEST_CASE("A command that takes too long is ended, with its output in the error") {
  CHECK_THROWS_WITH(RunCommand("sh", {"-c", "echo working; exec sleep 60"}, {}, 200ms),
                    Catch::Contains("working"));
}

}  // namespace
}  // namespace tillwire
