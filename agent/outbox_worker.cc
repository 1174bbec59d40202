#include "agent/outbox_worker.h"

#include <spdlog/spdlog.h>

namespace tillwire {

OutboxWorker::OutboxWorker(Outbox& outbox, const Clock& clock, CommitMetrics& metrics,
                           const MakeQueue& make_queue, Notices notices)
    : outbox_(outbox),
      last_position_(outbox.LastPosition()),
      notices_(std::move(notices)),
      timed_(outbox, clock, metrics),
      commits_(make_queue(timed_)) {}

OutboxWorker::~OutboxWorker() {
  Stop();
}

void OutboxWorker::Capture(CaptureInput input, std::function<void(Result<Captured>)> done) {
  // Shared, because std::function must be copyable.
  auto reply = std::make_shared<std::optional<Result<Captured>>>();
  auto position = std::make_shared<Position>(0);
  commits_->Submit({[this, reply, position, input = std::move(input)] {
                      *reply = outbox_.Capture(input);
                      NoteStored(**reply);
                      *position = outbox_.LastPosition();
                    },
                    [this, reply, position, done = std::move(done)](const Result<void>& committed) {
                      NoteCommitted(committed);
                      if (!committed) {
                        done(Named(committed.error()));
                        return;
                      }
                      NoteCaptured(*position);
                      if ((*reply)->ok() && !(**reply)->repeated) Changed({(**reply)->position});
                      NoteRefused(**reply);
                      done(std::move(**reply));
                    }});
}

void OutboxWorker::CaptureInOrder(std::vector<CaptureInput> inputs,
                                  std::function<void(std::vector<Result<Captured>>)> done) {
  auto replies = std::make_shared<std::vector<Result<Captured>>>();
  auto position = std::make_shared<Position>(0);
  const std::size_t count = inputs.size();
  commits_->Submit({[this, replies, position, inputs = std::move(inputs)] {
                      replies->clear();
                      for (const CaptureInput& input : inputs) {
                        const bool full = !replies->empty() && !replies->back().ok() &&
                                          replies->back().error().code == ErrorCode::kResourceExhausted;
                        replies->push_back(full ? replies->back() : outbox_.Capture(input));
                        NoteStored(replies->back());
                      }
                      *position = outbox_.LastPosition();
                    },
                    [this, replies, position, count, done = std::move(done)](const Result<void>& committed) {
                      NoteCommitted(committed);
                      if (!committed) {
                        done(std::vector<Result<Captured>>(count, Named(committed.error())));
                        return;
                      }
                      NoteCaptured(*position);
                      std::vector<Position> captured;
                      for (const auto& reply : *replies) {
                        if (reply && !reply->repeated) captured.push_back(reply->position);
                      }
                      if (!captured.empty()) Changed(captured);
                      if (!replies->empty()) NoteRefused(replies->back());
                      done(std::move(*replies));
                    }});
}

// Once for each change.
void OutboxWorker::LogRoom() {
  const OutboxRoom& room = outbox_.Room();
  if (std::exchange(logged_stage_, room.stage) == room.stage) return;
  const auto level = room.stage == RoomStage::kPlenty            ? spdlog::level::info
                     : room.stage < RoomStage::kBinClearsRefused ? spdlog::level::warn
                                                                 : spdlog::level::err;
  spdlog::log(level, "outbox: room stage={} bytes={} reason=\"{}\" remedy=\"{}\"", RoomStageName(room.stage),
              room.bytes, room.Reason(), room.Remedy());
  Changed({});
}

void OutboxWorker::NoteStored(const Result<Captured>& reply) {
  if (reply && !reply->repeated) timed_.NoteRecords(1);
}

void OutboxWorker::NoteCaptured(Position last) {
  last_position_ = last;
  if (notices_.mark_written) notices_.mark_written();
}

void OutboxWorker::NoteRefused(const Result<Captured>& reply) const {
  if (!reply && reply.error().code == ErrorCode::kResourceExhausted && notices_.no_room) notices_.no_room();
}

void OutboxWorker::Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) {
  AskFor<Outbox::Requeued>([event_id](Outbox& outbox) { return outbox.Requeue(event_id); },
                           [this, done = std::move(done)](const Result<Outbox::Requeued>& requeued) {
                             if (requeued) Changed({requeued->position});
                             done(requeued);
                           });
}

void OutboxWorker::RequeueAll(const std::string& reason,
                              std::function<void(Result<std::vector<Position>>)> done) {
  Ask<std::vector<Position>>([reason](Outbox& outbox) { return outbox.RequeueAll(reason); },
                             [this, done = std::move(done)](const Result<std::vector<Position>>& requeued) {
                               if (requeued && !requeued->empty()) Changed(*requeued);
                               done(requeued);
                             });
}

void OutboxWorker::Release(const Uuid& event_id, const std::string& cause,
                           std::function<void(Result<Outbox::Requeued>)> done) {
  AskFor<Outbox::Requeued>([event_id, cause](Outbox& outbox) { return outbox.Release(event_id, cause); },
                           [this, done = std::move(done)](const Result<Outbox::Requeued>& released) {
                             if (released) Changed({released->position});
                             done(released);
                           });
}

void OutboxWorker::SetPause(const std::optional<UplinkPause>& pause,
                            std::function<void(Result<std::optional<UplinkPause>>)> done) {
  Ask<std::optional<UplinkPause>>(
      [pause](Outbox& outbox) {
        auto before = outbox.Pause();
        outbox.SetPause(pause);
        return before;
      },
      std::move(done));
}

void OutboxWorker::Examine(const Uuid& event_id, std::function<void(Result<Examined>)> done) {
  AskFor<Examined>(
      [event_id](Outbox& outbox) -> Result<Examined> {
        auto event = outbox.Find(event_id);
        if (!event) return event.error();
        Examined examined{std::move(*event), {}, outbox.Status().pending, outbox.Room(), outbox.Trouble()};
        if (examined.event.held_by) {
          auto holders = outbox.Views({*examined.event.held_by});
          if (!holders.empty()) examined.holder = std::move(holders.front());
        }
        return examined;
      },
      std::move(done));
}

void OutboxWorker::Find(const Uuid& event_id, std::function<void(Result<EventView>)> done) {
  AskFor<EventView>([event_id](Outbox& outbox) { return outbox.Find(event_id); }, std::move(done));
}

void OutboxWorker::List(const EventQuery& query, std::function<void(Result<EventPage>)> done) {
  Ask<EventPage>([query](Outbox& outbox) { return outbox.List(query); }, std::move(done));
}

void OutboxWorker::LookAt(const std::vector<Position>& events, std::function<void(Result<Look>)> done) {
  Ask<Look>([events](Outbox& outbox) { return Look{outbox.Status(), outbox.Views(events)}; },
            std::move(done));
}

void OutboxWorker::Status(std::function<void(Result<OutboxStatus>)> done) {
  Ask<OutboxStatus>([](Outbox& outbox) { return outbox.Status(); }, std::move(done));
}

void OutboxWorker::Changed(const std::vector<Position>& events) const {
  if (notices_.changed) notices_.changed(events);
}

void OutboxWorker::NoteCommitted(const Result<void>& committed) {
  // Only then is it certain to be the storage thread.
  if (!committed) return;
  LogRoom();
  LogTrouble();
  if (std::exchange(openings_, outbox_.Openings()) == outbox_.Openings()) return;
  last_position_ = outbox_.LastPosition();
  if (notices_.reopened) notices_.reopened();
}

// Once for each change.
void OutboxWorker::LogTrouble() {
  const auto& trouble = outbox_.Trouble();
  const std::string text = trouble ? trouble->Text() : std::string();
  if (std::exchange(logged_trouble_, text) == text) return;
  if (trouble) {
    spdlog::error("outbox: captures are refused reason=\"{}\" remedy=\"{}\"", trouble->message,
                  trouble->hint);
  } else {
    spdlog::warn("outbox: it can be written again, and captures are taken");
  }
  Changed({});
}

Error OutboxWorker::Named(Error error) const {
  const std::string directory = outbox_.Directory().string();
  if (error.message.find(directory) == std::string::npos) {
    error.message = "outbox " + directory + ": " + error.message;
  }
  return error;
}

void OutboxWorker::Stop() {
  commits_->Stop();
}

}  // namespace tillwire
