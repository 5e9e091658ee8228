# SPDX-License-Identifier: MIT
"""Payments: vouchers, commitments and ticks, verified in order of cost and taken into their sessions.

Nothing is acknowledged here: the round says what is owed once all is durable.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from farthing import topics
from farthing.channel import split_payments
from farthing.cose import parse
from farthing.faults import BAD_SIGNATURE, BAD_TOPIC, STALE, UNKNOWN_CHANNEL, Fault
from farthing.limits import HANDLE, SKIP_CAP, VOUCHER
from farthing.messages import Commitment, Tick

from . import keys
from .decode import Message
from .rounds import Round
from .sessions import Session, Sessions
from .stats import Stats


class Item(NamedTuple):
    """One payment: a Tick, or the bytes of a signed update. A payee may send evidence it holds."""

    sender: bytes
    update: Tick | bytes


class Payments:
    """Sorts the payments of a round by channel, then takes in each channel's."""

    def __init__(self, sessions: Sessions, stats: Stats) -> None:
        self._sessions = sessions
        self._stats = stats
        self._waiting: dict[Session, list[Item]] = {}

    def read(self, message: Message, round_: Round) -> None:
        """Sort one `pay` message. Raises Fault for one that cannot be parsed, as a whole."""
        for update in split_payments(message.payload):
            handle = update.handle if isinstance(update, Tick) else parse(update)[0][:HANDLE]
            try:
                self._sort(Item(message.sender, update), message.to, handle, round_)
            except Fault as fault:
                round_.refuse(message.sender, fault.code)

    def _sort(self, item: Item, to: str, handle: bytes, round_: Round) -> None:
        found = self._sessions.find(item.sender, handle)
        if not found:
            raise Fault(UNKNOWN_CHANNEL)
        if to != topics.GATEWAY and all(to != session.payee_id.hex() for session in found):
            raise Fault(BAD_TOPIC)
        if len(found) == 1:
            self._waiting.setdefault(found[0], []).append(item)
        else:
            self._try_each(found, item, round_)

    def _try_each(self, found: Iterable[Session], item: Item, round_: Round) -> None:
        """Under a handle that several channels of one party share (4 bytes collide): whichever it fits."""
        refused = Fault(UNKNOWN_CHANNEL)
        for session in found:
            try:
                self._take(session, item.update, round_)
            except Fault as fault:
                refused = fault
            else:
                return
        raise refused

    def sorted(self) -> dict[Session, list[Item]]:
        """What `read` has sorted since the last call, to be given to `take_in` channel by channel."""
        waiting, self._waiting = self._waiting, {}
        return waiting

    def take_in(self, session: Session, items: list[Item], round_: Round) -> None:
        """Take in the payments of one channel, in runs of one kind.

        A run ends where another kind begins, because a new chain cannot prove the ticks of the one before it.
        """
        for _, run in groupby(items, _kind):
            self._take_run(session, list(run), round_)

    def _take_run(self, session: Session, run: list[Item], round_: Round) -> None:
        """Payments of one kind in a row, newest first: what it covers costs no second verification."""
        covered = False
        for item in _order(session, run):
            try:
                covered = self._take(session, item.update, round_) or covered
            except Fault as fault:
                if not (covered and fault.code == STALE):
                    round_.refuse(item.sender, fault.code, session)

    def _take(self, session: Session, update: Tick | bytes, round_: Round) -> bool:
        """Take in one payment; True if it changed the session. Raises Fault.

        One that does not advance changes nothing and is answered with the standing receipt or ack.
        """
        is_tick = isinstance(update, Tick)
        owe = round_.owe_ack if is_tick else round_.owe_receipt
        try:
            advanced = self._tick(session, update) if is_tick else self._signed(session, update)
        except Fault as fault:
            if fault.code == STALE:
                owe(session)
            raise
        owe(session)
        if advanced:
            round_.advance(session)
        return advanced

    def _tick(self, session: Session, tick: Tick) -> bool:
        before = session.payee.index
        session.payee.tick(tick.index, tick.word)
        units = session.payee.index - before
        self._stats.accepted["ticks"] += units
        self._stats.saw("tick", tick_size(tick.index))
        return units > 0

    def _signed(self, session: Session, data: bytes) -> bool:
        """A voucher or commitment; False for the very bytes that were verified before."""
        pending = session.payee.check(data)
        if pending is None:
            return False
        if not keys.verify(session.terms.payer, pending.digest, pending.signature):
            raise Fault(BAD_SIGNATURE)
        session.payee.apply(pending)
        kind = "commitment" if isinstance(pending.update, Commitment) else "voucher"
        self._stats.accepted[kind + "s"] += 1
        self._stats.saw(kind, len(data))
        return True


def _kind(item: Item) -> str:
    if isinstance(item.update, Tick):
        return "tick"
    return "voucher" if len(item.update) <= VOUCHER else "commitment"


def _order(session: Session, run: list[Item]) -> Sequence[Item]:
    """Newest first, but for ticks whose newest is too far ahead to be verified in one go."""
    newest = run[-1].update
    if isinstance(newest, Tick) and newest.index - session.payee.index > SKIP_CAP:
        return run
    return run[::-1]


def tick_size(index: int) -> int:
    """Bytes of a tick on the wire, which its deterministic encoding fixes."""
    return 41 + (index > 23) + (index > 0xFF) + 2 * (index > 0xFFFF)
