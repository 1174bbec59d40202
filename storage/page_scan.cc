#include "storage/page_scan.h"

#include <algorithm>
#include <bit>

namespace tillwire {
namespace {

constexpr std::size_t kPageBytes = 4096;  // as storage/database.cc makes them
constexpr std::size_t kFileHeaderBytes = 100;
constexpr std::size_t kLogHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::size_t kFrameBytes = kFrameHeaderBytes + kPageBytes;
constexpr std::uint32_t kLogMagic = 0x377f0682;  // its last bit says in which order the sums take bytes
// No row of ours is longer; a longer one is a damaged length.
constexpr std::uint64_t kMaxPayloadBytes = 1 << 20;

constexpr std::uint8_t kIndexLeaf = 0x0a;
constexpr std::uint8_t kTableLeaf = 0x0d;
constexpr std::uint8_t kIndexInterior = 0x02;
constexpr std::uint8_t kTableInterior = 0x05;
constexpr std::size_t kLeafHeaderBytes = 8;

std::uint64_t BigEndianAt(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

std::uint32_t WordAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(BigEndianAt(bytes, at, 4));
}

// Moves `at` behind a number of one to nine bytes; nothing where the bytes end before it does.
std::optional<std::uint64_t> TakeVarint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int i = 0; i < 9; ++i) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<std::uint8_t>(bytes[at++]);
    if (i == 8) return value << 8U | byte;
    value = value << 7U | (byte & 0x7fU);
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

// The running sums over a log.
struct Sums {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void Add(std::string_view bytes, bool big_endian) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      std::uint32_t words[2] = {WordAt(bytes, at), WordAt(bytes, at + 4)};
      if (!big_endian) {
        for (std::uint32_t& word : words) word = __builtin_bswap32(word);
      }
      first += words[0] + second;
      second += words[1] + first;
    }
  }
  bool operator==(const Sums&) const = default;
};

Sums SumsAt(std::string_view bytes, std::size_t at) {
  return {WordAt(bytes, at), WordAt(bytes, at + 4)};
}

// How many bytes of a payload stand in its cell; the rest is on overflow pages.
std::uint64_t LocalBytes(std::uint64_t size, bool has_rowid) {
  const std::uint64_t most = has_rowid ? kPageBytes - 35 : (kPageBytes - 12) * 64 / 255 - 23;
  if (size <= most) return size;
  const std::uint64_t least = (kPageBytes - 12) * 32 / 255 - 23;
  const std::uint64_t fitting = least + (size - least) % (kPageBytes - 4);
  return fitting <= most ? fitting : least;
}

// The value of a column by its serial type; false where the record ends before it does, or there is no such
// type.
bool TakeValue(std::string_view record, std::size_t& at, std::uint64_t type, ScannedValue& value) {
  static constexpr std::size_t kNumberBytes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
  if (type == 10 || type == 11) return false;
  const std::uint64_t size = type < 10 ? kNumberBytes[type] : (type - 12) / 2;
  if (size > record.size() - at) return false;
  if (type >= 12) {
    value.kind = type % 2 == 0 ? ScannedValue::Kind::kBlob : ScannedValue::Kind::kText;
    value.bytes = record.substr(at, size);
  } else if (type == 8 || type == 9) {
    value.kind = ScannedValue::Kind::kInteger;
    value.integer = type == 9 ? 1 : 0;
  } else if (type == 7) {
    value.kind = ScannedValue::Kind::kReal;
  } else if (type != 0) {
    value.kind = ScannedValue::Kind::kInteger;
    const auto bits = static_cast<unsigned>(64 - 8 * size);
    value.integer = static_cast<std::int64_t>(BigEndianAt(record, at, size) << bits) >> bits;
  }
  at += size;
  return true;
}

std::optional<std::vector<ScannedValue>> Values(std::string_view record) {
  std::size_t at = 0;
  const auto header_bytes = TakeVarint(record, at);
  if (!header_bytes || *header_bytes > record.size() || *header_bytes < at) return std::nullopt;
  std::size_t value_at = *header_bytes;
  std::vector<ScannedValue> values;
  while (at < *header_bytes) {
    const auto type = TakeVarint(record.substr(0, *header_bytes), at);
    if (!type || !TakeValue(record, value_at, *type, values.emplace_back())) return std::nullopt;
  }
  return values;
}

}  // namespace

Result<std::unique_ptr<PageScan>> PageScan::Open(const std::filesystem::path& database,
                                                 const std::string& vfs) {
  auto file = VfsFile::Open(database, vfs);
  if (!file) return file.error();
  auto log = VfsFile::Open(database.string() + "-wal", vfs);
  if (!log) return log.error();
  std::unique_ptr<PageScan> scan(new PageScan(std::move(*file), std::move(*log)));
  if (auto read = scan->ReadLog(); !read) return read.error();
  return scan;
}

// A frame's sums go on from those of the frame before, which stand in that frame: so each frame can be
// checked by itself, whatever became of the others. What an earlier turn of the log has left behind its end
// carries other salts.
Result<void> PageScan::ReadLog() {
  const auto header = log_->Read(0, kLogHeaderBytes);
  if (!header) return header.error();
  if (header->size() < kLogHeaderBytes) return {};
  // Emptied on closing.
  if (header->find_first_not_of('\0') == std::string::npos) return {};
  const bool big_endian = (WordAt(*header, 0) & 1U) != 0;
  Sums header_sums;
  header_sums.Add(std::string_view(*header).substr(0, 24), big_endian);
  bool sound = (WordAt(*header, 0) & ~1U) == kLogMagic && WordAt(*header, 8) == kPageBytes &&
               header_sums == SumsAt(*header, 24);
  std::string salts = header->substr(16, 8);
  Sums before = SumsAt(*header, 24);
  std::vector<Frame> not_committed;
  std::vector<Frame> behind_damage;
  bool ended = false;  // a transaction, behind the first damage
  for (std::uint64_t at = kLogHeaderBytes;; at += kFrameBytes) {
    const auto frame = log_->Read(at, kFrameBytes);
    if (!frame) return frame.error();
    if (frame->size() < kFrameBytes) break;
    const std::string_view bytes = *frame;
    // Of a log whose head is damaged the first frame knows the salts.
    if (at == kLogHeaderBytes && !sound) salts = bytes.substr(8, 8);
    const Sums stored = SumsAt(bytes, 16);
    const auto agrees = [&](bool order) {
      Sums sums = before;
      sums.Add(bytes.substr(0, 8), order);
      sums.Add(bytes.substr(kFrameHeaderBytes), order);
      return sums == stored;
    };
    const bool intact = bytes.substr(8, 8) == salts && WordAt(bytes, 0) != 0 &&
                        (agrees(big_endian) || (!sound && agrees(!big_endian)));
    before = stored;
    const bool of_this_turn = bytes.substr(8, 8) == salts;
    const bool commits = WordAt(bytes, 4) != 0;
    if (!intact) {
      sound = false;
      ended = ended || (of_this_turn && commits);
      continue;
    }
    (sound ? not_committed : behind_damage).push_back({WordAt(bytes, 0), at + kFrameHeaderBytes});
    if (!sound) {
      has_damaged_commit_ = has_damaged_commit_ || ended;
      if (!commits) continue;
      ended = true;
      // Those before the damage are of the first transaction that it harmed.
      for (auto* frames : {&not_committed, &behind_damage}) {
        behind_damage_.insert(behind_damage_.end(), frames->begin(), frames->end());
        frames->clear();
      }
      continue;
    }
    if (!commits) continue;
    for (const Frame& committed : not_committed) {
      const auto [known, is_new] = current_.try_emplace(committed.page, committed.offset);
      if (!is_new) older_.push_back({known->first, std::exchange(known->second, committed.offset)});
    }
    not_committed.clear();
  }
  // Without damage they are of a transaction that never was committed.
  if (behind_damage_.empty() && behind_damage.empty()) return {};
  uncertain_ = std::move(not_committed);
  uncertain_.insert(uncertain_.end(), behind_damage.begin(), behind_damage.end());
  return {};
}

Result<std::string> PageScan::PageInFile(std::uint32_t page) {
  return file_->Read((std::uint64_t{page} - 1) * kPageBytes, kPageBytes);
}

Result<std::string> PageScan::CurrentPage(std::uint32_t page) {
  const auto in_log = current_.find(page);
  return in_log == current_.end() ? PageInFile(page) : log_->Read(in_log->second, kPageBytes);
}

Result<void> PageScan::ForEachRow(const std::function<void(ScannedRow&&)>& visit) {
  const std::uint32_t last_in_log = current_.empty() ? 0 : current_.rbegin()->first;
  for (std::uint32_t page = 1;; ++page) {
    const auto in_file = PageInFile(page);
    if (!in_file) return in_file.error();
    const auto in_log = current_.find(page);
    if (in_file->empty() && page > last_in_log) break;
    if (in_log != current_.end()) {
      const auto content = log_->Read(in_log->second, kPageBytes);
      if (!content) return content.error();
      if (auto visited = VisitPage(*content, page, PageStanding::kCurrent, visit); !visited) return visited;
    }
    const PageStanding standing = in_log == current_.end() ? PageStanding::kCurrent : PageStanding::kOlder;
    if (auto visited = VisitPage(*in_file, page, standing, visit); !visited) return visited;
  }
  for (const auto& [frames, standing] :
       {std::pair(&older_, PageStanding::kOlder), std::pair(&behind_damage_, PageStanding::kBehindDamage),
        std::pair(&uncertain_, PageStanding::kUncertain)}) {
    for (const Frame& frame : *frames) {
      const auto content = log_->Read(frame.offset, kPageBytes);
      if (!content) return content.error();
      if (auto visited = VisitPage(*content, frame.page, standing, visit); !visited) return visited;
    }
  }
  return {};
}

// A page that says that it is none of a database, or that its cells are fewer than it has places for, may be
// a leaf all the same.
Result<void> PageScan::VisitPage(const std::string& content, std::uint32_t page, PageStanding standing,
                                 const std::function<void(ScannedRow&&)>& visit) {
  if (content.size() < kPageBytes) return {};
  const std::size_t head = page == 1 ? kFileHeaderBytes : 0;
  const auto type = static_cast<std::uint8_t>(content[head]);
  const bool is_leaf = type == kTableLeaf || type == kIndexLeaf;
  if (!is_leaf && (type == 0 || type == kTableInterior || type == kIndexInterior) &&
      content.find_first_not_of('\0', head) == std::string::npos) {
    return {};
  }
  const std::size_t cells = BigEndianAt(content, head + 3, 2);
  // Cells stand between here and the page's end; their places are listed before.
  const std::size_t begin = BigEndianAt(content, head + 5, 2);
  const std::size_t places = head + kLeafHeaderBytes;
  const std::size_t listed_to = begin > places && begin <= kPageBytes ? begin : kPageBytes;
  for (std::size_t i = 0; places + 2 * (i + 1) <= listed_to; ++i) {
    const std::size_t at = BigEndianAt(content, places + 2 * i, 2);
    if (at < places || at >= kPageBytes) continue;
    const bool as_it_says = is_leaf && i < cells;
    if (standing > PageStanding::kOlder && !as_it_says) break;
    if (auto visited =
            VisitCell(content, at, type != kIndexLeaf, as_it_says ? standing : PageStanding::kOlder, visit);
        !visited) {
      return visited;
    }
  }
  return {};
}

Result<void> PageScan::VisitCell(std::string_view content, std::size_t at, bool has_rowid,
                                 PageStanding standing, const std::function<void(ScannedRow&&)>& visit) {
  const auto size = TakeVarint(content, at);
  if (!size || *size == 0 || *size > kMaxPayloadBytes) return {};
  ScannedRow row;
  row.standing = standing;
  if (has_rowid) {
    const auto rowid = TakeVarint(content, at);
    if (!rowid) return {};
    row.rowid = static_cast<std::int64_t>(*rowid);
  }
  auto payload = Payload(content, at, *size, has_rowid);
  if (!payload) return payload.error();
  if (!*payload) return {};
  auto values = Values(**payload);
  if (!values) return {};
  row.values = std::move(*values);
  visit(std::move(row));
  return {};
}

// Nothing where its pages can't be those of a payload.
Result<std::optional<std::string>> PageScan::Payload(std::string_view content, std::size_t at,
                                                     std::uint64_t size, bool has_rowid) {
  const std::uint64_t local = LocalBytes(size, has_rowid);
  if (local + (local < size ? 4 : 0) > content.size() - at) return std::optional<std::string>();
  std::string payload(content.substr(at, local));
  if (local == size) return std::optional(std::move(payload));
  for (std::uint32_t next = WordAt(content, at + local); payload.size() < size;) {
    if (next == 0) return std::optional<std::string>();
    const auto page = CurrentPage(next);
    if (!page) return page.error();
    if (page->size() < kPageBytes) return std::optional<std::string>();
    next = WordAt(*page, 0);
    payload.append(*page, 4, std::min<std::uint64_t>(kPageBytes - 4, size - payload.size()));
  }
  return std::optional(std::move(payload));
}

}  // namespace tillwire
