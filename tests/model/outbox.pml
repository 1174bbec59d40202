/* The outbox: storage/outbox*.cc. Two of them, 0 and 1: the second is a copy, asleep until it lives beside the first or
 * takes its place. An event keeps its position for ever; positions of both outboxes lie one after the other. */

byte state[2 * P];
byte slot[2 * P];   /* the present identity: an epoch's number times its sequences, and the place in it */
short hash[2 * P];
byte held[2];       /* events that the outbox has: last_position */
byte open_epoch[2];
byte known_epochs[2]; /* a bit for each that the file knows */
byte backed_up[2];  /* positions below this one may be pruned: BackedUpThrough() */
byte given_up_here[2]; /* events that this outbox gave up, and does not know to be at the centre */
byte damaged[2];       /* events whose bytes fail their hash in this file */
bit live[2];
byte next_epoch = 1; /* epochs are random numbers: no two are ever equal, so a counter of all will do */

/* lost_ranges of kind LOST. Those of released and damaged events follow from their state. */
byte lost_first[2 * LOST_ROWS]; /* slot + 1; 0 is no row */
byte lost_last[2 * LOST_ROWS];
short lost_hash[2 * LOST_ROWS];
short lost_previous[2 * LOST_ROWS];
byte lost_state[2 * LOST_ROWS]; /* GIVEN_UP: unannounced, ANNOUNCING, ANNOUNCED; DELIVERED: kept, though the centre has it */

/* AwaitedPredecessor() of the event at `whose`, as w_: its index + 1, or 0. */
inline Awaited(whose) {
  w_ = predecessor[EVENT_OF(hash[whose])];
#ifdef NO_LANES_ACROSS_EPOCHS
  if :: w_ != 0 && EPOCH_OF(slot[((whose) / P) * P + w_ - 1]) != EPOCH_OF(slot[whose]) -> w_ = 0 :: else fi;
#endif
  if :: w_ != 0 -> w_ = ((whose) / P) * P + w_ :: else fi;
  do
  :: w_ != 0 && IS_TOMBSTONED(state[w_ - 1]) ->
     w_ = predecessor[EVENT_OF(hash[w_ - 1])];
     if :: w_ != 0 -> w_ = ((whose) / P) * P + w_ :: else fi
  :: else -> break
  od;
  if :: w_ != 0 && RESOLVED(state[w_ - 1]) -> w_ = 0 :: else fi }

/* Gives the event at `at` of outbox `box` the next identity of the open epoch. */
inline Identify(box, at) {
  b_ = GENESIS; slot[at] = open_epoch[box] * SEQ;
  q_ = at;
  do
  :: q_ > box * P ->
     q_--;
     if :: EPOCH_OF(slot[q_]) == open_epoch[box] -> slot[at] = slot[q_] + 1; b_ = hash[q_]; break :: else fi
  :: else -> break
  od;
  assert(EPOCH_OF(slot[at]) == open_epoch[box]);
  hash[at] = b_ * 8 + e_ }

inline BeginEpoch(box) {
#ifdef EPOCHS_COUNT_UP
  open_epoch[box] = open_epoch[box] + 1;
  if :: open_epoch[box] >= next_epoch -> next_epoch = open_epoch[box] + 1 :: else fi;
#else
  open_epoch[box] = next_epoch;
  next_epoch++;
#endif
  assert(open_epoch[box] < EPOCHS); /* forks end */
  known_epochs[box] = known_epochs[box] | BIT(open_epoch[box]) }

#define HAS_ROOM(box) (held[box] < P && (held[box] == 0 || EPOCH_OF(slot[(box) * P + held[box] - 1]) != open_epoch[box] || \
                       !IS_LAST(slot[(box) * P + held[box] - 1])))

inline Capture(box) {
  captured++;
  e_ = captured;
  x_ = box * P + held[box];
  Identify(box, x_);
  state[x_] = PENDING;
  first_slot[e_] = slot[x_];
  first_hash[e_] = hash[x_];
  q_ = x_;
  do
  :: q_ > box * P ->
     q_--;
     if
     :: LANE_OF(EVENT_OF(hash[q_])) == LANE_OF(e_) ->
        ancestors[e_] = ancestors[e_] | BIT(EVENT_OF(hash[q_]));
        if :: predecessor[e_] == 0 && !IS_PRUNED(state[q_]) -> predecessor[e_] = q_ - box * P + 1 :: else fi
     :: else
     fi
  :: else -> break
  od;
  held[box]++ }

/* A row in lost_ranges, unless it is there. */
inline DeclareLost(box, first, last, last_hash, previous) {
  f_ = 0; l_ = box * LOST_ROWS;
  do
  :: l_ < (box + 1) * LOST_ROWS ->
     if :: lost_first[l_] == first + 1 && lost_last[l_] == last -> f_ = 1 :: else fi; l_++
  :: else -> break
  od;
  if
  :: !f_ ->
     l_ = box * LOST_ROWS;
     do :: l_ < (box + 1) * LOST_ROWS && lost_first[l_] != 0 -> l_++ :: else -> break od;
     assert(l_ < (box + 1) * LOST_ROWS);
     lost_first[l_] = first + 1; lost_last[l_] = last; lost_hash[l_] = last_hash; lost_previous[l_] = previous;
     lost_state[l_] = GIVEN_UP
  :: else
  fi }

inline DropLostRow(row) {
  lost_first[row] = 0; lost_last[row] = 0; lost_hash[row] = 0; lost_previous[row] = 0; lost_state[row] = 0 }

/* The place above the last that outbox `box` holds of the epoch, as top_. */
inline EndOfEpoch(box, epoch) {
  top_ = epoch * SEQ; q_ = box * P;
  do
  :: q_ < box * P + held[box] ->
     if :: EPOCH_OF(slot[q_]) == epoch -> top_ = slot[q_] + 1 :: else fi; q_++
  :: else -> break
  od }

/* MoveSuffix() of the epoch: the events above its confirmed history and all after them get new identities. */
inline MoveSuffix(box, epoch) {
  x_ = box * P;
  do :: x_ < box * P + held[box] && EPOCH_OF(slot[x_]) != epoch -> x_++ :: else -> break od;
#ifdef CONFLICTING_TOMBSTONE_FORKS
#define STAYS(s) ((s) == DELIVERED || IS_PRUNED(s) || (s) == TOMBSTONED || (s) == ANNOUNCED)
#else
#define STAYS(s) RESOLVED(s)
#endif
  do :: x_ < box * P + held[box] && EPOCH_OF(slot[x_]) == epoch && STAYS(state[x_]) -> x_++ :: else -> break od;
  BeginEpoch(box);
  do
  :: x_ < box * P + held[box] ->
     if
#ifdef NO_DELIVERED_MOVES
     :: state[x_] == DELIVERED -> skip
#endif
#ifdef ONE_EPOCH_MOVES
     :: EPOCH_OF(slot[x_]) != epoch -> skip
#endif
     :: else ->
        e_ = EVENT_OF(hash[x_]);
        slot[x_] = 255;
        Identify(box, x_);
        if
#ifndef MOVE_REVIVES
        :: IS_GIVEN_UP(state[x_]) -> state[x_] = GIVEN_UP
#endif
        :: else -> state[x_] = PENDING
        fi
     fi;
     x_++
  :: else -> break
  od }

/* ---- Welcome. What the centre says is the ledger, or a copy of it that was made when Hello came. */

#ifdef STALE_WELCOME
byte said[SLOTS];
short said_hash[SLOTS];
bit is_greeting;
byte greeted;
bit said_new_epoch;
bit greeting_ended; /* the stream is gone, and its Welcome is still to be applied */
#define SAID said
#define SAID_HASH said_hash
#else
#define SAID ledger
#define SAID_HASH ledger_hash
#endif

/* The end, as hi_, of the piece of an accepted range that holds `at`: cut where Hello gave a hash. */
inline EndOfPiece(box, at) {
  EndOfEpoch(box, EPOCH_OF(at));
  q_ = box * P;
  do :: q_ < box * P + held[box] && IS_PRUNED(state[q_]) -> q_++ :: else -> break od; /* q_: first retained */
  hi_ = at;
  do
  :: !IS_LAST(hi_) && SAID[hi_ + 1] == HELD &&
#ifndef NO_CUTS
     hi_ + 1 != top_ && !(q_ < box * P + held[box] && hi_ + 1 == slot[q_]) &&
#endif
     true -> hi_++
  :: else -> break
  od }

/* AgreesAt(), as ok_. */
inline AgreesAt(box, at, its_hash) {
  ok_ = 0; q_ = box * P;
  do
  :: q_ < box * P + held[box] ->
     if
     :: slot[q_] == at ->
#ifdef NO_HASH_IN_WELCOME
        ok_ = 1;
#else
        ok_ = (hash[q_] == its_hash) || (IS_PRUNED(state[q_]) && q_ + 1 < box * P + held[box] && IS_PRUNED(state[q_ + 1]));
#endif
        break
     :: else -> q_++
     fi
  :: else -> break
  od }

inline ReconcileEvents(box) {
  x_ = box * P; s_ = 255; /* s_: where a run of lost ones began */
  do
  :: x_ < box * P + held[box] ->
     t_ = slot[x_]; ok_ = 0;
     if :: SAID[t_] == HELD -> EndOfPiece(box, t_); AgreesAt(box, hi_, SAID_HASH[hi_]) :: else fi;
     if
     :: ok_ && IS_PRUNED(state[x_]) -> state[x_] = PRUNED
     :: ok_ && !IS_PRUNED(state[x_]) -> state[x_] = DELIVERED
#ifndef NO_VERIFY
     :: !ok_ && state[x_] == DELIVERED -> state[x_] = PENDING
     :: !ok_ && state[x_] == PRUNED ->
#if BACKED_UP == 2
        assert(false); /* pruned, and not in the backup */
#endif
        state[x_] = PRUNED_LOST;
        if :: s_ == 255 -> s_ = t_ :: else fi;
        q_ = x_ + 1;
        if
        :: q_ < box * P + held[box] && state[q_] == PRUNED && EPOCH_OF(slot[q_]) == EPOCH_OF(t_) &&
           SAID[slot[q_]] != HELD -> skip
        :: else ->
#ifndef NO_PRUNED_ARE_LOST
           b_ = hash[x_];
           if :: q_ < box * P + held[box] && IS_PRUNED(state[q_]) -> b_ = UNKNOWN :: else fi;
           DeclareLost(box, s_, t_, b_, NO_PREVIOUS);
#endif
           s_ = 255
        fi
#endif
#ifndef NO_PARKED_CHECK
     :: !ok_ && state[x_] == PARKED && !(SAID[t_] == HELD_PARKED && SAID_HASH[t_] == hash[x_]) -> state[x_] = PENDING
#endif
#ifndef NO_TOMBSTONED_CHECK
     :: !ok_ && state[x_] == TOMBSTONED && SAID[t_] != CLOSED -> state[x_] = PENDING
     :: !ok_ && state[x_] == ANNOUNCED && SAID[t_] != CLOSED -> state[x_] = GIVEN_UP
#endif
     :: else
     fi;
     x_++
  :: else -> break
  od }

inline NoteBackedUp(box) {
  backed_up[box] = 0;
#if PRUNES > 0 && BACKED_UP > 0
#if BACKED_UP == 2
#define SAFE(at) (kept[at] == HELD || kept[at] == CLOSED)
#define SAFE_HASH(at) kept_hash[at]
#else
#define SAFE(at) (SAID[at] == HELD || SAID[at] == CLOSED)
#define SAFE_HASH(at) SAID_HASH[at]
#endif
  x_ = box * P;
  do
  :: x_ < box * P + held[box] ->
     t_ = slot[x_];
     EndOfEpoch(box, EPOCH_OF(t_));
#ifdef BACKED_UP_IS_HIGHEST
     hi_ = top_;
     do :: hi_ > EPOCH_OF(t_) * SEQ && !SAFE(hi_ - 1) -> hi_-- :: else -> break od;
#else
     hi_ = EPOCH_OF(t_) * SEQ;
     do :: hi_ < top_ && SAFE(hi_) -> hi_++ :: else -> break od;
#endif
     do :: hi_ > EPOCH_OF(t_) * SEQ && SAFE_HASH(hi_ - 1) == UNKNOWN -> hi_-- :: else -> break od;
     if
     :: hi_ > t_ -> AgreesAt(box, hi_ - 1, SAFE_HASH(hi_ - 1))
     :: else -> ok_ = 0
     fi;
     if :: !ok_ -> break :: else fi;
     backed_up[box]++;
     x_++
  :: else -> break
  od
#endif
}

/* ReconcileLostRanges(): what the centre has of them is not lost. At most one part of a row goes on being lost below
 * what the centre has, and one above or at the end. */
inline ReconcileLostRanges(box) {
  x_ = box * LOST_ROWS;
  do
  :: x_ < (box + 1) * LOST_ROWS ->
     if
     :: lost_first[x_] != 0 ->
        a_ = lost_first[x_] - 1; t_ = lost_last[x_];
        f_ = 0; c_ = 0; /* f_: how many are held there; c_: how many are closed or held */
        s_ = a_;
        do
        :: s_ <= t_ ->
           if :: SAID[s_] == HELD -> f_++; c_++ :: SAID[s_] == CLOSED -> c_++ :: else fi; s_++
        :: else -> break
        od;
        ok_ = 0; /* doubtful: another's record may stand at the end; from s_ on */
        s_ = t_;
        if
        :: SAID[t_] == HELD ->
           EndOfPiece(box, t_);
#ifndef TRUST_ANY_RECORD
           ok_ = lost_hash[x_] != UNKNOWN && !(hi_ == t_ && SAID_HASH[t_] == lost_hash[x_]);
#endif
           do :: s_ > a_ && SAID[s_ - 1] == HELD -> s_-- :: else -> break od
        :: else
        fi;
        if
        :: f_ == 0 || (ok_ && s_ == a_) -> /* all of it is still lost */
           if :: lost_state[x_] == ANNOUNCED && (ok_ || c_ != t_ - a_ + 1) -> lost_state[x_] = GIVEN_UP :: else fi
#ifdef KEEP_LOST_ROWS
        :: else ->
           if
           :: f_ == t_ - a_ + 1 && !ok_ -> lost_state[x_] = DELIVERED
           :: (f_ < t_ - a_ + 1 || ok_) && c_ != t_ - a_ + 1 -> lost_state[x_] = GIVEN_UP
           :: else
           fi
#else
        :: else -> /* its parts, from the lowest up */
           b_ = lost_hash[x_]; link_ = lost_previous[x_]; hi_ = s_;
           DropLostRow(x_);
           s_ = a_;
           do
           :: s_ <= t_ ->
              if
              :: SAID[s_] == HELD && !(ok_ && s_ >= hi_) -> s_++
              :: else ->
                 top_ = s_;
                 do
                 :: top_ < t_ && (SAID[top_ + 1] != HELD || (ok_ && top_ + 1 >= hi_)) &&
                    !(ok_ && top_ + 1 == hi_ && top_ < hi_) -> top_++
                 :: else -> break
                 od;
                 if :: top_ != t_ -> ends_ = UNKNOWN :: else -> ends_ = b_ fi;
                 if :: s_ != a_ -> link_ = NO_PREVIOUS :: else fi;
                 DeclareLost(box, s_, top_, ends_, link_);
                 s_ = top_ + 1
              fi
           :: else -> break
           od
#endif
        fi
     :: else
     fi;
     x_++
  :: else -> break
  od }

/* Whether the centre answers StartNewEpoch: it holds more of the newest epoch than Hello names. As f_. */
inline GreetNewEpoch(box) {
  EndOfEpoch(box, open_epoch[box]);
  f_ = 0; s_ = top_;
  do
  :: s_ < (open_epoch[box] + 1) * SEQ -> if :: ledger[s_] == HELD || ledger[s_] == HELD_PARKED -> f_ = 1 :: else fi; s_++
  :: else -> break
  od }

inline ApplyWelcome(box) {
  ReconcileEvents(box);
  NoteBackedUp(box);
  ReconcileLostRanges(box) }

/* CheckHighWaterMark() of the copy, outbox 1, against the mark that outbox 0 left; then the copy is outbox 0. */
inline CheckHighWaterMark() {
  skip;
#ifndef NO_MARK
  EndOfEpoch(0, open_epoch[0]);
  s_ = top_; /* mark + 1 */
  c_ = open_epoch[0];
  b_ = UNKNOWN;
  if :: s_ > c_ * SEQ -> b_ = hash[held[0] - 1] :: else fi;
  EndOfEpoch(1, c_);
  t_ = top_; /* issued + 1 */
  if
  :: !(known_epochs[1] & BIT(c_)) && s_ == c_ * SEQ -> BeginEpoch(1)
  :: s_ > t_ ->
     link_ = NO_PREVIOUS;
     if
     :: open_epoch[1] == c_ && t_ > c_ * SEQ -> link_ = hash[P + held[1] - 1]
     :: open_epoch[1] == c_ && t_ == c_ * SEQ -> link_ = GENESIS
     :: else
     fi;
     BeginEpoch(1);
     DeclareLost(1, t_, s_ - 1, b_, link_)
  :: else
  fi
#endif
}
