# SPDX-License-Identifier: MIT
"""Settlement batches as stored: rows, their encoding, the root over them, and each party's proof.

No money moves here; `ledger.book` books a batch.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple, Self

import cbor2

from . import merkle


class Row(NamedTuple):
    """One channel's part of a batch: `amount` is paid now, `cum` is settled with it (micro-units)."""

    channel: bytes
    payer: bytes
    payee: bytes
    amount: int
    cum: int
    seq: int

    def encode(self) -> bytes:
        """Deterministic CBOR array in the order of the fields; it is the leaf of the tree."""
        return cbor2.dumps(list(self), canonical=True)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Raises ValueError (cbor2's errors included) or TypeError for anything but an encoded row."""
        return cls(*cbor2.loads(body))


class Batch(NamedTuple):
    """A booked batch; numbers count from 1."""

    no: int
    root: bytes
    rows: tuple[Row, ...]
    entry_seq: int
    time_ms: int


class RowProof(NamedTuple):
    """What a party needs to check its row: leaf `position` of `rows` under `root`, with the audit path."""

    batch: int
    root: bytes
    rows: int
    position: int
    body: bytes
    path: tuple[bytes, ...]

    def holds(self) -> bool:
        return merkle.verify_proof(self.body, self.position, self.rows, self.path, self.root)


def batch_root(rows: Sequence[Row]) -> bytes:
    return merkle.root([row.encode() for row in rows])


def batch_ref(no: int, root: bytes) -> str:
    """The journal's ref of a batch; it puts the root under the hash chain."""
    return f"batch:{no}:{root.hex()}"


def next_number(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(no), 0) + 1 FROM batch").fetchone()[0])


def insert_batch(connection: sqlite3.Connection, batch: Batch) -> None:
    """Store the batch and its rows in the caller's transaction."""
    head = (batch.no, batch.root, len(batch.rows), batch.entry_seq, batch.time_ms)
    connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?)", head)
    for index, row in enumerate(batch.rows):
        stored = (batch.no, index, row.channel, row.encode())
        connection.execute("INSERT INTO batch_row VALUES (?, ?, ?, ?)", stored)


def proof_for(connection: sqlite3.Connection, batch_no: int, channel: bytes) -> RowProof | None:
    """The proof of a channel's row, None if the batch has none."""
    head = connection.execute("SELECT root, rows FROM batch WHERE no = ?", (batch_no,)).fetchone()
    rows = connection.execute(
        "SELECT channel, body FROM batch_row WHERE batch = ? ORDER BY idx", (batch_no,)
    ).fetchall()
    channels = [found for found, _ in rows]
    if head is None or channel not in channels:
        return None
    index = channels.index(channel)
    bodies = [body for _, body in rows]
    return RowProof(batch_no, head[0], head[1], index, bodies[index], merkle.proof(bodies, index))


def latest_proof(connection: sqlite3.Connection, channel: bytes) -> RowProof | None:
    """The proof for the newest batch that pays on the channel."""
    found = connection.execute("SELECT max(batch) FROM batch_row WHERE channel = ?", (channel,)).fetchone()
    return proof_for(connection, found[0], channel) if found[0] is not None else None
