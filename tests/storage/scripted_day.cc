#include "tests/storage/scripted_day.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tillwire {
namespace {

constexpr std::array kLanes = {"order:A", "order:B", "order:C"};

}  // namespace

ScriptedDay::ScriptedDay(const std::string& disk_name) : disk_(disk_name) {
  options_.directory = directory_.Path();
  options_.store_id = "0417";
  options_.terminal_id = "till-3";
  options_.machine_id = "machine-1";
  options_.reserve_bytes = 64 << 10;  // little, so that a day makes few changes
  options_.database.vfs = disk_.Name();
}

bool ScriptedDay::Run() {
  try {
    auto opened = Outbox::Open(options_, clock_, rng_);
    if (!opened) return false;
    outbox_ = std::move(*opened);
    for (int i = 0; i < 12; ++i) Capture(kLanes[i % kLanes.size()]);
    for (Position position = 1; position <= 6; ++position) Answer(position, Disposition::kAccepted);
    Answer(8, Disposition::kParked);
    Answer(9, Disposition::kParked);
    outbox_->SyncHighWaterMark();
    Transact([&] { static_cast<void>(outbox_->RequeueAll("TOO_MANY_LINES")); });
    Answer(8, Disposition::kAccepted);
    Answer(7, Disposition::kParked);
    Transact([&] {
      static_cast<void>(outbox_->Release(acknowledged_[6].event_id, "released by 0815: entered twice"));
    });
    Transact(
        [&] { outbox_->SetPause(UplinkPause{"0815", "stock taking", clock_.WallNow(), clock_.WallNow()}); });
    for (int i = 0; i < 6; ++i) Capture(kLanes[i % kLanes.size()]);
    const std::uint64_t epoch = outbox_->Epochs().back().epoch;
    Transact([&] { outbox_->MoveSuffix(epoch, "the centre has another history"); });
    for (int i = 0; i < 4; ++i) Capture(kLanes[i % kLanes.size()]);
    for (Position position = 7; position <= 14; ++position) Answer(position, Disposition::kAccepted);
    Transact([&] { outbox_->StartEpoch("an older copy was put back"); });
    for (int i = 0; i < 4; ++i) Capture(kLanes[i % kLanes.size()]);
    Transact([&] { outbox_->Maintain(clock_.WallNow()); });
    outbox_->SyncHighWaterMark();
    return true;
  } catch (const StorageFault&) {
    outbox_.reset();
    return false;
  }
}

Result<void> ScriptedDay::Recover() {
  outbox_.reset();
  disk_.Restart();
  auto opened = Outbox::Open(options_, clock_, rng_);
  if (!opened) return opened.error();
  outbox_ = std::move(*opened);
  return {};
}

std::string ScriptedDay::Complaints() {
  std::string complaints;
  outbox_->Begin();
  std::map<std::string, Position> last_in_lane;
  for (const Acknowledgement& wanted : acknowledged_) {
    const auto found = outbox_->Find(wanted.event_id);
    if (!found) {
      complaints += fmt::format("lost: {}\n", wanted.event);
      continue;
    }
    if (found->event != wanted.event || found->lane != wanted.lane) {
      complaints += fmt::format("altered: {}\n", wanted.event);
    }
    Position& last = last_in_lane[wanted.lane];
    if (found->position <= last) complaints += fmt::format("out of order: {}\n", wanted.event);
    last = found->position;
  }
  const PendingPage page = outbox_->ReadPending(0, 1000, 1 << 20);
  if (!page.damaged.empty()) complaints += fmt::format("damaged: {} events\n", page.damaged.size());
  const OutboxStatus status = outbox_->Status();
  const std::uint64_t accounted = status.pending + status.parked + status.delivered + status.released;
  if (accounted != outbox_->LastPosition()) {
    complaints += fmt::format("counts: {} positions, {} accounted for\n", outbox_->LastPosition(), accounted);
  }
  if (status.pending != page.records.size()) {
    complaints += fmt::format("counts: {} pending, {} can be read\n", status.pending, page.records.size());
  }
  outbox_->Rollback();
  return complaints;
}

void ScriptedDay::Capture(const std::string& lane) {
  clock_.Advance(std::chrono::seconds(30));
  CaptureInput input;
  input.event_id = event_ids_.Make(clock_.WallNow());
  input.lane = lane;
  input.event = fmt::format("event {} of {}", ++captured_, lane);
  input.captured_at = clock_.WallNow();
  Transact([&] {
    if (auto stored = outbox_->Capture(input); !stored) throw StorageFault(stored.error());
  });
  acknowledged_.push_back({input.event_id, input.lane, input.event});
}

void ScriptedDay::Answer(Position position, Disposition disposition) {
  EventOutcome outcome{position, {}};
  outcome.result.disposition = disposition;
  outcome.result.park_reason = ParkReason::kTooManyLines;
  Transact([&] { outbox_->ApplyOutcomes({outcome}); });
}

template <typename Body>
void ScriptedDay::Transact(Body body) {
  outbox_->Begin();
  try {
    body();
    outbox_->Commit();
  } catch (const StorageFault&) {
    outbox_->Rollback();
    throw;
  }
}

}  // namespace tillwire
