// The outbox's tables. docs/outbox-format.md explains them.
#pragma once

#include <array>

#include "storage/migrations.h"

namespace tillwire {

inline constexpr std::array<Migration, 1> kOutboxMigrations = {{
    {1, R"sql(
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

      -- A run of positions: sequence = position - base, for 1 <= sequence <= retained. The newest epoch is open:
      -- its retained, issued and last_hash are NULL.
      CREATE TABLE epochs (
        ordinal INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL UNIQUE,
        base INTEGER NOT NULL,
        genesis BLOB NOT NULL,
        retained INTEGER,
        issued INTEGER,
        last_hash BLOB,
        backed_up INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        why TEXT NOT NULL);

      CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        event_id BLOB NOT NULL,
        lane TEXT NOT NULL,
        predecessor INTEGER,
        predecessor_hash BLOB,
        previous_hash BLOB NOT NULL,
        hash BLOB NOT NULL,
        captured_at INTEGER NOT NULL,
        total_bytes INTEGER NOT NULL,
        origin BLOB,
        event BLOB NOT NULL);
      CREATE UNIQUE INDEX events_by_id ON events (event_id);

      CREATE TABLE lanes (lane TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

      -- Positions that the centre has, as ranges.
      CREATE TABLE delivered (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);

      -- Positions that are neither pending nor delivered: 1 parked, 2 tombstoned at the centre.
      CREATE TABLE exceptions (
        position INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        at INTEGER NOT NULL);

      CREATE TABLE lost_ranges (
        id INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        last_hash BLOB,
        previous_hash BLOB,
        cause TEXT NOT NULL,
        detected_at INTEGER NOT NULL,
        announced INTEGER NOT NULL DEFAULT 0);

      CREATE TABLE idempotency (
        key BLOB PRIMARY KEY,
        content BLOB NOT NULL,
        event_id BLOB NOT NULL,
        position INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX idempotency_by_position ON idempotency (position);

      -- At this time by the centre's clock, that much was resolved and captured.
      CREATE TABLE anchors (
        server_time INTEGER PRIMARY KEY,
        resolved_through INTEGER NOT NULL,
        captured_through INTEGER NOT NULL);

      CREATE TABLE incidents (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL);
    )sql"},
}};

}  // namespace tillwire
