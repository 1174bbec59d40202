// One process owns a store. The lock is the kernel's (flock): it ends with the process, however that ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "core/result.h"
#include "platform/file_descriptor.h"

namespace tillwire {

class OwnerLock {
 public:
  // Locks `path` (created if absent) and writes this process's id and `program` into it. If another process
  // holds it: kUnavailable, with that process named: "outbox is locked by process 812 (tillwired); stop it or
  // use its socket".
  static Result<std::unique_ptr<OwnerLock>> Take(const std::filesystem::path& path, const std::string& what,
                                                 const std::string& program);
  // The same for one who only reads, and who may have no right to write there: then the file is locked as it
  // stands. kFailedPrecondition if another process holds it. Where the file system is read-only and the file
  // is absent, nobody can own the store, and nothing is locked.
  static Result<std::unique_ptr<OwnerLock>> TakeToRead(const std::filesystem::path& path,
                                                       const std::string& what, const std::string& program);
  ~OwnerLock();
  OwnerLock(const OwnerLock&) = delete;
  OwnerLock& operator=(const OwnerLock&) = delete;

 private:
  explicit OwnerLock(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  FileDescriptor descriptor_;
};

}  // namespace tillwire
