#include "agent/spool/spool_importer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/spool/spool_codec.h"
#include "agent/spool/spool_watch.h"
#include "core/spool_name.h"
#include "core/text.h"
#include "platform/spool_folder.h"

namespace tillwire {
namespace {

constexpr std::chrono::milliseconds kDecisionPoll{10};
constexpr std::size_t kShownBadFiles = 20;
// A writer that takes longer than this has died; maildirs use the same time.
constexpr std::chrono::hours kStaleAfter{36};

// The command has told somebody this id.
Error WithEventId(Error reason, const CaptureInput& input) {
  if (input.id_from_outside)
    reason.message += " (this one was to be event " + input.event_id.ToString() + ")";
  return reason;
}

bool BlamesTheFile(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kAlreadyExists;
}

}  // namespace

class SpoolImporter::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(CaptureStore& store, CaptureIntake& intake, CaptureGate& gate, SpoolImporterOptions options)
      : store_(store), intake_(intake), gate_(gate), options_(std::move(options)), timer_(io_) {
    status_.directory = options_.directory;
  }

  void Start() {
    asio::post(io_, [this] { OpenFolder(); });
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    watch_.reset();
  }

  [[nodiscard]] SpoolStatus Status() const {
    const std::lock_guard lock(mutex_);
    SpoolStatus status = status_;
    status.holding_captures = gate_.Holding();
    return status;
  }

 private:
  // A group of files under way to the store.
  struct Group {
    std::vector<std::string> names;
    std::vector<CaptureInput> inputs;
    std::size_t bytes = 0;
    std::optional<Error> stopped_by;  // why it ends where it does, if it is not for its size
  };

  void OpenFolder() {
    auto folder = SpoolFolder::Create(options_.directory);
    if (!folder) {
      // Whoever can't be asked can't be waited for: captures over the socket go on.
      NoteProblem(problem_, folder.error(), "spool: not available");
      OpenGate();
      return RetryLater();
    }
    folder_.emplace(std::move(*folder));
    // Without it the command names events by chance, which costs no capture.
    if (auto written = folder_->SetOwner(options_.owner); !written)
      spdlog::warn("spool: its owner is not written down error=\"{}\"", written.error().Text());
    auto watch =
        options_.watch(io_, *folder_, {[this] { OnNew(); }, [this] { CountBad(); }, [this] { OnGone(); }});
    // Without a watch the folder is opened and looked at again and again.
    NoteProblem(watch_problem_, watch ? Error() : watch.error(), "spool: looked at from time to time only");
    if (watch) watch_ = std::move(*watch);
    if (looked_) {
      CountBad();
      return TakeGroup();
    }
    NoteProblem(problem_, {}, {});
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    folder_->RemoveStaleTemporaries(now - kStaleAfter);
    CountBad();
    give_up_waiting_ = std::chrono::steady_clock::now() + options_.decision_timeout;
    WaitForCommands();
  }

  // The lock is only passed through: see SpoolLock.
  void WaitForCommands() {
    const auto lock = folder_->TryLock(SpoolLock::kDecision, true);
    if (lock && !*lock && std::chrono::steady_clock::now() < give_up_waiting_) {
      timer_.expires_after(kDecisionPoll);
      timer_.async_wait([this](const asio::error_code& error) {
        if (!error && folder_) WaitForCommands();
      });
      return;
    }
    if (!lock) {
      spdlog::warn("spool: its lock is not usable error=\"{}\"", lock.error().Text());
    } else if (!*lock) {
      spdlog::warn("spool: a process holds {} for long; a capture that it writes may come late",
                   Printable((folder_->Directory() / "lock").string()));
    }
    FirstLook();
  }

  void FirstLook() {
    looked_ = true;
    if (gate_.Holding()) {
      const auto waiting = folder_->Waiting(kMaxSpoolFiles, [](const std::string&) { return true; });
      if (waiting) {
        at_start_ = {waiting->names.begin(), waiting->names.end()};
        all_known_ = waiting->total == waiting->names.size();
        if (waiting->total > 0) spdlog::info("spool: taking files={}", waiting->total);
        if (waiting->total > options_.max_files_before_opening) HoldOnlyLanesConcerned();
      }
    }
    TakeGroup();
  }

  // Reads what waits, to learn its lanes, without taking it. As long as one of them is not known, all
  // captures stay held.
  void HoldOnlyLanesConcerned() {
    if (!all_known_ || lanes_known_) return;
    WaitingLanes lanes;
    for (const auto& name : at_start_) {
      const auto input = ReadInput(name);
      if (input) {
        lanes.Add(*input);
      } else if (!BlamesTheFile(input.error()) && input.error().code != ErrorCode::kNotFound) {
        return;
      }
    }
    lanes_known_ = true;
    gate_.HoldLanes(std::move(lanes));
  }

  Result<CaptureInput> ReadInput(const std::string& name) {
    const auto content = folder_->Read(name);
    if (!content) return content.error();
    auto capture = DecodeSpoolFile(*content);
    if (!capture) return capture.error();
    const auto key = KeyOfSpoolName(name);
    if (capture->request.idempotency_key.empty() && !(key && IsUtf8(*key))) {
      return Error{ErrorCode::kInvalidArgument, "it has no idempotency_key, and its name gives none",
                   "give idempotency_key, or name it COUNTER-KEY (20 digits, -, key)"};
    }
    return intake_.FromSpool(std::move(capture->request), capture->content, key.value_or(""));
  }

  void TakeGroup() {
    if (!looked_ || taking_ || retrying_) return;
    const auto waiting = folder_->Waiting(options_.max_group_files,
                                          [this](const std::string& name) { return !left_.contains(name); });
    if (!waiting) return Stall(waiting.error());
    NoteWaiting(*waiting);
    if (waiting->names.empty()) {
      OpenGate();
      if (!left_.empty() || !watch_) RetryLater();
      return;
    }
    taking_ = true;
    auto group = std::make_shared<Group>(ReadGroup(waiting->names));
    if (group->inputs.empty()) {
      // All of them were set aside, or nothing can be read now.
      asio::post(io_, [this, group] { Finish(*group, {}); });
      return;
    }
    store_.CaptureInOrder(
        group->inputs, [self = shared_from_this(), group](std::vector<Result<Captured>> results) {
          // What is posted must not own the one that owns the queue.
          auto* importer = self.get();
          asio::post(importer->io_,
                     [importer, group, results = std::move(results)] { importer->Finish(*group, results); });
        });
  }

  // Stops before a file that can't be read now: none behind it may overtake it.
  Group ReadGroup(const std::vector<std::string>& names) {
    Group group;
    for (const auto& name : names) {
      if (group.bytes >= options_.max_group_bytes) break;
      auto input = ReadInput(name);
      if (input) {
        group.bytes += input->event.size();
        group.names.push_back(name);
        group.inputs.push_back(std::move(*input));
      } else if (BlamesTheFile(input.error())) {
        SetAside(name, input.error());
      } else if (input.error().code == ErrorCode::kNotFound) {
        at_start_.erase(name);
      } else {
        group.stopped_by = input.error();
        break;
      }
    }
    return group;
  }

  // Each result is durable.
  void Finish(const Group& group, const std::vector<Result<Captured>>& results) {
    taking_ = false;
    std::optional<Error> stopped_by = group.stopped_by;
    std::vector<CaptureInput> released;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& name = group.names[i];
      if (!results[i] && !BlamesTheFile(results[i].error())) {
        stopped_by = results[i].error();
        break;
      }
      if (at_start_.erase(name) != 0) released.push_back(group.inputs[i]);
      if (results[i]) {
        Take(name, group.inputs[i], *results[i]);
      } else {
        SetAside(name, WithEventId(results[i].error(), group.inputs[i]));
      }
    }
    if (std::exchange(gone_, false)) return OnGone();
    if (!stopped_by && std::exchange(stalled_, false)) gate_.Resume();
    if (!stopped_by && left_.empty()) NoteProblem(problem_, {}, {});
    gate_.Release(released);
    if (stopped_by) return Stall(*stopped_by);
    if (gate_.Holding() && at_start_.empty()) {
      if (!all_known_) return FirstLook();
      OpenGate();
    }
    asio::post(io_, [this] { TakeGroup(); });
  }

  void Take(const std::string& name, const CaptureInput& input, const Captured& captured) {
    if (!captured.repeated && options_.on_captured) options_.on_captured(input.source);
    if (captured.repeated) {
      spdlog::info("spool: repeat file={} first_event_id={}", Printable(name), captured.event_id.ToString());
    }
    if (auto removed = folder_->Remove(name); !removed) Leave(name, removed.error());
  }

  void SetAside(const std::string& name, const Error& reason) {
    if (auto moved = folder_->SetAside(name, reason.Text()); !moved) return Leave(name, moved.error());
    at_start_.erase(name);
    // The reason may quote the content, which logs never hold.
    spdlog::warn("spool: set aside file={} reason_in={}", Printable(name),
                 Printable(folder_->BadPath().string()));
  }

  // It stays in new/ although it is done with: it is passed over until the next try.
  void Leave(const std::string& name, const Error& problem) {
    at_start_.erase(name);
    left_.insert(name);
    NoteProblem(problem_, problem, "spool: a file stays");
  }

  void Stall(const Error& reason) {
    NoteProblem(problem_, reason, "spool: files wait");
    if (gate_.Holding()) {
      HoldOnlyLanesConcerned();
      if (!std::exchange(stalled_, true)) gate_.Stall(reason);
    }
    RetryLater();
  }

  void RetryLater() {
    if (retrying_) return;
    retrying_ = true;
    timer_.expires_after(options_.retry_interval);
    timer_.async_wait([this](const asio::error_code& error) {
      if (error) return;
      retrying_ = false;
      left_.clear();
      if (watch_) {
        TakeGroup();
      } else {
        OpenFolder();
      }
    });
  }

  // While a retry is due a new file only counts.
  void OnNew() {
    TakeGroup();
    if (!retrying_) return;
    if (const auto waiting = folder_->Waiting(1, [](const std::string&) { return true; }))
      NoteWaiting(*waiting);
  }

  void OnGone() {
    gone_ = taking_;  // the group under way needs the folder
    if (gone_) return;
    NoteProblem(problem_, {ErrorCode::kUnavailable, "a folder or lock of the spool was moved or deleted", {}},
                "spool: gone");
    watch_.reset();
    folder_.reset();
    looked_ = false;
    RetryLater();
  }

  void OpenGate() {
    if (!gate_.Holding()) return;
    at_start_.clear();
    gate_.Open();
    if (options_.on_open) options_.on_open();
    Changed();
  }

  void CountBad() {
    auto bad = folder_->Bad(kShownBadFiles);
    if (!bad) return;
    for (auto& file : bad->files) file = {Printable(file.name), Printable(file.reason)};
    {
      const std::lock_guard lock(mutex_);
      if (*bad == status_.bad) return;
      status_.bad = std::move(*bad);
    }
    Changed();
  }

  void NoteWaiting(const SpoolListing& waiting) {
    const auto oldest = waiting.names.empty() ? std::nullopt : folder_->WrittenAt(waiting.names.front());
    if (waiting.total == 0) NoteProblem(problem_, {}, {});
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = status_.waiting != waiting.total || status_.oldest_waiting != oldest;
      status_.waiting = waiting.total;
      status_.oldest_waiting = oldest;
    }
    if (changed) Changed();
  }

  // Logged once while it stays the same. An empty problem ends it.
  void NoteProblem(std::string& noted, const Error& problem, const char* what) {
    const std::string text = Printable(problem.Text());
    if (text == noted) return;
    if (!text.empty()) spdlog::warn("{} reason=\"{}\"", what, text);
    noted = text;
    {
      const std::lock_guard lock(mutex_);
      status_.last_problem = problem_.empty() ? watch_problem_ : problem_;
    }
    Changed();
  }

  // Without the mutex: whoever is told may ask for the status.
  void Changed() {
    if (options_.on_changed) options_.on_changed();
  }

  CaptureStore& store_;
  CaptureIntake& intake_;
  CaptureGate& gate_;
  const SpoolImporterOptions options_;

  asio::io_context io_{1};
  const asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  asio::steady_timer timer_;  // for one thing at a time: the lock, or a retry
  std::thread thread_;

  // All of this belongs to the thread.
  std::optional<SpoolFolder> folder_;
  std::unique_ptr<SpoolWatch> watch_;
  std::chrono::steady_clock::time_point give_up_waiting_;
  std::set<std::string> at_start_;  // what the gate waits for
  std::set<std::string> left_;
  std::string problem_;        // with the files or their folder
  std::string watch_problem_;  // why nothing tells of new files
  bool all_known_ = false;     // at_start_ is all that there was
  bool lanes_known_ = false;   // the gate knows their lanes
  bool looked_ = false;        // commands that wrote before the agent listened are done
  bool taking_ = false;
  bool retrying_ = false;
  bool gone_ = false;
  bool stalled_ = false;

  mutable std::mutex mutex_;
  SpoolStatus status_;
};

SpoolImporter::SpoolImporter(CaptureStore& store, CaptureIntake& intake, CaptureGate& gate,
                             SpoolImporterOptions options)
    : impl_(std::make_shared<Impl>(store, intake, gate, std::move(options))) {}

SpoolImporter::~SpoolImporter() {
  Stop();
}

void SpoolImporter::Start() {
  impl_->Start();
}

void SpoolImporter::Stop() {
  impl_->Stop();
}

SpoolStatus SpoolImporter::Status() const {
  return impl_->Status();
}

}  // namespace tillwire
