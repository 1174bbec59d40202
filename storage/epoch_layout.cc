#include "storage/epoch_layout.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include "core/limits.h"

namespace tillwire {
namespace {

constexpr std::size_t kEncodedRows = 64;

std::optional<Hash> HashFromHex(const std::string& text) {
  Hash hash;
  if (text.size() != 2 * hash.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    const char* begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, hash.bytes[i], 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
  }
  return hash;
}

}  // namespace

std::string EncodeEpochs(const std::vector<EpochRow>& rows) {
  std::vector<const EpochRow*> in_use;
  for (const EpochRow& row : rows) {
    if (!row.retained || *row.retained > 0) in_use.push_back(&row);
  }
  std::ostringstream text;
  for (std::size_t i = in_use.size() - std::min(in_use.size(), kEncodedRows); i < in_use.size(); ++i) {
    const EpochRow& row = *in_use[i];
    text << row.ordinal << ' ' << row.epoch << ' ' << row.base << ' ' << row.retained.value_or(0) << ' '
         << row.issued << ' ' << row.genesis.ToHex() << ' ' << row.last_hash.ToHex() << '\n';
  }
  return std::move(text).str();
}

std::vector<EpochRow> DecodeEpochs(const std::string& text) {
  std::vector<EpochRow> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    EpochRow row;
    std::uint64_t retained = 0;
    std::string genesis;
    std::string last_hash;
    fields >> row.ordinal >> row.epoch >> row.base >> retained >> row.issued >> genesis >> last_hash;
    const auto genesis_hash = HashFromHex(genesis);
    const auto end_hash = HashFromHex(last_hash);
    const bool in_order = rows.empty() || row.ordinal > rows.back().ordinal;
    if (!fields || !genesis_hash || !end_hash || !in_order || row.ordinal == 0 || row.base > kMaxSequence ||
        retained > kMaxSequence || row.issued > kMaxSequence) {
      continue;
    }
    if (retained > 0) row.retained = retained;
    row.genesis = *genesis_hash;
    row.last_hash = *end_hash;
    row.why = "its row was damaged";
    rows.push_back(std::move(row));
  }
  return rows;
}

const EpochRow* EpochLayout::RowAt(std::uint64_t position) const {
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    if (position <= row->base) continue;
    if (!row->retained || position - row->base <= *row->retained) return &*row;
  }
  return nullptr;
}

std::optional<RecordId> EpochLayout::IdOf(std::uint64_t position) const {
  const EpochRow* row = RowAt(position);
  if (row == nullptr) return std::nullopt;
  return RecordId{row->epoch, position - row->base};
}

bool EpochLayout::Proves(const UnprovedEvent& event) const {
  const auto id = IdOf(event.position);
  if (!id) return false;
  std::optional<RecordRef> predecessor;
  if (event.predecessor) {
    const auto before = IdOf(*event.predecessor);
    if (!before || !event.predecessor_hash) return false;
    predecessor = RecordRef{*before, *event.predecessor_hash};
  }
  return RecordHash(*id, event.lane, predecessor, event.previous_hash, event.event) == event.hash;
}

std::size_t EpochLayout::ProvedOf(const std::vector<UnprovedEvent>& events) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(events, [this](const UnprovedEvent& event) { return Proves(event); }));
}

void EpochLayout::Mend(const std::vector<UnprovedEvent>& events, const std::optional<RecordRef>& mark) {
  EpochLayout best = *this;
  std::size_t most = ProvedOf(events);
  const auto attempt = [&](std::size_t index, auto change) {
    EpochLayout other = *this;
    change(other.rows_[index]);
    if (const std::size_t proves = other.ProvedOf(events); proves > most) {
      most = proves;
      best = std::move(other);
    }
  };
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (mark) attempt(i, [&](EpochRow& row) { row.epoch = mark->id.epoch; });
    if (i > 0 && rows_[i - 1].retained) {
      attempt(i, [&](EpochRow& row) { row.base = rows_[i - 1].base + *rows_[i - 1].retained; });
    }
    if (i + 1 < rows_.size() && rows_[i + 1].base > rows_[i].base) {
      attempt(i, [&](EpochRow& row) { row.retained = rows_[i + 1].base - row.base; });
    }
    for (int bit = 0; bit < 64; ++bit) {
      const std::uint64_t turned = std::uint64_t{1} << bit;
      attempt(i, [&](EpochRow& row) { row.epoch ^= turned; });
      if (turned > kMaxSequence) continue;
      attempt(i, [&](EpochRow& row) { row.base ^= turned; });
      attempt(i, [&](EpochRow& row) {
        if (row.retained) *row.retained ^= turned;
      });
    }
  }
  *this = std::move(best);
}

}  // namespace tillwire
