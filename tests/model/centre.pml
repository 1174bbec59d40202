/* The centre: ingest/acceptance over ingest/ledger. A range is a run of HELD sequences; its last hash and its first
 * previous hash follow from the sequences' own. A tombstone's sequences have a hash where the ledger has one. */

byte ledger[SLOTS];           /* OPEN, HELD_PARKED, CLOSED, HELD */
short ledger_hash[SLOTS];     /* UNKNOWN inside a tombstone's range */
short ledger_previous[SLOTS]; /* of CLOSED alone: where a tombstone begins, the hash below it, or NO_PREVIOUS */
byte ledger_recaptured;       /* events of which a later identity was accepted */
byte ledger_applied;          /* in effect */
byte ledger_overtaken;        /* ancestors of those */
byte ledger_closed;           /* events whose sequence was closed by a tombstone */
byte ledger_offered;          /* reappeared: kept apart for people */
byte ledger_given_up;         /* with TOMBSTONE_HAS_ORIGIN: events that a tombstone gave up, under whatever identity */

#if CENTRE_ROLLBACKS > 0
byte kept[SLOTS];
short kept_hash[SLOTS];
short kept_previous[SLOTS];
byte kept_recaptured, kept_applied, kept_overtaken, kept_closed, kept_offered, kept_given_up;
bit kept_is_there;
#endif

/* The message that is judged, and the answer. */
byte m_kind, m_from, m_slot, m_lane, m_disposition;
short m_hash, m_other; /* m_lane: slot + 1 of a record's predecessor, first slot of a lost range; m_other: the hash there */

#define HAS_ORIGIN(slot, event) ((slot) != first_slot[event])

/* EpochView::LinkHash, as link_ (UNKNOWN where none); what it knows of `at` seen from the sequence above. */
inline LinkHash(at, above_is_held) {
  link_ = UNKNOWN;
  if
  :: ledger[at] == OPEN -> skip
  :: ledger[at] == HELD -> if :: !(above_is_held) -> link_ = ledger_hash[at] :: else fi
  :: else -> link_ = ledger_hash[at]
  fi }

/* EpochView::LinkPreviousHash, as link_ (NO_PREVIOUS where none). */
inline LinkPreviousHash(at, below_is_held) {
  link_ = NO_PREVIOUS;
  if
  :: ledger[at] == HELD && !(below_is_held) -> link_ = PREVIOUS_OF(ledger_hash[at])
  :: ledger[at] == HELD_PARKED -> link_ = PREVIOUS_OF(ledger_hash[at])
  :: ledger[at] == CLOSED -> link_ = ledger_previous[at]
  :: else
  fi }

inline Hold() {
  ledger[m_slot] = HELD;
  ledger_hash[m_slot] = m_hash;
  ledger_previous[m_slot] = 0;
  if
  :: HAS_ORIGIN(m_slot, e_) ->
#ifndef NO_RECAPTURED
     ledger_recaptured = ledger_recaptured | BIT(e_);
#endif
#ifndef NO_SUPERSEDE
     if
     :: ledger[first_slot[e_]] == HELD_PARKED && ledger_hash[first_slot[e_]] == first_hash[e_] ->
        ledger[first_slot[e_]] = OPEN;
        ledger_hash[first_slot[e_]] = UNKNOWN
     :: else
     fi
#endif
  :: else
  fi }

inline RecordDuplicate() { Hold(); m_disposition = DUPLICATE }

inline KeepReappeared() { ledger_offered = ledger_offered | BIT(e_); m_disposition = TOMBSTONE }

/* The events that a closed sequence may be: by its hash, or by its number. */
inline NoteClosed(at) {
  if
  :: ledger_hash[at] != UNKNOWN -> ledger_closed = ledger_closed | BIT(EVENT_OF(ledger_hash[at]))
  :: else ->
     c_ = 1;
     do
     :: c_ <= CAPTURES -> if :: c_ <= captured && first_slot[c_] == at -> ledger_closed = ledger_closed | BIT(c_) :: else fi; c_++
     :: else -> break
     od
  fi }

inline JudgeIdentity() {
  if
  :: ledger[m_slot] == HELD ->
#ifdef NO_HASH_OF_ACCEPTED
     m_disposition = DUPLICATE
#else
     if :: ledger_hash[m_slot] == m_hash -> m_disposition = DUPLICATE :: else -> m_disposition = CONFLICT fi
#endif
  :: ledger[m_slot] == CLOSED ->
#ifdef NO_HASH_OF_TOMBSTONE
     KeepReappeared()
#else
     if
     :: ledger_hash[m_slot] == UNKNOWN || ledger_hash[m_slot] == m_hash -> KeepReappeared()
     :: else -> m_disposition = CONFLICT
     fi
#endif
#ifndef NO_HASH_OF_PARKED
  :: ledger[m_slot] == HELD_PARKED && ledger_hash[m_slot] != m_hash -> m_disposition = CONFLICT
#endif
  :: else
  fi }

inline JudgeLinks() {
  if
  :: m_disposition == 0 && !IS_FIRST(m_slot) ->
     LinkHash(m_slot - 1, 0);
     if :: link_ != UNKNOWN && link_ != PREVIOUS_OF(m_hash) -> m_disposition = CONFLICT :: else fi
  :: else
  fi;
  if
  :: m_disposition == 0 && !IS_LAST(m_slot) ->
     LinkPreviousHash(m_slot + 1, 0);
     if :: link_ != NO_PREVIOUS && link_ != m_hash -> m_disposition = CONFLICT :: else fi
  :: else
  fi }

inline FollowTombstone() {
  ledger[m_slot] = CLOSED;
  ledger_hash[m_slot] = m_hash;
  ledger_previous[m_slot] = PREVIOUS_OF(m_hash);
  KeepReappeared() }

inline JudgeOrigin() {
  if
#ifdef TOMBSTONE_HAS_ORIGIN
  :: m_disposition == 0 && (ledger_given_up & BIT(e_)) -> FollowTombstone()
#endif
  :: m_disposition == 0 && !HAS_ORIGIN(m_slot, e_) ->
     if :: ledger_recaptured & BIT(e_) -> RecordDuplicate() :: else fi
  :: m_disposition == 0 && HAS_ORIGIN(m_slot, e_) ->
     s_ = first_slot[e_];
     if
     :: ledger[s_] == HELD && ledger_hash[s_] == first_hash[e_] || (ledger_recaptured & BIT(e_)) -> RecordDuplicate()
#ifndef NO_FOLLOW_TOMBSTONE
     :: ledger[s_] == CLOSED && (ledger_hash[s_] == UNKNOWN || ledger_hash[s_] == first_hash[e_]) ->
        FollowTombstone()
#endif
     :: else
     fi
  :: else
  fi }

inline JudgeEventId() {
  if :: m_disposition == 0 && (ledger_applied & BIT(e_)) -> RecordDuplicate() :: else fi }

inline LaneIsFree() {
  if
  :: m_disposition == 0 && m_lane != 0 ->
     s_ = m_lane - 1;
     if
#ifdef NO_HASH_IN_LANE
     :: ledger[s_] == HELD || ledger[s_] == CLOSED -> skip
#else
     :: ledger[s_] == HELD && ledger_hash[s_] == m_other -> skip
     :: ledger[s_] == CLOSED && (ledger_hash[s_] == UNKNOWN || ledger_hash[s_] == m_other) -> skip
#endif
     :: else -> m_disposition = LANE_HELD
     fi
  :: else
  fi }

/* RecordAcceptor::Judge, up to what a rule or the ledger does with it. */
inline JudgeRecord() {
  e_ = EVENT_OF(m_hash);
  m_disposition = 0;
  JudgeIdentity();
#ifndef NO_LINKS
  JudgeLinks();
#endif
#ifndef NO_ORIGIN
  JudgeOrigin();
#endif
#ifndef NO_EVENT_ID
  JudgeEventId();
#endif
#ifndef NO_LANE_CHECK
  LaneIsFree();
#endif
  if :: m_disposition == 0 -> m_disposition = ACCEPTED :: else fi }

inline TakeEffect() {
  e_ = EVENT_OF(m_hash);
  Hold();
  TakesEffect(e_) }

inline Park() {
  ledger[m_slot] = HELD_PARKED;
  ledger_hash[m_slot] = m_hash;
  m_disposition = PARK }

/* TombstoneAcceptor: sequences m_lane to m_slot, m_hash of the last or UNKNOWN, m_other below the first or NO_PREVIOUS. */
inline FindConflict() {
  if
  :: m_hash != UNKNOWN ->
     if :: ledger_hash[m_slot] != UNKNOWN && ledger_hash[m_slot] != m_hash -> m_disposition = CONFLICT :: else fi;
     if
     :: !IS_LAST(m_slot) ->
        LinkPreviousHash(m_slot + 1, ledger[m_slot] == HELD);
        if :: link_ != NO_PREVIOUS && link_ != m_hash -> m_disposition = CONFLICT :: else fi
     :: else
     fi
  :: else
  fi;
  if
  :: m_other != NO_PREVIOUS && !IS_FIRST(m_lane) ->
     LinkHash(m_lane - 1, ledger[m_lane] == HELD);
     if :: link_ != UNKNOWN && link_ != m_other -> m_disposition = CONFLICT :: else fi
  :: else
  fi }

/* The open sequences, from the highest down, so that each knows whether it ends a tombstone. */
inline CloseOpenSequences() {
  s_ = m_slot + 1;
  do
  :: s_ > m_lane ->
     s_--;
     if
     :: ledger[s_] == HELD_PARKED -> /* its hash is worth more than a row */
        ledger[s_] = CLOSED;
        ledger_previous[s_] = PREVIOUS_OF(ledger_hash[s_]);
        NoteClosed(s_)
     :: ledger[s_] == OPEN ->
        ledger[s_] = CLOSED;
        ledger_hash[s_] = UNKNOWN;
        ledger_previous[s_] = NO_PREVIOUS;
        if :: s_ == m_slot -> ledger_hash[s_] = m_hash :: else fi;
        if
        :: ledger_hash[s_] == UNKNOWN && !IS_LAST(s_) && !(s_ < m_slot && ledger[s_ + 1] == CLOSED) ->
           LinkPreviousHash(s_ + 1, 0);
           if :: link_ != NO_PREVIOUS -> ledger_hash[s_] = link_ :: else fi
        :: else
        fi;
        if
        :: s_ == m_lane && m_other != NO_PREVIOUS -> ledger_previous[s_] = m_other
        :: s_ == m_lane && m_other == NO_PREVIOUS && !IS_FIRST(s_) ->
           LinkHash(s_ - 1, 0);
           if :: link_ != UNKNOWN -> ledger_previous[s_] = link_ :: else fi
        :: else
        fi;
        NoteClosed(s_)
     :: else
     fi
  :: else -> break
  od }

inline JudgeTombstone() {
  m_disposition = 0;
  e_ = EVENT_OF(m_hash);
#ifndef NO_CONFLICT_OF_TOMBSTONE
  FindConflict();
#endif
  f_ = 1; /* whether the centre holds all of it */
  s_ = m_lane;
  do :: s_ <= m_slot -> if :: ledger[s_] != HELD -> f_ = 0 :: else fi; s_++ :: else -> break od;
  if
  :: m_disposition == CONFLICT -> skip
  :: m_disposition == 0 && f_ -> m_disposition = DUPLICATE
#ifndef NO_RECAPTURED_UNDER_TOMBSTONE
  :: m_disposition == 0 && !f_ && m_lane == m_slot && m_hash != UNKNOWN && m_other != NO_PREVIOUS &&
     ledger[m_slot] != CLOSED && (ledger_recaptured & BIT(e_)) && !HAS_ORIGIN(m_slot, e_) ->
     RecordDuplicate()
#endif
#ifdef TOMBSTONE_HAS_ORIGIN
  :: m_disposition == 0 && !f_ && m_kind == GIVEN_UP_TOMBSTONE && (ledger_applied & BIT(e_)) && ledger[m_slot] != CLOSED ->
     RecordDuplicate()
#endif
  :: else ->
     /* An event in effect is not called given up, where the tombstone has its first identity. */
     assert(m_kind != GIVEN_UP_TOMBSTONE || HAS_ORIGIN(m_slot, e_) || !(ledger_applied & BIT(e_)));
     CloseOpenSequences();
     if :: ledger[m_slot] == CLOSED && ledger_hash[m_slot] == UNKNOWN -> ledger_hash[m_slot] = m_hash :: else fi;
#ifdef TOMBSTONE_HAS_ORIGIN
     if :: m_kind == GIVEN_UP_TOMBSTONE -> ledger_given_up = ledger_given_up | BIT(e_) :: else fi;
#endif
     m_disposition = TOMBSTONE
  fi }

inline KeepCopyOfLedger() {
  skip;
#if CENTRE_ROLLBACKS > 0
  s_ = 0;
  do
  :: s_ < SLOTS -> kept[s_] = ledger[s_]; kept_hash[s_] = ledger_hash[s_]; kept_previous[s_] = ledger_previous[s_]; s_++
  :: else -> break
  od;
  kept_recaptured = ledger_recaptured; kept_applied = ledger_applied; kept_overtaken = ledger_overtaken;
  kept_closed = ledger_closed; kept_offered = ledger_offered; kept_given_up = ledger_given_up; kept_is_there = 1;
#endif
  skip }

inline ForgetCopyOfLedger() {
  skip;
#if CENTRE_ROLLBACKS > 0
  s_ = 0;
  do :: s_ < SLOTS -> kept[s_] = 0; kept_hash[s_] = 0; kept_previous[s_] = 0; s_++ :: else -> break od;
  kept_recaptured = 0; kept_applied = 0; kept_overtaken = 0; kept_closed = 0; kept_offered = 0; kept_given_up = 0; kept_is_there = 0
#endif
}

inline PutBackLedger() {
  skip;
#if CENTRE_ROLLBACKS > 0
  s_ = 0;
  do
  :: s_ < SLOTS -> ledger[s_] = kept[s_]; ledger_hash[s_] = kept_hash[s_]; ledger_previous[s_] = kept_previous[s_]; s_++
  :: else -> break
  od;
  ledger_recaptured = kept_recaptured; ledger_applied = kept_applied; ledger_overtaken = kept_overtaken;
  ledger_closed = kept_closed; ledger_offered = kept_offered; ledger_given_up = kept_given_up
#endif
}
