#include "ingest/oversight/terminal_register.h"

#include <algorithm>

#include "core/epoch.h"
#include "core/text.h"
#include "ingest/oversight/epoch_facts.h"
#include "ingest/oversight/terminal_codec.h"

namespace tillwire {
namespace {

constexpr std::size_t kLoadPage = 1024;
constexpr std::size_t kMaxDetailBytes = 512;

// Why an epoch began, as far as the terminal says.
std::string NewEpochDetail(const EpochDigest& epoch) {
  if (epoch.ordinal == 1) {
    return "its outbox is new: the one before was deleted or replaced, or another machine took its name";
  }
  return epoch.why.empty() ? "epoch " + EpochName(epoch.epoch) : epoch.why;
}

}  // namespace

void TerminalRegister::Load(LedgerTransaction& ledger) {
  const std::lock_guard lock(mutex_);
  StreamIdentity after;
  while (true) {
    const std::vector<StoredTerminal> page = ledger.Terminals(after, kLoadPage);
    for (const StoredTerminal& stored : page) {
      auto record = DecodeRecord(stored.record);
      if (!record) continue;
      Entry& entry = entries_[stored.identity];
      entry.record = std::move(*record);
      entry.record.identity = stored.identity;
      entry.written = entry.version;
    }
    if (page.size() < kLoadPage) return;
    after = page.back().identity;
  }
}

TerminalRegister::Entry* TerminalRegister::Touch(const StreamIdentity& identity, WallTime now) {
  if (entries_.size() >= kMaxTerminals && !entries_.contains(identity)) return nullptr;
  const auto [found, is_new] = entries_.try_emplace(identity);
  Entry& entry = found->second;
  if (is_new) {
    entry.record.identity = identity;
    entry.record.first_seen = now;
  }
  entry.record.last_seen = now;
  ++entry.version;
  return &entry;
}

void TerminalRegister::Opened(const StreamIdentity& identity, const Uuid& instance,
                              const std::string& agent_version, WallTime now) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = Touch(identity, now);
  if (entry == nullptr) return;
  entry->record.agent_version = Excerpt(agent_version);
  ++entry->instances[instance];
  if (entry->instances.size() > 1 && !entry->overlap_since) entry->overlap_since = now;
}

void TerminalRegister::Closed(const StreamIdentity& identity, const Uuid& instance, WallTime now) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = Touch(identity, now);
  if (entry == nullptr) return;
  const auto found = entry->instances.find(instance);
  if (found == entry->instances.end()) return;
  if (--found->second == 0) entry->instances.erase(found);
  if (entry->instances.size() > 1 || !entry->overlap_since) return;
  const WallTime since = *entry->overlap_since;
  entry->overlap_since.reset();
  // A process that was started anew while its old connection had not been given up is no copy.
  if (now - since < limits_.duplicate_after) return;
  entry->record.noticed[TerminalFlag::kDuplicate] = {since, now, "two processes spoke for this terminal"};
}

void TerminalRegister::Forked(const StreamIdentity& identity, const std::string& detail, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (Entry* const entry = Touch(identity, now)) {
    entry->record.noticed[TerminalFlag::kDuplicate] = {now, now, Excerpt(detail, kMaxDetailBytes)};
  }
}

TerminalRegister::Comparison TerminalRegister::Compare(LedgerTransaction& ledger,
                                                       const StreamIdentity& identity,
                                                       const std::vector<EpochDigest>& named) const {
  std::map<std::uint64_t, EpochDigest> epochs;
  {
    const std::lock_guard lock(mutex_);
    if (const auto entry = entries_.find(identity); entry != entries_.end()) {
      for (const EpochRecord& known : entry->second.record.epochs) epochs[known.digest.epoch] = known.digest;
    }
  }
  for (const EpochDigest& digest : named) epochs[digest.epoch] = digest;
  Comparison comparison;
  for (const auto& [epoch, digest] : epochs) comparison[epoch] = ReadEpochFacts(ledger, identity, digest);
  return comparison;
}

void TerminalRegister::Take(const StreamIdentity& identity, const Uuid& instance, const Digest& digest,
                            const Comparison& comparison, WallTime now) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = Touch(identity, now);
  if (entry == nullptr) return;
  TerminalRecord& record = entry->record;
  TakeEpochs(record, instance, digest, now);
  record.digest = digest;
  record.digest->epochs.clear();
  record.digest_at = now;
  record.clock_skew = digest.clock_time
                          ? std::chrono::duration_cast<std::chrono::milliseconds>(*digest.clock_time - now)
                          : std::chrono::milliseconds(0);
  TakeFacts(record, comparison, now);
  Notice(record, TerminalFlag::kBadFiles, digest.spool_bad > 0, now);
  Notice(record, TerminalFlag::kClock, std::chrono::abs(record.clock_skew) >= limits_.clock_skew, now);
}

// The digest's epochs take the place of those of the same name. What it does not name any more is abandoned,
// unless another process that speaks for the terminal named it.
void TerminalRegister::TakeEpochs(TerminalRecord& record, const Uuid& instance, const Digest& digest,
                                  WallTime now) {
  const auto& live = entries_.at(record.identity).instances;
  const std::uint64_t faults_before = record.GivenUpByFault();
  const bool known_before = !record.epochs.empty();
  std::vector<EpochRecord> epochs;
  for (EpochRecord& known : record.epochs) {
    const bool named = std::ranges::any_of(
        digest.epochs, [&](const EpochDigest& epoch) { return epoch.epoch == known.digest.epoch; });
    if (named) continue;
    const bool of_another = known.instance != instance && live.contains(known.instance);
    if (!of_another && !known.abandoned_since) known.abandoned_since = now;
    epochs.push_back(std::move(known));
  }
  if (epochs.size() > kMaxEpochs) epochs.erase(epochs.begin(), epochs.end() - kMaxEpochs);
  for (const EpochDigest& epoch : digest.epochs) {
    const bool is_new = std::ranges::none_of(
        record.epochs, [&](const EpochRecord& known) { return known.digest.epoch == epoch.epoch; });
    if (is_new && known_before && &epoch == &digest.epochs.back()) {
      record.noticed[TerminalFlag::kNewEpoch] = {now, now, NewEpochDetail(epoch)};
    }
    epochs.push_back({epoch, instance, std::nullopt, {}});
  }
  record.epochs = std::move(epochs);
  const std::uint64_t faults = record.GivenUpByFault();
  if (faults > faults_before) record.noticed[TerminalFlag::kLost] = {now, now, {}};
  if (faults == 0) record.noticed.erase(TerminalFlag::kLost);
}

bool TerminalRegister::TakeFacts(TerminalRecord& record, const Comparison& comparison, WallTime now) {
  bool is_new = false;
  for (EpochRecord& epoch : record.epochs) {
    const auto facts = comparison.find(epoch.digest.epoch);
    if (facts == comparison.end() || facts->second == epoch.facts) continue;
    epoch.facts = facts->second;
    is_new = true;
  }
  Notice(record, TerminalFlag::kGap, record.Unexplained() > 0, now);
  return is_new;
}

void TerminalRegister::Notice(TerminalRecord& record, TerminalFlag flag, bool holds, WallTime now) {
  if (!holds) {
    record.noticed.erase(flag);
  } else {
    record.noticed.try_emplace(flag, FlagState{now, std::nullopt, {}});
  }
}

bool TerminalRegister::MissesEvents(const StreamIdentity& identity) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(identity);
  return entry != entries_.end() && entry->second.record.MissesEvents();
}

TerminalRegister::Comparisons TerminalRegister::CompareAway(LedgerTransaction& ledger) {
  std::vector<StreamIdentity> away;
  {
    const std::lock_guard lock(mutex_);
    auto next = entries_.upper_bound(compared_through_);
    for (std::size_t looked = 0;
         next != entries_.end() && looked < kCompareLook && away.size() < kCompareLimit; ++looked, ++next) {
      compared_through_ = next->first;
      if (next->second.instances.empty() && next->second.record.MissesEvents()) away.push_back(next->first);
    }
    if (next == entries_.end()) compared_through_ = {};
  }
  Comparisons comparisons;
  for (const StreamIdentity& identity : away)
    comparisons.emplace_back(identity, Compare(ledger, identity, {}));
  return comparisons;
}

void TerminalRegister::TakeAgain(const StreamIdentity& identity, const Comparison& comparison, WallTime now) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(identity);
  if (entry != entries_.end() && TakeFacts(entry->second.record, comparison, now)) ++entry->second.version;
}

TerminalRegister::Written TerminalRegister::WriteChanged(LedgerTransaction& ledger) const {
  std::vector<std::pair<StreamIdentity, std::string>> records;
  Written written;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [identity, entry] : entries_) {
      if (entry.version == entry.written) continue;
      records.emplace_back(identity, EncodeRecord(entry.record));
      written.emplace_back(identity, entry.version);
      if (written.size() == kWriteLimit) break;
    }
  }
  for (const auto& [identity, record] : records) ledger.PutTerminal(identity, record);
  return written;
}

void TerminalRegister::Confirm(const Written& written) {
  const std::lock_guard lock(mutex_);
  for (const auto& [identity, version] : written) entries_.at(identity).written = version;
}

std::vector<RaisedFlag> TerminalRegister::FlagsOf(const Entry& entry, WallTime now) const {
  return RaisedFlags(entry.record, PresenceOf(entry), limits_, {now, started_at_});
}

TerminalRegister::Page TerminalRegister::List(const Query& query, const std::optional<Place>& after,
                                              std::size_t max_terminals, WallTime now) const {
  const std::lock_guard lock(mutex_);
  Page page;
  std::vector<std::pair<Place, const Entry*>> places;
  for (const auto& [identity, entry] : entries_) {
    if (!query.store_id.empty() && query.store_id != identity.store_id) continue;
    if (!query.terminal_id.empty() && query.terminal_id != identity.terminal_id) continue;
    const auto flags = FlagsOf(entry, now);
    const bool wanted =
        query.flag == TerminalFlag::kUnspecified ||
        std::ranges::any_of(flags, [&](const RaisedFlag& raised) { return raised.flag == query.flag; });
    if (!wanted) continue;
    ++page.total;
    Place place{flags.empty() ? kTerminalFlags : static_cast<std::size_t>(flags.front().flag), identity};
    if (!after || place > *after) places.emplace_back(std::move(place), &entry);
  }
  const std::size_t given = std::min(max_terminals, places.size());
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(given), places.end(),
                    [](const auto& one, const auto& other) { return one.first < other.first; });
  for (std::size_t i = 0; i < given; ++i) {
    const Entry& entry = *places[i].second;
    Seen& seen = page.terminals.emplace_back();
    seen.record = entry.record;
    seen.presence = PresenceOf(entry);
    seen.flags = FlagsOf(entry, now);
    // A terminal that is connected is being heard.
    if (seen.presence.instances > 0) seen.record.last_seen = now;
  }
  if (given < places.size()) page.last = places[given - 1].first;
  return page;
}

TerminalRegister::FlagCounts TerminalRegister::CountFlags(WallTime now) const {
  const std::lock_guard lock(mutex_);
  FlagCounts counts{};
  for (const auto& [identity, entry] : entries_) {
    const auto flags = FlagsOf(entry, now);
    if (flags.empty()) ++counts[static_cast<std::size_t>(TerminalFlag::kUnspecified)];
    for (const RaisedFlag& raised : flags) ++counts[static_cast<std::size_t>(raised.flag)];
  }
  return counts;
}

}  // namespace tillwire
