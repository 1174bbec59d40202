// What POSIX asks for before a file's existence is durable.
#pragma once

#include <filesystem>
#include <string>

#include "core/result.h"

namespace tillwire {

// Creates a directory and its parents where absent, with mode 0750, and syncs the parent.
Result<void> EnsureDirectory(const std::filesystem::path& path);
// Whether this process may create files in a directory: permissions, and a file system that is not read-only.
Result<void> CheckWritable(const std::filesystem::path& directory);
// Makes creations, renames and deletions in a directory durable.
Result<void> SyncDirectory(const std::filesystem::path& path);
// "cannot OPERATION PATH: strerror", with a code by errno (ENOSPC: kResourceExhausted; else kUnavailable).
Error FileError(const std::string& operation, const std::filesystem::path& path, int error_number);

}  // namespace tillwire
