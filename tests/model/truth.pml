/* What callers were told and what is in effect: all that the checks believe. */

byte captured;                /* events are 1 to captured */
byte lanes;                   /* a bit for each event: its lane */
byte ancestors[8];            /* events of its lane that its outbox held when it was captured */
byte first_slot[8];           /* the first identity */
short first_hash[8];
byte predecessor[8];          /* by position + 1, as Capture() noted it; none is 0 */
byte released;                /* events that somebody gave up, or whose bytes were damaged */
byte pruned;                  /* events that an outbox no longer retains: what it captures later names none of them */
byte named_by_hash;           /* of those below, the last of its file, whose hash the mark has */
byte to_be_named[8];          /* slot + 1 in a file that was replaced, of the epoch that its mark names */

/* The event takes effect now. */
inline TakesEffect(event) {
  assert(!(ledger_applied & BIT(event)));                           /* once */
  /* None that comes after it in its lane was first; of what an outbox has pruned its later captures know nothing. */
  assert(!(ledger_overtaken & BIT(event)) || (pruned & BIT(event)) || (released & BIT(event) & RELEASED_MAY_COME_LATE));
  assert((ancestors[event] & ~(ledger_applied | ledger_closed | ledger_offered | pruned)) == 0); /* and all before it are there */
  ledger_applied = ledger_applied | BIT(event);
  ledger_overtaken = ledger_overtaken | ancestors[event] }

/* What an outbox calls delivered is in effect. */
inline CheckDelivered(outbox) {
  p_ = outbox * P;
  do
  :: p_ < (outbox + 1) * P ->
     assert(state[p_] != DELIVERED || (ledger_applied & BIT(EVENT_OF(hash[p_]))));
     p_++
  :: else -> break
  od }

/* Nothing moves any more: whatever was captured is where it should be, or waits for somebody who knows. */
inline CheckEnd() {
  x_ = 0;
  do
  :: x_ < 2 * P ->
     e_ = EVENT_OF(hash[x_]);
     if
     :: !live[x_ / P] || state[x_] == ABSENT -> skip
     :: live[x_ / P] && (state[x_] == DELIVERED || state[x_] == PRUNED) -> assert(ledger_applied & BIT(e_))
     :: live[x_ / P] && state[x_] == PRUNED_LOST -> assert((ledger_applied | ledger_closed) & BIT(e_))
     :: live[x_ / P] && state[x_] == TOMBSTONED -> /* a ledger that was put back may have forgotten what it kept for people */
        assert((ledger_applied | ledger_offered | (CENTRE_ROLLBACKS > 0 -> ledger_closed : 0)) & BIT(e_))
     :: live[x_ / P] && state[x_] == ANNOUNCED -> assert((ledger_applied | ledger_closed) & BIT(e_))
     :: live[x_ / P] && state[x_] == PARKED ->
        assert(ledger[slot[x_]] == HELD_PARKED && ledger_hash[slot[x_]] == hash[x_])
     :: else -> /* it waits: only behind one that is parked at both ends, or not sent behind such a one */
        a_ = x_;
        do
        :: Awaited(a_);
           if :: w_ == 0 -> break :: else -> a_ = w_ - 1 fi
        od;
        assert(a_ != x_ && state[a_] == PARKED || IS_GIVEN_UP(state[x_]) && a_ != x_);
     fi;
     x_++
  :: else -> break
  od;
  e_ = 1;
  do
  :: e_ <= CAPTURES ->
     if
     :: to_be_named[e_] != 0 && !((ledger_applied | ledger_offered) & BIT(e_)) ->
        s_ = to_be_named[e_] - 1;
        /* Another's record may stand there: a range's inner hashes are not known, so it is taken for the lost one. */
        f_ = ledger[s_] == CLOSED || (ledger[s_] == HELD && !(named_by_hash & BIT(e_)));
        l_ = 0;
        do
        :: l_ < 2 * LOST_ROWS ->
           if :: lost_first[l_] != 0 && lost_first[l_] - 1 <= s_ && s_ <= lost_last[l_] -> f_ = 1 :: else fi;
           l_++
        :: else -> break
        od;
        assert(f_)
     :: else
     fi;
     e_++
  :: else -> break
  od }
