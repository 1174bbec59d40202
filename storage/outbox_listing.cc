// Events for people: one, or many by what they are.
#include <algorithm>
#include <deque>
#include <utility>

#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

// How far a lane is followed back.
constexpr std::size_t kMaxLaneSteps = 100'000;
// A page has no more events once they have so many bytes.
constexpr std::size_t kMaxPageBytes = 4U << 20U;
constexpr std::size_t kRowsAtOnce = 64;

constexpr char kColumns[] = "SELECT position, event_id, lane, predecessor, captured_at, event FROM events ";

// A row as kColumns gives it, its state apart. Second: its predecessor.
std::pair<EventView, std::optional<Position>> ReadView(const StatementRun& run) {
  EventView view;
  view.position = run.Unsigned(0);
  view.event_id = Uuid::FromBytes(run.Blob(1)).value_or(Uuid{});
  view.lane = run.Text(2);
  view.captured_at = FromMicros(run.Int(4));
  view.event = std::string(run.Blob(5));
  return {std::move(view), run.IsNull(3) ? std::nullopt : std::optional(run.Unsigned(3))};
}

bool Wanted(const EventQuery& query, const EventView& view) {
  if (!query.states.empty() && std::ranges::find(query.states, view.state) == query.states.end())
    return false;
  return !query.since || view.captured_at >= *query.since;
}

}  // namespace

// The run of retained positions around `position` that stand as it does.
Interval Outbox::Impl::RunAt(Position position) const {
  Interval run{first_retained, last_position};
  for (const IntervalSet* set : {&delivered, &parked, &tombstoned}) {
    if (const auto range = set->Find(position)) {
      return {std::max(range->first, run.first), std::min(range->last, run.last)};
    }
    if (const auto next = set->FirstRangeAtOrAfter(position)) run.last = std::min(run.last, next->first - 1);
    if (const auto before = set->LastRangeBelow(position)) run.first = std::max(run.first, before->last + 1);
  }
  return run;
}

// The first unresolved event of a lane, seen from one of its events.
std::optional<Position> Outbox::Impl::LaneRoot(std::optional<Position> predecessor) {
  std::optional<Position> root;
  for (std::size_t step = 0; step < kMaxLaneSteps; ++step) {
    predecessor = AwaitedPredecessor(predecessor);
    if (!predecessor) break;
    root = predecessor;
    predecessor = PredecessorOf(*predecessor);
  }
  return root;
}

// Fills in identity and state.
void Outbox::Impl::CompleteView(EventView& view, std::optional<Position> predecessor, LaneRoots& lane_roots) {
  view.id = IdOf(view.position);
  if (delivered.Contains(view.position)) {
    view.state = EventState::kDelivered;
    return;
  }
  if (!parked.Contains(view.position) && !tombstoned.Contains(view.position)) {
    view.state = EventState::kPending;
    const auto [known, is_new] = lane_roots.try_emplace(view.lane);
    if (is_new) known->second = LaneRoot(predecessor).value_or(view.position);
    if (known->second < view.position) {
      view.held_by = known->second;
      StatementRun run(statements->event_header);
      if (run.Bind(*view.held_by).Step()) view.held_by_id = Uuid::FromBytes(run.Blob(0));
    }
    return;
  }
  StatementRun run(statements->find_exception);
  run.Bind(view.position).Step();
  const std::string reason = run.Text(1);
  view.detail = run.Text(2);
  view.since = FromMicros(run.Int(3));
  if (parked.Contains(view.position)) {
    view.state = EventState::kParked;
    view.reason = reason;
  } else if (reason == kDamagedReason) {
    view.state = EventState::kDamaged;
    view.event.clear();
  } else {
    view.state = reason == kReleasedReason ? EventState::kReleased : EventState::kNotInEffect;
  }
}

Result<EventView> Outbox::Find(const Uuid& event_id) {
  Position position = 0;
  {
    StatementRun run(impl_->statements->find_by_id);
    if (run.BindBlob(event_id.AsBytes()).Step()) position = run.Unsigned(0);
  }
  auto views = Views({position});
  if (!views.empty()) return std::move(views.front());
  return Error{ErrorCode::kNotFound, "no event " + event_id.ToString() + " in this outbox",
               "check the id; what was delivered is kept for outbox.delivered_retention only, and a file of "
               "the spool that "
               "could not be taken is in bad/, which tillwire status lists"};
}

std::vector<EventView> Outbox::Views(const std::vector<Position>& positions) {
  std::vector<EventView> views;
  SQLite::Statement select(*impl_->database, std::string(kColumns) + "WHERE position = ?");
  Impl::LaneRoots lane_roots;
  for (const Position position : positions) {
    std::optional<std::pair<EventView, std::optional<Position>>> row;
    {
      StatementRun run(select);
      if (run.Bind(position).Step()) row = ReadView(run);
    }
    if (!row) continue;
    impl_->CompleteView(row->first, row->second, lane_roots);
    views.push_back(std::move(row->first));
  }
  return views;
}

// A lane is followed from its newest event back, since each knows the one before it.
EventPage Outbox::Impl::ListLane(const EventQuery& query) {
  EventPage page;
  page.at_end = true;
  std::optional<Position> position;
  if (StatementRun run(statements->find_lane); run.BindText(query.lane).Step()) position = run.Unsigned(0);
  // The positions of this page, newest first: the newest of those that are asked for, or the oldest.
  std::deque<Position> positions;
  for (std::size_t step = 0; position && step < kMaxLaneSteps; ++step) {
    if (*position <= query.after || *position < first_retained) break;
    if (!query.before || *position < *query.before) {
      positions.push_back(*position);
      page.at_end = positions.size() <= kListPage;
      if (!page.at_end && query.newest_first) break;
      if (!page.at_end) positions.pop_front();
    }
    position = PredecessorOf(*position);
  }
  if (positions.size() > kListPage) positions.pop_back();
  if (!query.newest_first) std::ranges::reverse(positions);
  SQLite::Statement select(*database, std::string(kColumns) + "WHERE position = ?");
  LaneRoots lane_roots;
  std::size_t bytes = 0;
  for (const Position next : positions) {
    if (bytes >= kMaxPageBytes) {
      page.at_end = false;
      break;
    }
    page.scanned = next;
    std::optional<std::pair<EventView, std::optional<Position>>> row;
    {
      StatementRun run(select);
      if (run.Bind(next).Step()) row = ReadView(run);
    }
    if (!row) continue;
    CompleteView(row->first, row->second, lane_roots);
    if (!Wanted(query, row->first)) continue;
    bytes += row->first.event.size();
    page.events.push_back(std::move(row->first));
  }
  return page;
}

EventPage Outbox::Impl::ListIds(const UuidRange& ids) {
  EventPage page;
  page.at_end = true;
  std::vector<std::pair<EventView, std::optional<Position>>> rows;
  SQLite::Statement select(
      *database, std::string(kColumns) + "WHERE event_id BETWEEN ? AND ? ORDER BY event_id LIMIT ?");
  {
    StatementRun run(select);
    run.BindBlob(ids.first.AsBytes()).BindBlob(ids.last.AsBytes()).Bind(std::uint64_t{kListPage});
    for (std::size_t bytes = 0; bytes < kMaxPageBytes && run.Step(); bytes += rows.back().first.event.size())
      rows.push_back(ReadView(run));
  }
  LaneRoots lane_roots;
  for (auto& [view, predecessor] : rows) {
    CompleteView(view, predecessor, lane_roots);
    page.events.push_back(std::move(view));
  }
  return page;
}

EventPage Outbox::List(const EventQuery& query) {
  Impl& impl = *impl_;
  if (query.ids) return impl.ListIds(*query.ids);
  if (!query.lane.empty()) return impl.ListLane(query);
  EventPage page;
  const Interval all{std::max(query.after + 1, impl.first_retained),
                     std::min(query.before.value_or(impl.last_position + 1) - 1, impl.last_position)};
  SQLite::Statement select(*impl.database, std::string(kColumns) +
                                               "WHERE position BETWEEN ? AND ? ORDER BY position" +
                                               (query.newest_first ? " DESC" : ""));
  const auto ended = [&](Position next) { return next < all.first || next > all.last; };
  Position next = query.newest_first ? all.last : all.first;
  std::size_t looked = 0;
  std::size_t bytes = 0;
  Impl::LaneRoots lane_roots;
  while (all.first <= all.last && !ended(next) && looked < kListPage && bytes < kMaxPageBytes) {
    // A run of equal standing is read or passed over as a whole.
    Interval run = impl.RunAt(next);
    run = {std::max(run.first, all.first), std::min(run.last, all.last)};
    const std::size_t room = std::min(kListPage - looked, kRowsAtOnce);
    const Interval part = query.newest_first
                              ? Interval{std::max(run.first, next - std::min(next, room) + 1), next}
                              : Interval{next, std::min(run.last, next + room - 1)};
    const bool tombstoned = impl.tombstoned.Contains(next);
    const EventState state = impl.delivered.Contains(next) ? EventState::kDelivered
                             : impl.parked.Contains(next)  ? EventState::kParked
                                                           : EventState::kPending;
    const bool passed =
        !tombstoned && !query.states.empty() && std::ranges::find(query.states, state) == query.states.end();
    if (!passed) {
      std::vector<std::pair<EventView, std::optional<Position>>> rows;
      {
        StatementRun read(select);
        read.Bind(part.first).Bind(part.last);
        while (read.Step()) rows.push_back(ReadView(read));
      }
      for (auto& [view, predecessor] : rows) {
        impl.CompleteView(view, predecessor, lane_roots);
        if (!Wanted(query, view)) continue;
        bytes += view.event.size();
        page.events.push_back(std::move(view));
      }
      looked += part.last - part.first + 1;
    }
    const Interval done = passed ? run : part;
    page.scanned = query.newest_first ? done.first : done.last;
    next = query.newest_first ? done.first - 1 : done.last + 1;
  }
  page.at_end = all.first > all.last || ended(next);
  return page;
}

}  // namespace tillwire
