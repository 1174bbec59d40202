// What we ask of a VFS beyond what SQLite asks. A VFS whose files stand in the system's file system need not
// know any of it: it answers SQLITE_NOTFOUND, and the system is asked. A twin of a disk in tests answers for
// itself.
#pragma once

namespace tillwire::vfs_control {

// Operations of xFileControl, above those that SQLite keeps for itself.

// std::uint64_t*: set to what this process could still write to the file's disk.
inline constexpr int kFreeBytes = 0x5457'0001;
// const char*: the file's new name, in the same directory; what stood there is replaced at once. Durable
// after kSyncDirectory. The handle is good for nothing afterwards but to be closed, or for kSyncDirectory.
inline constexpr int kRename = 0x5457'0002;
// nullptr: makes creations, renames and deletions in the file's directory durable.
inline constexpr int kSyncDirectory = 0x5457'0003;

}  // namespace tillwire::vfs_control
