# SPDX-License-Identifier: MIT
"""Channel rows: reading them, and the hot-path update that merges accepted payments by maximum.

Opening, settling and closing move money and are in `farthing_gateway.ledger`; no signature is checked here.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

OPEN = "OPEN"
CLOSING = "CLOSING"
CLOSED = "CLOSED"


class ChannelTerms(NamedTuple):
    """What both parties agreed on; `cap` is the escrowed deposit in micro-units, keys are x || y."""

    hash: bytes
    handle: bytes
    payer: bytes
    payee: bytes
    payer_key: bytes
    payee_key: bytes
    unit: str
    window_s: int
    epoch: int
    cap: int


class Channel(NamedTuple):
    """One row; empty bytes and 0 where there is nothing yet. A CLOSED row stays for ever, as a tombstone."""

    hash: bytes
    handle: bytes
    payer: bytes
    payee: bytes
    payer_key: bytes
    payee_key: bytes
    unit: str
    window_s: int
    epoch: int
    cap: int
    state: str
    cum: int
    seq: int
    settled: int
    voucher: bytes
    voucher_cum: int
    commitment: bytes
    commitment_seq: int
    tick_index: int
    tick_word: bytes
    opened_ms: int
    closing_deadline_ms: int
    closed_ms: int


class ChannelUpdate(NamedTuple):
    """Payments accepted on one channel: its new `cum` (micro-units) and what proves it.

    `commitment_seq` orders the hash chains of a channel; a tick is stored with the commitment it belongs to.
    """

    hash: bytes
    cum: int
    seq: int
    voucher: bytes = b""
    voucher_cum: int = 0
    commitment: bytes = b""
    commitment_seq: int = 0
    tick_index: int = 0
    tick_word: bytes = b""


# The right-hand sides all see the row as it was, so one statement compares and replaces each part.
_UPDATE = """UPDATE channel SET
    cum = max(cum, ?2),
    seq = max(seq, ?3),
    voucher = iif(?5 > voucher_cum, ?4, voucher),
    voucher_cum = max(voucher_cum, ?5),
    commitment = iif((?7, ?8) > (commitment_seq, tick_index), ?6, commitment),
    commitment_seq = max(commitment_seq, ?7),
    tick_word = iif((?7, ?8) > (commitment_seq, tick_index), ?9, tick_word),
    tick_index = iif((?7, ?8) > (commitment_seq, tick_index), ?8, tick_index)
WHERE hash = ?1 AND state <> 'CLOSED' AND ?2 <= cap"""


def save_updates(connection: sqlite3.Connection, updates: Iterable[ChannelUpdate]) -> tuple[bytes, ...]:
    """Store what was accepted, each part by maximum, so that the order of calls does not matter.

    Returns the hashes that were refused (unknown, CLOSED, or above the cap): those must not be acknowledged.
    """
    execute = connection.execute
    return tuple(update.hash for update in updates if execute(_UPDATE, update).rowcount != 1)


def find_channel(connection: sqlite3.Connection, channel: bytes) -> Channel | None:
    """The row of a channel hash, tombstones included."""
    row = connection.execute("SELECT * FROM channel WHERE hash = ?", (channel,)).fetchone()
    return Channel(*row) if row else None


def find_by_handle(connection: sqlite3.Connection, payer: bytes, handle: bytes) -> Channel | None:
    """The row of a payer's 4-byte handle, tombstones included."""
    row = connection.execute(
        "SELECT * FROM channel WHERE payer = ? AND handle = ?", (payer, handle)
    ).fetchone()
    return Channel(*row) if row else None


def list_channels(connection: sqlite3.Connection, states: tuple[str, ...] = (OPEN, CLOSING)) -> list[Channel]:
    """Channels in any of `states`, ordered by hash."""
    marks = ", ".join("?" * len(states))
    rows = connection.execute(f"SELECT * FROM channel WHERE state IN ({marks}) ORDER BY hash", states)
    return [Channel(*row) for row in rows]
