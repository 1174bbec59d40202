#include "agent/cli/report.h"

#include <iostream>

#include "agent/cli/exit_code.h"

namespace tillwire {

int ReportNoAnswer(const std::string& what, Error error) {
  if (error.code == ErrorCode::kUnknown) {
    error.code = ErrorCode::kUnavailable;
    error.hint = "the agent stopped, or it or its disk hangs; see its log: journalctl -u tillwired";
  }
  std::cerr << "no " << what << ": " << error.Text() << "\n";
  return Code(ExitCodeFor(error.code));
}

int ReportNotDone(const std::string& done, const std::string& see, const Error& error) {
  const ExitCode code = ExitCodeFor(error.code);
  if (code == ExitCode::kUnknown) {
    std::cerr << "unknown whether it is " << done << ": " << error.message << "\nSee: " << see << "\n";
  } else {
    std::cerr << "not " << done << ": " << error.Text() << "\n";
  }
  return Code(code);
}

}  // namespace tillwire
