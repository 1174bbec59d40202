// What our own calls of a VFS have in common.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"

namespace tillwire {

// The outcome of a call: "cannot WHAT PATH: ...". kResourceExhausted where the disk is full, else
// kUnavailable.
Result<void> CheckVfs(const char* what, const std::string& path, int code);

// What this process could still write to the disk of an open file; nothing where that is not known.
std::optional<std::uint64_t> FreeBytesAt(sqlite3_file* file, const std::string& path);

}  // namespace tillwire
