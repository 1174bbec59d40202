// The SQLite ledger's schema. A change is a new Migration; a released one never changes.
//
// Numbers of 64 bits that are random (epochs) are stored as the signed number of the same bits. Times are
// microseconds since 1970. Hashes are 32 bytes.
#pragma once

#include <array>

#include "storage/migrations.h"

namespace tillwire {

inline constexpr std::array<Migration, 3> kLedgerMigrations{{{1, R"sql(
CREATE TABLE ledger (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- One row for each (store, terminal, epoch) that ever wrote here, with its counts.
CREATE TABLE epochs (
  epoch_row   INTEGER PRIMARY KEY,
  accepted    INTEGER NOT NULL DEFAULT 0,
  duplicates  INTEGER NOT NULL DEFAULT 0,
  conflicts   INTEGER NOT NULL DEFAULT 0,
  tombstoned  INTEGER NOT NULL DEFAULT 0,
  reappeared  INTEGER NOT NULL DEFAULT 0,
  store_id    TEXT NOT NULL,
  terminal_id TEXT NOT NULL,
  epoch       INTEGER NOT NULL
);
CREATE UNIQUE INDEX epochs_by_identity ON epochs (store_id, terminal_id, epoch);

-- The log. Rows are appended in the order of commit and never changed. The event is last, so that reading the other
-- columns need not follow it into overflow pages.
CREATE TABLE entries (
  position             INTEGER PRIMARY KEY,
  kind                 INTEGER NOT NULL,  -- 1 accepted, 2 reappeared, 3 tombstone
  received_at          INTEGER NOT NULL,
  epoch_row            INTEGER NOT NULL,
  sequence             INTEGER NOT NULL,
  last_sequence        INTEGER NOT NULL,
  lane                 TEXT NOT NULL,
  predecessor_epoch    INTEGER,
  predecessor_sequence INTEGER,
  predecessor_hash     BLOB,
  previous_hash        BLOB,
  hash                 BLOB,
  origin_epoch         INTEGER,
  origin_sequence      INTEGER,
  origin_hash          BLOB,
  event_id             BLOB,
  cause                TEXT,
  event                BLOB NOT NULL
);
-- At most one event is in effect under an id. UUIDv7s ascend in practice: the index is appended to.
CREATE UNIQUE INDEX entries_in_effect ON entries (event_id) WHERE kind = 1;

-- Accepted sequences; ranges of an epoch neither overlap nor touch.
CREATE TABLE ranges (
  epoch_row     INTEGER NOT NULL,
  first         INTEGER NOT NULL,
  last          INTEGER NOT NULL,
  previous_hash BLOB NOT NULL,
  last_hash     BLOB NOT NULL,
  PRIMARY KEY (epoch_row, first)
) WITHOUT ROWID;

-- The hashes of accepted records, 32 bytes each, one row for each run of a batch.
CREATE TABLE hash_runs (
  epoch_row INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  hashes    BLOB NOT NULL,
  PRIMARY KEY (epoch_row, first)
) WITHOUT ROWID;

CREATE TABLE parked (
  epoch_row     INTEGER NOT NULL,
  sequence      INTEGER NOT NULL,
  hash          BLOB NOT NULL,
  previous_hash BLOB NOT NULL,
  reason        INTEGER NOT NULL,  -- ParkReason of the contract
  event_id      BLOB,
  parked_at     INTEGER NOT NULL,
  PRIMARY KEY (epoch_row, sequence)
) WITHOUT ROWID;

-- Sequences closed without an event; neither overlap each other nor an accepted range.
CREATE TABLE tombstones (
  epoch_row     INTEGER NOT NULL,
  first         INTEGER NOT NULL,
  last          INTEGER NOT NULL,
  previous_hash BLOB,
  last_hash     BLOB,
  kind          INTEGER NOT NULL,  -- TombstoneKind of the contract
  cause         TEXT NOT NULL,
  PRIMARY KEY (epoch_row, first)
) WITHOUT ROWID;

-- Bytes that arrived for a closed sequence and are kept in `entries`.
CREATE TABLE reappeared (
  epoch_row INTEGER NOT NULL,
  sequence  INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  PRIMARY KEY (epoch_row, sequence, hash)
) WITHOUT ROWID;

-- First identities of events of which a later identity (a recapture) was accepted.
CREATE TABLE recaptured (
  epoch_row INTEGER NOT NULL,
  sequence  INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  PRIMARY KEY (epoch_row, sequence, hash)
) WITHOUT ROWID;
)sql"},
                                                             {2, R"sql(
-- Export files of which a part was taken in.
CREATE TABLE imports (
  import_row  INTEGER PRIMARY KEY,
  export_id   BLOB NOT NULL UNIQUE,
  exported_at INTEGER NOT NULL,
  imported_at INTEGER NOT NULL  -- when its first part came
);
-- The export file that brought it. A NULL takes no room, so that what comes on a stream is read as before.
ALTER TABLE entries ADD COLUMN import_row INTEGER;
ALTER TABLE epochs ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
)sql"},
                                                             {3, R"sql(
-- What oversight remembers of a terminal: a tillwire.v1.Terminal. Read whole at start, written in groups.
CREATE TABLE terminals (
  store_id    TEXT NOT NULL,
  terminal_id TEXT NOT NULL,
  record      BLOB NOT NULL,
  PRIMARY KEY (store_id, terminal_id)
) WITHOUT ROWID;
)sql"}}};

}  // namespace tillwire
