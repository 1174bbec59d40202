#include "tests/support/process_usage.h"

#include <unistd.h>

#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/support/process.h"

namespace tillwire {
namespace {

// Of a line such as "RssAnon:     4711 kB".
std::uint64_t KibOf(const std::string& status, const std::string& name) {
  const std::size_t place = status.find("\n" + name + ":");
  if (place == std::string::npos) {
    throw std::runtime_error("the kernel does not say " + name);
  }
  return std::stoull(status.substr(place + name.size() + 2));
}

}  // namespace

ProcessUsage ReadProcessUsage(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string status = ReadWholeFile(folder + "/status");
  const std::string stat = ReadWholeFile(folder + "/stat");
  ProcessUsage usage;
  usage.anonymous_kib = KibOf(status, "RssAnon");
  usage.resident_kib = KibOf(status, "VmRSS");
  // Fields are counted behind the program's name, which is in parentheses: utime is the 12th there, stime the
  // 13th.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 1; field < 12; ++field) {
    fields >> skipped;
  }
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  usage.cpu = std::chrono::milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
  return usage;
}

}  // namespace tillwire
