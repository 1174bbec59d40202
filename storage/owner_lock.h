// One process owns a store. The lock is the kernel's (flock): it ends with the process, however that ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/result.h"

namespace tillwire {

class OwnerLock {
 public:
  // Locks `path` (created if absent) and writes this process's id and `program` into it. If another process
  // holds it: kUnavailable, with that process named: "outbox is locked by process 812 (tillwired); stop it or
  // use its socket".
  static Result<std::unique_ptr<OwnerLock>> Take(const std::filesystem::path& path, const std::string& what,
                                                 const std::string& program);
  ~OwnerLock();
  OwnerLock(const OwnerLock&) = delete;
  OwnerLock& operator=(const OwnerLock&) = delete;

 private:
  explicit OwnerLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace tillwire
