#include "agent/cli/spool_transport.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "core/derived_event_id.h"
#include "core/event.h"
#include "core/limits.h"
#include "core/spool_name.h"
#include "core/uuid.h"
#include "core/validation.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "proto/event_codec.h"
#include "proto/json_codec.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

// The locks are held for some milliseconds; who holds one for longer hangs.
constexpr std::chrono::milliseconds kLockTimeout{5'000};
// Above a counter from here on a full spool's files might not find room below kMaxSpoolCounter.
constexpr std::uint64_t kNoRoomFrom = kMaxSpoolCounter - kMaxSpoolFiles;

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

// What the agent would say. Its name for the store and for itself is not known here, so room is left for the
// longest.
Result<void> Check(const v1::CaptureEventRequest& wire) {
  if (!wire.event_id().empty()) return Invalid("event_id is the agent's to give", "leave it out");
  if (wire.has_record_time())
    return Invalid("record_time is for spool files", "leave it out; give occur_time");
  auto request = DecodeCaptureRequest(wire);
  if (!request) return request.error();
  if (auto valid = ValidateCapture(*request); !valid) return valid;
  Event event;
  event.event_id = Uuid().ToString();
  event.store_id = std::string(kMaxIdBytes, 's');
  event.terminal_id = std::string(kMaxIdBytes, 't');
  event.boot_id = event.event_id;
  event.captured = SystemClock().Sample();
  event.request = std::move(*request);
  if (!event.request.occur_time) event.request.occur_time = event.captured.wall;
  return CheckEventSize(EncodeEvent(event).size());
}

// The id that the agent will give the event of a file; empty where that is not known yet.
std::string EventIdOf(const std::optional<SpoolOwner>& owner, const std::string& name,
                      const v1::CaptureEventRequest& file) {
  if (!file.event_id().empty()) return file.event_id();
  const std::string key =
      file.idempotency_key().empty() ? KeyOfSpoolName(name).value_or("") : file.idempotency_key();
  const auto request = DecodeCaptureRequest(file);
  if (!owner || key.empty() || !request) return {};
  const auto time = request->occur_time ? request->occur_time : request->record_time;
  if (!time) return {};
  return DerivedEventId(owner->store_id, owner->terminal_id, key, *time).ToString();
}

bool Everything(const std::string&) {
  return true;
}

}  // namespace

Result<SpoolTransport> SpoolTransport::Open(const std::filesystem::path& directory) {
  auto folder = SpoolFolder::Open(directory);
  if (!folder) return folder.error();
  auto lock = folder->Lock(SpoolLock::kDecision, false, kLockTimeout);
  if (!lock) return lock.error();
  return SpoolTransport(std::move(*folder), std::move(*lock));
}

Result<std::optional<Spooled>> SpoolTransport::FindRepeat(const SpoolListing& waiting,
                                                          const v1::CaptureEventRequest& request) const {
  const std::string end = SpoolNameEnd(request.idempotency_key());
  for (const auto& name : waiting.names) {
    if (!name.ends_with(end)) continue;
    v1::CaptureEventRequest before;
    const auto content = folder_.Read(name);
    if (!content || !ParseJson(*content, before)) continue;
    const std::string key =
        before.idempotency_key().empty() ? KeyOfSpoolName(name).value_or("") : before.idempotency_key();
    if (key != request.idempotency_key()) continue;
    if (CaptureContentHash(before) != CaptureContentHash(request)) {
      return Error{
          ErrorCode::kAlreadyExists,
          "idempotency_key was used before for a capture with other content, which waits in the spool",
          "use a new key for a new action; nothing was recorded"};
    }
    return std::optional(Spooled{EventIdOf(owner_, name, before), folder_.NewPath() / name, true});
  }
  return std::optional<Spooled>();
}

Result<Spooled> SpoolTransport::CaptureEvent(const v1::CaptureEventRequest& request) {
  if (auto checked = Check(request); !checked) return checked.error();
  SystemRng rng;
  const WallTime now = SystemClock().WallNow();
  v1::CaptureEventRequest file = request;
  file.set_source(v1::EVENT_SOURCE_CLI);
  EncodeTime(now, *file.mutable_record_time());
  file.set_event_id(EventIdOf(owner_, {}, file));
  if (file.event_id().empty()) file.set_event_id(UuidGenerator(rng).Make(now).ToString());
  const std::string content = ToJson(file, JsonLayout::kOneLine) + "\n";

  // Outside of the order's lock, so that commands wait for each other's last step only.
  const auto temporary = folder_.WriteTemporary(content);
  if (!temporary) return temporary.error();
  const auto publish = [&]() -> Result<Spooled> {
    const auto lock = folder_.Lock(SpoolLock::kOrder, true, kLockTimeout);
    if (!lock) return lock.error();
    const auto waiting = folder_.Waiting(kMaxSpoolFiles, Everything);
    if (!waiting) return waiting.error();
    auto repeat = FindRepeat(*waiting, file);
    if (!repeat) return repeat.error();
    if (*repeat) return **repeat;
    if (waiting->total >= kMaxSpoolFiles) {
      return Error{ErrorCode::kResourceExhausted,
                   "the spool holds its limit of " + std::to_string(kMaxSpoolFiles) + " files",
                   "start the agent: systemctl start tillwired"};
    }
    // Above what waits, also where the clock was set back since. The names ascend, so a counter that leaves
    // no room counts only if those below it led up to it.
    auto counter = static_cast<std::uint64_t>(std::max<std::int64_t>(ToMicros(now), 0));
    for (const auto& name : waiting->names) {
      const auto used = CounterOfSpoolName(name);
      if (used && (*used < kNoRoomFrom || *used <= counter)) counter = std::max(counter, *used + 1);
    }
    const std::string name = MakeSpoolName(counter, file.idempotency_key());
    if (auto published = folder_.Publish(*temporary, name); !published) return published.error();
    return Spooled{file.event_id(), folder_.NewPath() / name, false};
  };
  auto spooled = publish();
  folder_.RemoveTemporary(*temporary);  // where it was not published
  return spooled;
}

Result<std::optional<SpooledFile>> FindInSpool(const std::filesystem::path& directory,
                                               const std::string& event_id) {
  const auto folder = SpoolFolder::Open(directory);
  if (!folder) return folder.error();
  const auto owner = folder->Owner();
  return folder->Find([&](const std::string& name, const std::string& content) {
    v1::CaptureEventRequest request;
    return ParseJson(content, request).ok() && EventIdOf(owner, name, request) == event_id;
  });
}

}  // namespace tillwire
