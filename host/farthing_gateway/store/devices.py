# SPDX-License-Identifier: MIT
"""Enrolled devices: id, public key, role and the runtime string they reported.

The key is not checked against the id here: whoever verified the hello has done it.
"""

import sqlite3
from typing import NamedTuple


class Device(NamedTuple):
    """A device row; id 16 bytes, key 64 bytes (x || y), times in ms since 1970."""

    id: bytes
    key: bytes
    role: str
    runtime: str
    enrolled_ms: int
    seen_ms: int


_UPSERT = """INSERT INTO device VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET role = excluded.role, runtime = excluded.runtime,
    seen_ms = max(seen_ms, excluded.seen_ms)
WHERE key = excluded.key"""


def enroll(connection: sqlite3.Connection, device: Device) -> bool:
    """Add the device, or refresh role, runtime and time; False if its id is known with another key."""
    return connection.execute(_UPSERT, device).rowcount == 1


def find_device(connection: sqlite3.Connection, device: bytes) -> Device | None:
    row = connection.execute("SELECT * FROM device WHERE id = ?", (device,)).fetchone()
    return Device(*row) if row else None


def list_devices(connection: sqlite3.Connection) -> list[Device]:
    """Every device, in the order of enrolment."""
    return [Device(*row) for row in connection.execute("SELECT * FROM device ORDER BY enrolled_ms, id")]
