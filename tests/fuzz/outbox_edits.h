// The files of a real outbox, and what an input does to them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "storage/outbox.h"

namespace tillwire::fuzz {

struct OutboxFiles {
  std::string database;
  std::string log;  // SQLite's, beside the database
  std::string mark;
};

// How an outbox of the targets is opened.
OutboxOptions OptionsIn(const std::filesystem::path& directory);

// Puts the files of a real outbox into the folder, changed as the input says. Steps of one byte, modulo 10,
// with their arguments:
//   0  the real one as a running agent leaves it when it is killed: part of it in the log
//   1  bytes in one of the files             2  a file's length       3  a whole file
//   4  a value in a row of a table           5  a row taken out       6  a row put in twice, with another key
//   7  another mark, intact                  8  checksums of the log made right again
//   9  a table or index dropped, or another schema version
// True if SQLite's own structures are left intact.
bool WriteOutboxFiles(std::string_view input, const std::filesystem::path& directory);

}  // namespace tillwire::fuzz
