/* How much may happen in a run, and what the words stand for. scripts/model and configurations.toml set the macros. */

#ifndef CAPTURES /* events that are captured, at all outboxes together; at most 7 */
#define CAPTURES 3
#endif
#ifndef SEQUENCES /* places in an epoch; a hash fits 16 bits while this is at most 5 */
#define SEQUENCES 3
#endif
#ifndef EPOCHS
#define EPOCHS 4
#endif
#ifndef WINDOW /* messages of a stream on their way, answers included */
#define WINDOW 1
#endif
#ifndef LANES /* 1 or 2 */
#define LANES 2
#endif
/* Budgets of what goes wrong, and of what people do. */
#ifndef CUTS /* streams that break while something may be on its way */
#define CUTS 1
#endif
#ifndef RESTARTS /* of an agent's process, with a record still in the network */
#define RESTARTS 0
#endif
#ifndef COPIED_AFTER /* captures */
#define COPIED_AFTER 1
#endif
#ifndef CLONES /* copies of the outbox that begin to live beside it */
#define CLONES 0
#endif
#ifndef ROLLBACKS /* copies that are put in the outbox's place, its high-water mark staying */
#define ROLLBACKS 0
#endif
#ifndef OLD_FILES /* the same, with the copy's own high-water mark */
#define OLD_FILES 0
#endif
#ifndef CENTRE_ROLLBACKS /* the ledger is put back to an older copy of it */
#define CENTRE_ROLLBACKS 0
#endif
#ifndef PARKS /* records that a rule of the centre refuses for now */
#define PARKS 0
#endif
#ifndef REQUEUES
#define REQUEUES 0
#endif
#ifndef RELEASES
#define RELEASES 0
#endif
#ifndef DAMAGES /* events whose bytes fail their hash */
#define DAMAGES 0
#endif
#ifndef PRUNES
#define PRUNES 0
#endif
/* BACKED_UP: what Welcome announces. 0 nothing, 1 what is accepted, 2 what the copy of the ledger holds. */
#ifndef BACKED_UP
#define BACKED_UP 1
#endif

/* Events that were given up on one copy may come from another all the same, at any time: 255; or not: 0. */
#ifndef RELEASED_MAY_COME_LATE
#define RELEASED_MAY_COME_LATE 0
#endif

/* Rules that the protocol gained from this model; each can be turned off again. */
#ifndef LOST_ROWS_ARE_DROPPED
#define KEEP_LOST_ROWS
#endif
#ifndef CONFLICTING_TOMBSTONE_IS_ANNOUNCED
#define CONFLICTING_TOMBSTONE_FORKS
#endif
#ifndef TOMBSTONES_IN_ANY_ORDER
#define TOMBSTONES_IN_LANE_ORDER
#endif

#define SLOTS (SEQUENCES * EPOCHS)
#define P CAPTURES     /* positions of an outbox */
#define LOST_ROWS 2    /* of one outbox */
#define SEQ SEQUENCES
#define EPOCH_OF(slot) ((slot) / SEQ)
#define IS_FIRST(slot) ((slot) % SEQ == 0)
#define IS_LAST(slot) ((slot) % SEQ == SEQ - 1)

/* A hash is the row of events before it in its epoch and its own, three bits each: equal means equal prefixes. */
#define GENESIS 0
#define UNKNOWN 0        /* no record's hash is 0 */
#define NO_PREVIOUS (-1) /* since genesis is 0 */
#define EVENT_OF(hash) ((hash) & 7)
#define PREVIOUS_OF(hash) ((hash) >> 3)
#define BIT(event) (1 << (event))
#define LANE_OF(event) ((lanes >> (event)) & 1)

/* How an event stands in an outbox. */
#define ABSENT 0
#define PENDING 1
#define IN_FLIGHT 2
#define DEFERRED 3    /* the centre holds its lane */
#define DELIVERED 4
#define PARKED 5
#define TOMBSTONED 6  /* the centre had closed its sequence */
#define GIVEN_UP 7    /* released or damaged; its tombstone is unannounced, */
#define ANNOUNCING 8  /* on its way, */
#define ANNOUNCED 9   /* or answered */
#define PRUNED 10
#define PRUNED_LOST 11 /* and the centre does not have it */
#define IS_GIVEN_UP(s) ((s) == GIVEN_UP || (s) == ANNOUNCING || (s) == ANNOUNCED)
#define IS_TOMBSTONED(s) ((s) == TOMBSTONED || IS_GIVEN_UP(s))
#define IS_PRUNED(s) ((s) == PRUNED || (s) == PRUNED_LOST)
#define RESOLVED(s) ((s) == DELIVERED || IS_PRUNED(s) || IS_TOMBSTONED(s))

/* How a sequence stands at the centre. */
#define OPEN 0
#define HELD_PARKED 1
#define CLOSED 2
#define HELD 3

/* Dispositions. */
#define ACCEPTED 1
#define DUPLICATE 2
#define PARK 3
#define LANE_HELD 4
#define CONFLICT 5
#define TOMBSTONE 6

/* Messages. */
#define RECORD 0
#define GIVEN_UP_TOMBSTONE 1
#define LOST_TOMBSTONE 2
