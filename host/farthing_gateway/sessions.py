# SPDX-License-Identifier: MIT
"""The channels in memory: what was accepted, ahead of the disk, and what is durable: all we ever say.

No signature is verified and nothing is written; a session can be thrown away and made again from its row.
"""

import sqlite3
from collections import OrderedDict
from typing import NamedTuple

from farthing import messages
from farthing.channel import Payee
from farthing.messages import Ack, Opened, Receipt

from .store import CLOSED, CLOSING, OPEN, Channel, ChannelUpdate, Store, StoreError

KEPT_CLOSED = 1000
STATES = {OPEN: messages.OPEN, CLOSING: messages.CLOSING, CLOSED: messages.CLOSED}


class Standing(NamedTuple):
    """The durable state of a channel: exactly what a receipt says, and the payer's own best messages."""

    cum: int
    seq: int
    tick_index: int
    settled: int
    batch: int
    root: bytes
    state: str
    echo: bytes


class Session:
    """One channel. `payee` is ahead of `standing` while a commit is under way."""

    def __init__(self, row: Channel, ledger: str, instance: bytes, batch: tuple[int, bytes]) -> None:
        terms = Opened(
            ledger, instance, row.payer_key, row.payee_key, row.unit, row.window_s, row.epoch, row.cap
        )
        self.terms = terms
        self.payer = row.payer
        self.payee_id = row.payee
        self.payee = Payee(terms, row.cap)
        self.payee.restore(row.voucher, row.commitment, row.tick_index, row.tick_word)
        self.payee.closed = row.state == CLOSED
        self.standing = Standing(
            row.cum, row.seq, self.payee.index, row.settled, *batch, row.state, self.payee.echo()
        )

    @property
    def hash(self) -> bytes:
        return self.payee.hash

    @property
    def handle(self) -> bytes:
        return self.payee.handle

    def key_of(self, device: bytes) -> bytes:
        """The public key of the payer or the payee."""
        return self.terms.payer if device == self.payer else self.terms.payee

    def update(self) -> ChannelUpdate:
        """What has to be durable before anything of it may be acknowledged."""
        payee = self.payee
        commitment = payee.commitment
        return ChannelUpdate(
            payee.hash,
            payee.cum,
            payee.seq,
            payee.voucher,
            payee.last_voucher.cum if payee.last_voucher else 0,
            payee.commitment_data,
            commitment.seq if commitment else 0,
            payee.index,
            payee.word if payee.index else b"",
        )

    def ahead(self) -> Standing:
        """The standing as it will be once `update` is durable."""
        payee = self.payee
        return self.standing._replace(cum=payee.cum, seq=payee.seq, tick_index=payee.index, echo=payee.echo())

    def stored(self, ahead: Standing) -> None:
        """A commit with `ahead` succeeded; settlement and state may have moved on since it was taken."""
        self.standing = self.standing._replace(
            cum=ahead.cum, seq=ahead.seq, tick_index=ahead.tick_index, echo=ahead.echo
        )

    def receipt(self) -> Receipt:
        at = self.standing
        return Receipt(
            self.handle, at.cum, at.seq, at.tick_index, at.settled, at.batch, at.root, STATES[at.state]
        )

    def ack(self) -> Ack:
        return Ack(self.handle, self.standing.cum, self.standing.seq, self.standing.tick_index)


class Sessions:
    """Every open and closing channel, and the ones closed last, by hash and by party and handle."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_hash: dict[bytes, Session] = {}
        self._by_party: dict[tuple[bytes, bytes], list[Session]] = {}
        self._closed: OrderedDict[bytes, None] = OrderedDict()

    def load(self) -> None:
        """Forget everything and read it from the store. Raises StoreError."""
        self._by_hash.clear()
        self._by_party.clear()
        self._closed.clear()
        for row, batch in self._store.read(_rows):
            self.add(row, batch)

    def add(self, row: Channel, batch: tuple[int, bytes] = (0, b"")) -> Session:
        """The session of a row, made if it is not there. Raises StoreError for a row with another hash."""
        session = self._by_hash.get(row.hash)
        if session is None:
            session = Session(row, self._store.ledger_id, self._store.instance, batch)
            if session.hash != row.hash:
                raise StoreError(f"the terms of channel {row.hash.hex()} were changed: restore a backup")
            self._by_hash[row.hash] = session
            for party in (session.payer, session.payee_id):
                self._by_party.setdefault((party, session.handle), []).append(session)
            if row.state == CLOSED:
                self._closed[row.hash] = None
        return session

    def get(self, channel: bytes) -> Session | None:
        return self._by_hash.get(channel)

    def find(self, party: bytes, handle: bytes) -> list[Session]:
        """The channels of a party under a handle: one, but for 4-byte collisions between a payee's payers."""
        return self._by_party.get((party, handle), [])

    def close(self, session: Session) -> Session | None:
        """Mark it closed; returns the one that is forgotten for it, if any."""
        session.payee.closed = True
        session.standing = session.standing._replace(state=CLOSED)
        self._closed[session.hash] = None
        if len(self._closed) <= KEPT_CLOSED:
            return None
        return self._forget(self._closed.popitem(last=False)[0])

    def _forget(self, channel: bytes) -> Session:
        session = self._by_hash.pop(channel)
        for party in (session.payer, session.payee_id):
            others = [each for each in self.find(party, session.handle) if each is not session]
            if others:
                self._by_party[(party, session.handle)] = others
            else:
                del self._by_party[(party, session.handle)]
        return session

    def __len__(self) -> int:
        return len(self._by_hash) - len(self._closed)


_WITH_LAST_BATCH = """SELECT c.*, ifnull(b.no, 0), ifnull(b.root, x'') FROM channel c
LEFT JOIN batch b ON b.no = (SELECT max(batch) FROM batch_row WHERE channel = c.hash)"""
_LIVE = f"{_WITH_LAST_BATCH} WHERE c.state <> 'CLOSED'"
_LAST_CLOSED = f"{_WITH_LAST_BATCH} WHERE c.state = 'CLOSED' ORDER BY c.closed_ms DESC, c.hash LIMIT ?"


def _rows(connection: sqlite3.Connection) -> list[tuple[Channel, tuple[int, bytes]]]:
    """Rows to hold in memory, the longest closed first, each with its last batch and that batch's root."""
    closed = connection.execute(_LAST_CLOSED, (KEPT_CLOSED,)).fetchall()
    found = [*reversed(closed), *connection.execute(_LIVE)]
    return [(Channel(*row[:-2]), (row[-2], row[-1])) for row in found]
