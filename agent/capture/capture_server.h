// The Unix socket on which local software reaches the agent.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "agent/capture/capture_service.h"
#include "core/result.h"

namespace tillwire {

class CaptureServer {
 public:
  // Listens on `socket`, with mode 0660 in the group of its directory (if that has the setgid bit) or of the
  // process; creates the directory where absent. A socket file that is already there is replaced if nobody
  // serves it; else, and if it is a file of another kind, that is an error. For
  // an instant the process's umask is changed: no other thread may create files meanwhile. `service` must
  // outlive the server.
  //
  // gRPC's health service and reflection are served beside it. Health says NOT_SERVING for the service until
  // SetServing(): captures may have to wait for the spool.
  static Result<std::unique_ptr<CaptureServer>> Start(const std::filesystem::path& socket,
                                                      CaptureService& service);

  // Shuts down without grace, if Shutdown() was not called.
  ~CaptureServer();
  CaptureServer(const CaptureServer&) = delete;
  CaptureServer& operator=(const CaptureServer&) = delete;

  // Any thread may call, before Shutdown().
  void SetServing();

  // Takes no new calls, waits for those under way, cancels them after `grace`, and removes the socket file.
  // Returns when every call has its answer, so the store must go on answering until then.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit CaptureServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
