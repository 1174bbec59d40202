/* Terminals and their centre: outboxes, streams, ledger, people, and what goes wrong. docs/model.md is the manual. */

#include "bounds.pml"

/* Scratch of single steps: no part of a state. Breadth first (BFS), spin has no such variables; then they are
 * nothing whenever a step ends. */
#ifdef BFS
#define SCRATCH
#else
#define SCRATCH hidden
#endif
SCRATCH byte x_, q_, e_, s_, t_, l_, c_, f_, w_, a_, hi_, top_, p_, ok_;
SCRATCH short b_, link_, ends_;

#include "outbox.pml"
#include "centre.pml"
#include "truth.pml"

/* The stream of each outbox. A message names the outbox's index (of a position or of a lost row) for the answer. */
chan up[2] = [WINDOW] of { byte, byte, byte, short, byte, short }; /* kind, index, slot, hash, lane, other */
chan down[2] = [WINDOW] of { byte, byte, byte };                   /* kind, index, disposition */
#if RESTARTS > 0 || defined(NO_GENERATIONS)
chan late = [1] of { byte, byte, byte, short, byte, short };       /* of a process that is gone */
#endif
#if RESTARTS > 0 || defined(NO_GENERATIONS)
#define IS_LATE (len(late) > 0)
#else
#define IS_LATE false
#endif
bit connected[2];
bit may_go[2 * P]; /* MayGo() of records, and whether a tombstone may be announced; follows from the rest */
bit lost_may_go[2 * LOST_ROWS];

byte cuts = CUTS, restarts = RESTARTS, clones = CLONES, rollbacks = ROLLBACKS, old_files = OLD_FILES;
byte centre_rollbacks = CENTRE_ROLLBACKS, parks = PARKS, requeues = REQUEUES, releases = RELEASES, damages = DAMAGES;
byte prunes = PRUNES;
bit faults = 1;  /* until it all heals */
byte greetings_left = 3; /* of everyone, once all is quiet: a stream greets anew once a day */
bit copy_is_there; /* outbox 1 is a copy, asleep */
byte o, at;        /* choices within a step */

#if CAPTURES == 2
#define ANY_EVENT(C) (C(0) || C(1) || C(2) || C(3))
#define CHOOSE_EVENT(C) if :: C(0) -> at = 0 :: C(1) -> at = 1 :: C(2) -> at = 2 :: C(3) -> at = 3 fi
#elif CAPTURES == 3
#define ANY_EVENT(C) (C(0) || C(1) || C(2) || C(3) || C(4) || C(5))
#define CHOOSE_EVENT(C) if :: C(0) -> at = 0 :: C(1) -> at = 1 :: C(2) -> at = 2 :: C(3) -> at = 3 :: C(4) -> at = 4 \
                           :: C(5) -> at = 5 fi
#elif CAPTURES == 4
#define ANY_EVENT(C) (C(0) || C(1) || C(2) || C(3) || C(4) || C(5) || C(6) || C(7))
#define CHOOSE_EVENT(C) if :: C(0) -> at = 0 :: C(1) -> at = 1 :: C(2) -> at = 2 :: C(3) -> at = 3 :: C(4) -> at = 4 \
                           :: C(5) -> at = 5 :: C(6) -> at = 6 :: C(7) -> at = 7 fi
#elif CAPTURES == 5
#define ANY_EVENT(C) (C(0) || C(1) || C(2) || C(3) || C(4) || C(5) || C(6) || C(7) || C(8) || C(9))
#define CHOOSE_EVENT(C) if :: C(0) -> at = 0 :: C(1) -> at = 1 :: C(2) -> at = 2 :: C(3) -> at = 3 :: C(4) -> at = 4 \
                           :: C(5) -> at = 5 :: C(6) -> at = 6 :: C(7) -> at = 7 :: C(8) -> at = 8 :: C(9) -> at = 9 fi
#endif
#define ANY_ROW(C) (C(0) || C(1) || C(2) || C(3))
#define CHOOSE_ROW(C) if :: C(0) -> at = 0 :: C(1) -> at = 1 :: C(2) -> at = 2 :: C(3) -> at = 3 fi

#define ON_ITS_WAY(box) (len(up[box]) + len(down[box]))
#define CAN_SEND(x) (may_go[x] && ON_ITS_WAY((x) / P) < WINDOW)
#define CAN_SEND_LOST(x) (lost_may_go[x] && ON_ITS_WAY((x) / LOST_ROWS) < WINDOW)
#define CAN_CAPTURE(box) (live[box] && HAS_ROOM(box))
#ifdef EVICT_OTHERS
#define CAN_CONNECT(box) (live[box] && !connected[box] && has_work[box])
#else
#define CAN_CONNECT(box) (live[box] && !connected[box])
#endif
#define IS_PARKED(x) (live[(x) / P] && state[x] == PARKED)
#define CAN_DAMAGE(x) (live[(x) / P] && (state[x] == PENDING))

/* Whether, as !f_, a tombstone of the lane before this one is unanswered. Tombstones go in the order of their lane. */
inline EarlierTombstoneWaits(whose) {
  q_ = predecessor[EVENT_OF(hash[whose])];
  do
  :: state[whose] == GIVEN_UP && q_ != 0 && IS_TOMBSTONED(state[((whose) / P) * P + q_ - 1]) ->
     if
     :: state[((whose) / P) * P + q_ - 1] == GIVEN_UP || state[((whose) / P) * P + q_ - 1] == ANNOUNCING -> f_ = 0
     :: else
     fi;
     q_ = predecessor[EVENT_OF(hash[((whose) / P) * P + q_ - 1])]
  :: else -> break
  od }

/* What may go now. Ends every step that changes an outbox. */
inline Settle() {
  x_ = 0;
  do
  :: x_ < 2 * P ->
     may_go[x_] = 0;
     if
     :: state[x_] == DELIVERED -> given_up_here[x_ / P] = given_up_here[x_ / P] & ~BIT(EVENT_OF(hash[x_]))
#if DAMAGES > 0
     :: state[x_] == PENDING && (damaged[x_ / P] & BIT(EVENT_OF(hash[x_]))) -> state[x_] = GIVEN_UP /* ReadPending() */
#endif
     :: else
     fi;
     if
     :: connected[x_ / P] && (state[x_] == PENDING || state[x_] == GIVEN_UP) ->
        Awaited(x_);
        f_ = 1;
#ifdef TOMBSTONES_IN_LANE_ORDER
        EarlierTombstoneWaits(x_);
#endif
        if
        :: w_ == 0 -> may_go[x_] = f_
        :: w_ != 0 && state[x_] == PENDING && state[w_ - 1] == IN_FLIGHT -> may_go[x_] = 1
#ifdef NO_MAY_GO
        :: w_ != 0 && state[x_] == PENDING && state[w_ - 1] != IN_FLIGHT -> may_go[x_] = 1
#endif
#ifdef TOMBSTONES_DO_NOT_WAIT
        :: w_ != 0 && state[x_] == GIVEN_UP -> may_go[x_] = 1
#endif
        :: else
        fi
     :: else
     fi;
     x_++
  :: else -> break
  od;
  x_ = 0;
  do
  :: x_ < 2 * LOST_ROWS ->
#ifdef NO_LOSSES_ANNOUNCED
     lost_may_go[x_] = 0;
#else
     lost_may_go[x_] = connected[x_ / LOST_ROWS] && lost_first[x_] != 0 && lost_state[x_] == GIVEN_UP;
#endif
     x_++
  :: else -> break
  od }

inline ForgetChoices() {
  o = 0; at = 0; m_kind = 0; m_from = 0; m_slot = 0; m_hash = 0; m_lane = 0; m_other = 0; m_disposition = 0;
  Settle();
  x_ = 0; q_ = 0; e_ = 0; s_ = 0; t_ = 0; l_ = 0; c_ = 0; f_ = 0; w_ = 0; a_ = 0; hi_ = 0; top_ = 0; p_ = 0; ok_ = 0;
  b_ = 0; link_ = 0; ends_ = 0 }

/* ResetStream(): nothing is on its way any more, as far as the agent knows. */
inline ResetStream(box) {
  connected[box] = 0;
  do :: len(down[box]) > 0 -> down[box]?m_kind,m_from,m_disposition :: else -> break od;
  x_ = box * P;
  do
  :: x_ < (box + 1) * P ->
     if
     :: state[x_] == IN_FLIGHT || state[x_] == DEFERRED -> state[x_] = PENDING
     :: state[x_] == ANNOUNCING -> state[x_] = GIVEN_UP
     :: else
     fi;
     x_++
  :: else -> break
  od;
  x_ = box * LOST_ROWS;
  do
  :: x_ < (box + 1) * LOST_ROWS -> if :: lost_state[x_] == ANNOUNCING -> lost_state[x_] = GIVEN_UP :: else fi; x_++
  :: else -> break
  od }

inline DropSent(box) {
  do :: len(up[box]) > 0 -> up[box]?m_kind,m_from,m_slot,m_hash,m_lane,m_other :: else -> break od }

/* What was deferred is tried again once anything has changed at the centre: the timer sees to it. */
inline TimerOfDeferred() {
  x_ = 0;
  do :: x_ < 2 * P -> if :: state[x_] == DEFERRED -> state[x_] = PENDING :: else fi; x_++ :: else -> break od }

inline SendRecord() {
  o = at / P;
  m_kind = RECORD;
  m_slot = slot[at]; m_hash = hash[at]; m_lane = 0; m_other = 0;
  if
  :: state[at] == GIVEN_UP ->
     m_kind = GIVEN_UP_TOMBSTONE; state[at] = ANNOUNCING; m_lane = slot[at]; m_other = PREVIOUS_OF(hash[at])
  :: else ->
     state[at] = IN_FLIGHT;
     assert(!(given_up_here[o] & BIT(EVENT_OF(hash[at])))); /* what was given up is never sent */
     q_ = predecessor[EVENT_OF(hash[at])];
     if
     :: q_ != 0 &&
#ifdef NO_LANES_ACROSS_EPOCHS
        EPOCH_OF(slot[o * P + q_ - 1]) == EPOCH_OF(slot[at]) &&
#endif
        true -> m_lane = slot[o * P + q_ - 1] + 1; m_other = hash[o * P + q_ - 1]
     :: else
     fi
  fi;
  up[o]!m_kind,at,m_slot,m_hash,m_lane,m_other }

/* The answer to a record or to the tombstone of an event. */
inline ApplyOutcome() {
  if
  :: m_disposition == ACCEPTED || m_disposition == DUPLICATE ->
     state[m_from] = DELIVERED;
     assert(ledger_applied & BIT(EVENT_OF(hash[m_from])))
  :: m_disposition == PARK && state[m_from] == IN_FLIGHT -> state[m_from] = PARKED
  :: m_disposition == TOMBSTONE && state[m_from] == IN_FLIGHT -> state[m_from] = TOMBSTONED
  :: m_disposition == LANE_HELD -> state[m_from] = DEFERRED
#ifdef CONFLICTING_TOMBSTONE_FORKS
  :: m_disposition == TOMBSTONE && state[m_from] == ANNOUNCING -> state[m_from] = ANNOUNCED
  :: m_disposition == CONFLICT ->
#else
  :: state[m_from] == ANNOUNCING && m_disposition != DUPLICATE -> state[m_from] = ANNOUNCED /* OnTombstoneResults() */
  :: state[m_from] == IN_FLIGHT && m_disposition == CONFLICT ->
#endif
     printf("MSC: outbox %d forks at %d.%d\n", o, EPOCH_OF(slot[m_from]), slot[m_from] % SEQ + 1);
     m_slot = slot[m_from];
     c_ = EPOCH_OF(m_slot);
     ResetStream(o);
     MoveSuffix(o, EPOCH_OF(m_slot))
  fi }

inline OnAnswer() {
  if
  :: m_kind != LOST_TOMBSTONE -> ApplyOutcome()
  :: else ->
     if
#ifdef KEEP_LOST_ROWS
     :: m_disposition == DUPLICATE -> lost_state[m_from] = DELIVERED
#else
     :: m_disposition == DUPLICATE -> DropLostRow(m_from)
#endif
     :: else -> lost_state[m_from] = ANNOUNCED
     fi
  fi;
  x_ = o * P; /* SweepFrom(): what waited may go */
  do :: x_ < (o + 1) * P -> if :: state[x_] == DEFERRED && m_disposition != LANE_HELD -> state[x_] = PENDING :: else fi; x_++
     :: else -> break od }

inline Forget(box) {
  x_ = box * P;
  do :: x_ < (box + 1) * P -> state[x_] = ABSENT; slot[x_] = 0; hash[x_] = 0; x_++ :: else -> break od;
  x_ = box * LOST_ROWS;
  do :: x_ < (box + 1) * LOST_ROWS -> DropLostRow(x_); x_++ :: else -> break od;
  given_up_here[box] = 0; damaged[box] = 0; held[box] = 0; open_epoch[box] = 0; known_epochs[box] = 0; backed_up[box] = 0 }

inline Copy(from, to) {
  x_ = 0;
  do
  :: x_ < P ->
     state[(to) * P + x_] = state[(from) * P + x_];
     slot[(to) * P + x_] = slot[(from) * P + x_];
     hash[(to) * P + x_] = hash[(from) * P + x_];
     x_++
  :: else -> break
  od;
  x_ = 0;
  do
  :: x_ < LOST_ROWS ->
     lost_first[(to) * LOST_ROWS + x_] = lost_first[(from) * LOST_ROWS + x_];
     lost_last[(to) * LOST_ROWS + x_] = lost_last[(from) * LOST_ROWS + x_];
     lost_hash[(to) * LOST_ROWS + x_] = lost_hash[(from) * LOST_ROWS + x_];
     lost_previous[(to) * LOST_ROWS + x_] = lost_previous[(from) * LOST_ROWS + x_];
     lost_state[(to) * LOST_ROWS + x_] = lost_state[(from) * LOST_ROWS + x_];
     x_++
  :: else -> break
  od;
  given_up_here[to] = given_up_here[from]; damaged[to] = damaged[from];
  held[to] = held[from]; open_epoch[to] = open_epoch[from]; known_epochs[to] = known_epochs[from];
  backed_up[to] = backed_up[from] }

/* Events that stood in nothing but the file that outbox 1 replaces; those of the mark's epoch must be named. */
inline NoteReplaced() {
  x_ = 0;
  do
  :: x_ < held[0] ->
     q_ = P;
     do :: q_ < P + held[1] && EVENT_OF(hash[q_]) != EVENT_OF(hash[x_]) -> q_++ :: else -> break od;
     if
     :: q_ == P + held[1] && EPOCH_OF(slot[x_]) == open_epoch[0] -> to_be_named[EVENT_OF(hash[x_])] = slot[x_] + 1;
        if :: x_ == held[0] - 1 -> named_by_hash = named_by_hash | BIT(EVENT_OF(hash[x_])) :: else fi
     :: else
     fi;
     x_++
  :: else -> break
  od }

init {
  d_step { live[0] = 1; known_epochs[0] = 1 };
  do
  /* An associate cancels: Outbox::Capture(). */
  :: atomic {
       captured < CAPTURES && (CAN_CAPTURE(0) || CAN_CAPTURE(1)) ->
       if :: CAN_CAPTURE(0) -> o = 0 :: CAN_CAPTURE(1) -> o = 1 fi;
#if LANES > 1
       if :: true :: captured > 0 -> lanes = lanes | BIT(captured + 1) fi;
#endif
       d_step {
         Capture(o);
         printf("MSC: outbox %d captures event %d of lane %d as %d.%d\n", o, captured, LANE_OF(captured),
                EPOCH_OF(first_slot[captured]), first_slot[captured] % SEQ + 1);
         ForgetChoices() } }

  /* UplinkMachine::OnHistory(), Greet(), Outbox::ApplyWelcome(). */
#ifdef STALE_WELCOME
  :: atomic {
       !is_greeting && (CAN_CONNECT(0) || CAN_CONNECT(1)) ->
       if :: CAN_CONNECT(0) -> o = 0 :: CAN_CONNECT(1) -> o = 1 fi;
       d_step {
         is_greeting = 1; greeted = o; DropSent(o);
         x_ = 0; do :: x_ < SLOTS -> said[x_] = ledger[x_]; said_hash[x_] = ledger_hash[x_]; x_++ :: else -> break od;
         GreetNewEpoch(o); said_new_epoch = f_;
         printf("MSC: outbox %d says Hello\n", o);
         ForgetChoices() } }
  :: d_step {
       is_greeting ->
       o = greeted; is_greeting = 0;
       ApplyWelcome(o); f_ = said_new_epoch; connected[o] = !greeting_ended;
       said_new_epoch = 0; greeted = 0; greeting_ended = 0;
       x_ = 0; do :: x_ < SLOTS -> said[x_] = 0; said_hash[x_] = 0; x_++ :: else -> break od;
       printf("MSC: outbox %d applies Welcome\n", o);
#ifndef NO_START_NEW_EPOCH
       if :: f_ -> BeginEpoch(o); printf("MSC: outbox %d begins epoch %d\n", o, open_epoch[o]) :: else fi;
#endif
       ForgetChoices() }
#else
  :: atomic {
       (CAN_CONNECT(0) || CAN_CONNECT(1)) ->
       if :: CAN_CONNECT(0) -> o = 0 :: CAN_CONNECT(1) -> o = 1 fi;
       d_step {
         connected[o] = 1;
#ifdef NO_GENERATIONS
         if :: len(up[o]) > 0 && len(late) == 0 -> up[o]?m_kind,m_from,m_slot,m_hash,m_lane,m_other;
                                                 late!m_kind,m_from,m_slot,m_hash,m_lane,m_other :: else fi;
#endif
         DropSent(o); /* StreamRegistry::MayWrite() */
         GreetNewEpoch(o); c_ = f_; at = c_;
         printf("MSC: outbox %d connects\n", o);
         ApplyWelcome(o);
         CheckDelivered(o);
#ifndef NO_START_NEW_EPOCH
         if :: at != 0 -> BeginEpoch(o); printf("MSC: outbox %d begins epoch %d\n", o, open_epoch[o]) :: else fi;
#endif
         ForgetChoices() } }
#endif

  /* OnPage(), OnLostRanges(). */
  :: atomic {
       ANY_EVENT(CAN_SEND) ->
       CHOOSE_EVENT(CAN_SEND);
       d_step {
         SendRecord();
         printf("MSC: outbox %d sends %d.%d, event %d, kind %d\n", o, EPOCH_OF(m_slot), m_slot % SEQ + 1,
                EVENT_OF(m_hash), m_kind);
         ForgetChoices() } }
#if ROLLBACKS + PRUNES > 0
  :: atomic {
       ANY_ROW(CAN_SEND_LOST) ->
       CHOOSE_ROW(CAN_SEND_LOST);
       d_step {
         o = at / LOST_ROWS; lost_state[at] = ANNOUNCING;
         up[o]!LOST_TOMBSTONE,at,lost_last[at],lost_hash[at],lost_first[at]-1,lost_previous[at];
         printf("MSC: outbox %d announces as lost %d.%d to %d\n", o, EPOCH_OF(lost_last[at]),
                (lost_first[at] - 1) % SEQ + 1, lost_last[at] % SEQ + 1);
         ForgetChoices() } }
#endif

  /* The centre: RecordAcceptor::Judge(), TombstoneAcceptor::Judge(). */
  :: atomic {
       (len(up[0]) > 0 || len(up[1]) > 0 || IS_LATE) ->
       if
       :: (len(up[0]) > 0) -> o = 0
       :: (len(up[1]) > 0) -> o = 1
#if RESTARTS > 0 || defined(NO_GENERATIONS)
       :: (len(late) > 0) -> o = 2
#endif
       fi;
       d_step {
         if
#if RESTARTS > 0 || defined(NO_GENERATIONS)
         :: o == 2 -> late?m_kind,m_from,m_slot,m_hash,m_lane,m_other
#endif
         :: else -> up[o]?m_kind,m_from,m_slot,m_hash,m_lane,m_other
         fi;
         if :: m_kind == RECORD -> JudgeRecord() :: else -> JudgeTombstone() fi };
       if
       :: m_disposition != ACCEPTED
       :: d_step { m_disposition == ACCEPTED -> TakeEffect() }
       :: d_step { m_disposition == ACCEPTED && parks > 0 -> parks--; Park() }
       fi;
       d_step {
         printf("MSC: centre has %d.%d, event %d, kind %d of outbox %d: disposition %d\n", EPOCH_OF(m_slot), m_slot % SEQ + 1, EVENT_OF(m_hash), m_kind, o, m_disposition);
         if :: o < 2 && connected[o] -> down[o]!m_kind,m_from,m_disposition :: else fi;
         if :: m_disposition != LANE_HELD -> TimerOfDeferred() :: else fi;
         ForgetChoices() } }

  /* OnBatchResult(), ApplyOutcomes(), MarkAnnounced(), DropLostRanges(), MoveSuffix(). */
  :: atomic {
       (len(down[0]) > 0 || len(down[1]) > 0) ->
       if :: (len(down[0]) > 0) -> o = 0 :: (len(down[1]) > 0) -> o = 1 fi;
       d_step {
         down[o]?m_kind,m_from,m_disposition;
         printf("MSC: outbox %d hears %d\n", o, m_disposition);
         OnAnswer();
         ForgetChoices() } }

#if REQUEUES > 0
  :: atomic { requeues > 0 && ANY_EVENT(IS_PARKED) -> CHOOSE_EVENT(IS_PARKED);
       d_step { requeues--; state[at] = PENDING; printf("MSC: event %d is requeued\n", EVENT_OF(hash[at])); ForgetChoices() } }
#endif
#if RELEASES > 0
  :: atomic { releases > 0 && ANY_EVENT(IS_PARKED) -> CHOOSE_EVENT(IS_PARKED);
       d_step {
         Awaited(at);
         releases--;
#ifdef RELEASE_OUT_OF_TURN
         w_ = 0;
#endif
         if
         :: w_ == 0 -> state[at] = GIVEN_UP; o = at / P; given_up_here[o] = given_up_here[o] | BIT(EVENT_OF(hash[at]));
                       released = released | BIT(EVENT_OF(hash[at]));
                       printf("MSC: event %d is released\n", EVENT_OF(hash[at]))
         :: else
         fi;
         ForgetChoices() } }
#endif
#if DAMAGES > 0
  :: atomic { damages > 0 && faults && ANY_EVENT(CAN_DAMAGE) -> CHOOSE_EVENT(CAN_DAMAGE);
       d_step { damages--; state[at] = GIVEN_UP; o = at / P; damaged[o] = damaged[o] | BIT(EVENT_OF(hash[at]));
                given_up_here[o] = given_up_here[o] | BIT(EVENT_OF(hash[at])); released = released | BIT(EVENT_OF(hash[at]));
                printf("MSC: event %d is damaged at outbox %d\n", EVENT_OF(hash[at]), at / P); ForgetChoices() } }
#endif
#if PRUNES > 0
  /* Maintain(): the lowest retained event, once it is delivered and backed up, and never the last. */
  :: atomic {
       prunes > 0 && (live[0] || live[1]) ->
       if :: live[0] -> o = 0 :: live[1] -> o = 1 fi;
       d_step {
         x_ = 0;
         do :: x_ < held[o] && IS_PRUNED(state[o * P + x_]) -> x_++ :: else -> break od;
         if
         :: x_ + 1 < held[o] && state[o * P + x_] == DELIVERED &&
#ifndef PRUNE_UNBACKED
            x_ < backed_up[o] &&
#endif
            true ->
            state[o * P + x_] = PRUNED; prunes--; pruned = pruned | BIT(EVENT_OF(hash[o * P + x_]));
            printf("MSC: outbox %d prunes event %d\n", o, EVENT_OF(hash[o * P + x_]))
         :: else
         fi;
         ForgetChoices() } }
#endif

  /* What goes wrong. */
#if CUTS > 0
  :: atomic { cuts > 0 && (connected[0] || connected[1]) ->
       if :: connected[0] -> o = 0 :: connected[1] -> o = 1 fi;
       d_step { cuts--; ResetStream(o); printf("MSC: the stream of outbox %d breaks\n", o); ForgetChoices() } }
#endif
#if RESTARTS > 0
  :: atomic { restarts > 0 && len(late) == 0 && (len(up[0]) > 0 || len(up[1]) > 0) ->
       if :: (len(up[0]) > 0) -> o = 0 :: (len(up[1]) > 0) -> o = 1 fi;
       d_step {
         restarts--;
         printf("MSC: the agent of outbox %d is killed\n", o);
         up[o]?m_kind,m_from,m_slot,m_hash,m_lane,m_other; late!m_kind,m_from,m_slot,m_hash,m_lane,m_other;
         ResetStream(o); DropSent(o); ForgetChoices() } }
#endif
#if CLONES + ROLLBACKS + OLD_FILES > 0
  :: d_step {
       clones + rollbacks + old_files > 0 && faults && !copy_is_there && !live[1] && captured >= COPIED_AFTER ->
       copy_is_there = 1; Copy(0, 1); printf("MSC: the outbox is copied\n");
       x_ = P; /* nothing is on its way in a file */
       do
       :: x_ < 2 * P ->
          if :: state[x_] == IN_FLIGHT || state[x_] == DEFERRED -> state[x_] = PENDING
             :: state[x_] == ANNOUNCING -> state[x_] = GIVEN_UP :: else fi; x_++
       :: else -> break
       od;
       x_ = LOST_ROWS;
       do
       :: x_ < 2 * LOST_ROWS -> if :: lost_state[x_] == ANNOUNCING -> lost_state[x_] = GIVEN_UP :: else fi; x_++
       :: else -> break
       od;
       ForgetChoices() }
#endif
#if CLONES > 0
  :: d_step { copy_is_there && clones > 0 -> clones--; copy_is_there = 0; live[1] = 1;
       printf("MSC: the copy lives too\n"); ForgetChoices() }
#endif
#if ROLLBACKS + OLD_FILES > 0
  :: atomic { copy_is_there && rollbacks + old_files > 0 &&
#ifdef STALE_WELCOME
       !is_greeting &&
#endif
       true ->
       if :: rollbacks > 0 -> at = 1 :: old_files > 0 -> at = 0 fi;
       d_step {
         printf("MSC: the copy takes the outbox's place, mark kept: %d\n", at);
         ResetStream(0); DropSent(0);
         if :: at == 1 -> rollbacks--; NoteReplaced(); CheckHighWaterMark() :: else -> old_files-- fi;
         Copy(1, 0); Forget(1); copy_is_there = 0;
         ForgetChoices() } }
#endif
#if CENTRE_ROLLBACKS > 0
  :: d_step {
       !kept_is_there && centre_rollbacks > 0 && faults ->
       KeepCopyOfLedger(); printf("MSC: the ledger is copied\n"); ForgetChoices() }
  :: d_step {
       kept_is_there && centre_rollbacks > 0 ->
       centre_rollbacks--; printf("MSC: the ledger is put back\n");
       ResetStream(0); ResetStream(1); DropSent(0); DropSent(1);
#if RESTARTS > 0 || defined(NO_GENERATIONS)
       do :: len(late) > 0 -> late?m_kind,m_from,m_slot,m_hash,m_lane,m_other :: else -> break od;
#endif
#ifdef STALE_WELCOME
       greeting_ended = is_greeting;
#endif
       PutBackLedger(); ForgetCopyOfLedger(); ForgetChoices() }
#endif
  /* From now on nothing goes wrong. */
  :: d_step { faults -> faults = 0; cuts = 0; restarts = 0; clones = 0; rollbacks = 0; old_files = 0; centre_rollbacks = 0;
       parks = 0; requeues = 0; releases = 0; damages = 0; prunes = 0;
       if :: copy_is_there -> copy_is_there = 0; Forget(1) :: else fi;
       ForgetCopyOfLedger(); ForgetChoices() }
  :: timeout ->
     if
     :: greetings_left > 0 ->
        d_step {
          greetings_left--; printf("MSC: all is quiet\n");
          ResetStream(0); ResetStream(1); DropSent(0); DropSent(1); ForgetChoices() }
     :: else -> d_step { CheckEnd(); x_ = 0 }; break
     fi
  od
}
