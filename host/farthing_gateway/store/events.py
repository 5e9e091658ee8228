# SPDX-License-Identifier: MIT
"""The audit trail: what was refused, skipped or noticed, by device and channel.

It is a record for people and metrics; no decision is ever taken from it.
"""

import sqlite3
from typing import NamedTuple


class Event(NamedTuple):
    """One line of the trail; `device` and `channel` are empty where they do not apply."""

    no: int
    time_ms: int
    device: bytes
    channel: bytes
    code: str
    detail: str


def record_event(
    connection: sqlite3.Connection,
    time_ms: int,
    code: str,
    device: bytes = b"",
    channel: bytes = b"",
    detail: str = "",
) -> int:
    """Append one event and return its number."""
    cursor = connection.execute(
        "INSERT INTO event(time_ms, device, channel, code, detail) VALUES (?, ?, ?, ?, ?)",
        (time_ms, device, channel, code, detail),
    )
    return int(cursor.lastrowid or 0)


def events_after(connection: sqlite3.Connection, cursor: int, limit: int = 1000) -> list[Event]:
    """Events with a number above `cursor`, oldest first."""
    rows = connection.execute("SELECT * FROM event WHERE no > ? ORDER BY no LIMIT ?", (cursor, limit))
    return [Event(*row) for row in rows]
