# SPDX-License-Identifier: MIT
"""The settler: puts what was accepted and not yet paid into batches, then finishes the closes that are due.

All of it is one operation of the store, so a crash leaves it done or not begun. It has no timer: the caller
decides when to run.
"""

import sqlite3
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from .batches import Batch, Row, RowProof, latest_proof, proof_for
from .ledger.base import Ledger, Prepared
from .ledger.book import finish_close
from .store import Channel, Store, wall_clock_ms
from .store.store import Clock

__all__ = [
    "Batch",
    "Row",
    "RowProof",
    "Settlement",
    "Settler",
    "collect",
    "latest_proof",
    "proof_for",
    "settle_all",
]


class Settlement(NamedTuple):
    """What one run did; empty tuples when there was nothing to do."""

    prepared: tuple[Prepared, ...]
    closed: tuple[Channel, ...]

    @property
    def batches(self) -> tuple[Batch, ...]:
        return tuple(each.batch for each in self.prepared)


class Settler:
    """Settles a store's channels on a ledger."""

    def __init__(self, store: Store, ledger: Ledger, clock: Clock = wall_clock_ms) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock

    def run(self) -> Future[Settlement]:
        """Settle everything that is due; resolves after the commit, with the batches handed to the ledger."""
        future = self._store.future(partial(settle_all, ledger=self._ledger, now_ms=self._clock()))
        future.add_done_callback(self._broadcast)
        return future

    def _broadcast(self, future: Future[Settlement]) -> None:
        if future.exception() is None:
            for prepared in future.result().prepared:
                self._ledger.broadcast(prepared)


def settle_all(connection: sqlite3.Connection, ledger: Ledger, now_ms: int) -> Settlement:
    """Batches over every unpaid channel, each within the ledger's row limit, then the closes that are due."""
    most = ledger.caps().max_rows
    prepared: list[Prepared] = []
    after = b""
    while rows := collect(connection, after, most):
        batch = ledger.prepare(connection, rows, now_ms)
        if batch is not None:
            prepared.append(batch)
        after = rows[-1].channel
    return Settlement(tuple(prepared), _finish_due(connection, now_ms))


def collect(connection: sqlite3.Connection, after: bytes, limit: int) -> list[Row]:
    """Rows for channels with more accepted than settled, by hash from above `after`."""
    found = connection.execute(
        "SELECT hash, payer, payee, cum - settled, cum, seq FROM channel INDEXED BY channel_live "
        "WHERE cum > settled AND state <> 'CLOSED' AND hash > ? ORDER BY hash LIMIT ?",
        (after, limit),
    )
    return [Row(*row) for row in found]


def _finish_due(connection: sqlite3.Connection, now_ms: int) -> tuple[Channel, ...]:
    due = connection.execute(
        "SELECT hash FROM channel WHERE state = 'CLOSING' AND closing_deadline_ms <= ? AND cum = settled",
        (now_ms,),
    ).fetchall()
    return tuple(finish_close(connection, now_ms, channel) for (channel,) in due)
