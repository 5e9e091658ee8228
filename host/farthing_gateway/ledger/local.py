# SPDX-License-Identifier: MIT
"""LocalLedger: the embedded ledger, on the gateway's own store, with instant finality.

Each movement is one operation of the store, durable when its future resolves. The rules are in `book`.
"""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from .. import journal
from ..batches import Row
from ..journal import Entry
from ..store import Channel, ChannelTerms, Store, find_channel, wall_clock_ms
from ..store.store import Clock
from . import book
from .base import FINAL, UNKNOWN, Caps, Ledger, LedgerError, LedgerEvent, Prepared, Quote

T = TypeVar("T")

MAX_ROWS = 500
_EVENTS = 1000


class LocalLedger(Ledger):
    """A ledger whose money is entries of the journal in `store`; `clock` gives ms since 1970."""

    def __init__(self, store: Store, clock: Clock = wall_clock_ms) -> None:
        self._store = store
        self._clock = clock

    def caps(self) -> Caps:
        return Caps(name="local", instant=True, max_rows=MAX_ROWS)

    def preflight(self) -> None:
        self._store.read(journal.head)

    def quote(self, rows: Sequence[Row]) -> Quote:
        return Quote(value_micro=sum(row.amount for row in rows), cost_micro=0)

    def prepare(self, connection: sqlite3.Connection, rows: Sequence[Row], now_ms: int) -> Prepared | None:
        batch = book.settle_rows(connection, now_ms, rows)
        return Prepared(batch, b"") if batch is not None else None

    def broadcast(self, prepared: Prepared) -> str:
        return self.status(prepared.batch.no)

    def bump(self, prepared: Prepared) -> str:
        return self.status(prepared.batch.no)

    def status(self, batch_no: int) -> str:
        query = "SELECT 1 FROM batch WHERE no = ?"
        found = self._store.read(lambda connection: connection.execute(query, (batch_no,)).fetchone())
        return FINAL if found else UNKNOWN

    def settled(self, channel: bytes) -> int:
        found = self._store.read(partial(find_channel, channel=channel))
        if found is None:
            raise LedgerError("unknown_channel", f"channel {channel.hex()} was never opened here")
        return found.settled

    def events(self, cursor: int) -> list[LedgerEvent]:
        query = "SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        rows = self._store.read(lambda connection: connection.execute(query, (cursor, _EVENTS)).fetchall())
        found = [Entry(*row) for row in rows]
        return [LedgerEvent(entry.seq, entry.kind, entry.ref, entry.postings) for entry in found]

    def deposit(self, device: bytes, amount: int, ref: str) -> Future[Entry]:
        return self._movement(book.deposit, device=device, amount=amount, ref=ref)

    def withdraw(self, device: bytes, amount: int, ref: str) -> Future[Entry]:
        return self._movement(book.withdraw, device=device, amount=amount, ref=ref)

    def open(self, terms: ChannelTerms) -> Future[Channel]:
        return self._movement(book.open_channel, terms=terms)

    def topup(self, channel: bytes, amount: int, ref: str) -> Future[Channel]:
        return self._movement(book.topup, channel=channel, amount=amount, ref=ref)

    def start_close(self, channel: bytes, by: bytes) -> Future[Channel]:
        return self._movement(book.start_close, channel=channel, by=by)

    def finish_close(self, channel: bytes) -> Future[Channel]:
        return self._movement(book.finish_close, channel=channel)

    def _movement(self, move: Callable[..., T], **arguments: Any) -> Future[T]:
        return self._store.future(partial(move, now_ms=self._clock(), **arguments))
