# SPDX-License-Identifier: MIT
"""The tables, as numbered migrations; creation is the first of them, so the mechanism runs from day one.

No row is written here but `schema` in meta. Times are ms since 1970, amounts integer micro-units.
"""

import sqlite3

APPLICATION_ID = 0x46525448  # "FRTH" in the file header: tells our files from other SQLite databases

_FIRST = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE device(
        id BLOB PRIMARY KEY CHECK (length(id) = 16),
        key BLOB NOT NULL CHECK (length(key) = 64),
        role TEXT NOT NULL,
        runtime TEXT NOT NULL,
        enrolled_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE channel(
        hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
        handle BLOB NOT NULL CHECK (length(handle) = 4),
        payer BLOB NOT NULL CHECK (length(payer) = 16),
        payee BLOB NOT NULL CHECK (length(payee) = 16 AND payee <> payer),
        payer_key BLOB NOT NULL CHECK (length(payer_key) = 64),
        payee_key BLOB NOT NULL CHECK (length(payee_key) = 64),
        unit TEXT NOT NULL,
        window_s INTEGER NOT NULL CHECK (window_s >= 0),
        epoch INTEGER NOT NULL,
        cap INTEGER NOT NULL CHECK (cap > 0),
        state TEXT NOT NULL CHECK (state IN ('OPEN', 'CLOSING', 'CLOSED')),
        cum INTEGER NOT NULL CHECK (cum BETWEEN 0 AND cap),
        seq INTEGER NOT NULL,
        settled INTEGER NOT NULL CHECK (settled BETWEEN 0 AND cum),
        voucher BLOB NOT NULL,
        voucher_cum INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        commitment_seq INTEGER NOT NULL,
        tick_index INTEGER NOT NULL,
        tick_word BLOB NOT NULL,
        opened_ms INTEGER NOT NULL,
        closing_deadline_ms INTEGER NOT NULL,
        closed_ms INTEGER NOT NULL,
        UNIQUE (payer, handle)
    ) STRICT, WITHOUT ROWID""",
    # What the settler asks for every few seconds is a few rows among many tombstones. No index names `cum`:
    # one on `cum > settled` cost every payment 2.5 us of its 9.
    "CREATE INDEX channel_live ON channel(hash) WHERE state <> 'CLOSED'",
    "CREATE INDEX channel_closing ON channel(closing_deadline_ms) WHERE state = 'CLOSING'",
    """CREATE TABLE entry(
        seq INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        ref TEXT NOT NULL UNIQUE,
        body BLOB NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE account(
        name TEXT PRIMARY KEY,
        balance INTEGER NOT NULL CHECK (balance >= 0 OR name = 'world')
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE batch(
        no INTEGER PRIMARY KEY,
        root BLOB NOT NULL,
        rows INTEGER NOT NULL,
        entry_seq INTEGER NOT NULL UNIQUE,
        time_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE batch_row(
        batch INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        channel BLOB NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (batch, idx)
    ) STRICT, WITHOUT ROWID""",
    "CREATE UNIQUE INDEX batch_row_channel ON batch_row(channel, batch)",
    """CREATE TABLE event(
        no INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ms INTEGER NOT NULL,
        device BLOB NOT NULL,
        channel BLOB NOT NULL,
        code TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE take(
        channel BLOB PRIMARY KEY,
        offer BLOB NOT NULL,
        good TEXT NOT NULL,
        price INTEGER NOT NULL,
        units INTEGER NOT NULL,
        time_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""MIGRATIONS[v] takes a file from schema v to v + 1. A released one is never edited."""

VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Schema version of an open file; 0 for an empty one."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone():
        return 0
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return int(row[0]) if row else 0


def migrate(connection: sqlite3.Connection, have: int) -> None:
    """Apply what is missing after version `have`, inside the caller's transaction."""
    for statements in MIGRATIONS[have:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (VERSION,))


def definitions(connection: sqlite3.Connection) -> dict[str, str | None]:
    """Name and SQL of every table and index, to compare a file with what it should be."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'")
    return dict(rows)


def expected_definitions() -> dict[str, str | None]:
    """The same of a file just made."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, 0)
    found = definitions(connection)
    connection.close()
    return found
