# SPDX-License-Identifier: MIT
"""The newest acceptance of each channel: which good its payments are for, at what price.

It is for the statement that people read; no payment depends on it.
"""

import sqlite3
from typing import NamedTuple


class Take(NamedTuple):
    """A row; `good` is empty where the offer was never seen here, `price` is micro-units a unit."""

    channel: bytes
    offer: bytes
    good: str
    price: int
    units: int
    time_ms: int


def save_take(connection: sqlite3.Connection, take: Take) -> None:
    """Store it, in place of an earlier one of the same channel."""
    connection.execute("INSERT OR REPLACE INTO take VALUES (?, ?, ?, ?, ?, ?)", take)


def find_take(connection: sqlite3.Connection, channel: bytes) -> Take | None:
    row = connection.execute("SELECT * FROM take WHERE channel = ?", (channel,)).fetchone()
    return Take(*row) if row else None
