# SPDX-License-Identifier: MIT
"""From what one look at the bus found to one Round: each message to its room, refusals to the audit trail.

Nothing is stored or answered here, and whatever one message does, the others go on (P12).
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial

from farthing.faults import BAD_SIGNATURE, BAD_TOPIC, EQUIVOCATION, WRONG_NET, Fault
from farthing.messages import check_size

from . import hints
from .bus import Inbound
from .decode import Message, decode
from .limiter import Limiter
from .payments import Payments
from .rounds import Round
from .stats import Stats
from .store import record_event

_log = logging.getLogger(__name__)

RECORDED = frozenset({BAD_SIGNATURE, EQUIVOCATION})  # worth an event in the audit trail
NOTICE_BURST = 8
NOTICE_RATE = 1.0
STRANGER_RATE = 1 / 60  # another network on the same broker is no fault, but a board with a wrong `net` is

Handler = Callable[[Message, Round], None]


class Intake:
    """`own` is the gateway's id: nobody else may speak under it, and it has nothing to tell itself."""

    def __init__(
        self,
        net: str,
        own: bytes,
        most: int,
        payments: Payments,
        handlers: Mapping[str, Handler],
        stats: Stats,
        clock: Callable[[], int],
    ) -> None:
        self._net = net
        self._own = own
        self._most = most
        self._payments = payments
        self._handlers = {**handlers, "pay": payments.read}
        self._stats = stats
        self._clock = clock
        self._limiter = Limiter(NOTICE_BURST, NOTICE_RATE)
        self._strangers = Limiter(1, STRANGER_RATE)

    def round_of(self, inbox: list[Inbound]) -> Round:
        """Take in everything, payments first: a close in the same round is compared with what they say."""
        round_ = Round(inbound.token for inbound in inbox)
        later: list[Message] = []
        for inbound in inbox:
            self._attempt(round_, b"", self._sort, inbound, later, round_)
        for session, items in self._payments.sorted().items():
            self._attempt(round_, session.payer, self._payments.take_in, session, items, round_)
        for message in later:
            self._attempt(round_, message.sender, self._handlers[message.kind], message, round_)
        self._tell_refusals(round_)
        return round_

    def _sort(self, inbound: Inbound, later: list[Message], round_: Round) -> None:
        message = decode(self._net, inbound)
        if message.sender != self._own:
            self._attempt(round_, message.sender, self._admit, message, later, round_)

    def _admit(self, message: Message, later: list[Message], round_: Round) -> None:
        check_size(message.payload, self._most)
        if message.kind not in self._handlers:
            raise Fault(BAD_TOPIC)
        self._stats.read(message.kind, len(message.payload))
        if message.kind == "pay":
            self._payments.read(message, round_)
        else:
            later.append(message)

    def _attempt(self, round_: Round, sender: bytes, work: Callable[..., None], *args: object) -> None:
        try:
            work(*args)
        except Fault as fault:
            round_.refuse(sender, fault.code)
        except Exception:  # noqa: BLE001 - the supervisor: a defect must not stop the others; it logs and counts
            self._stats.defects += 1
            _log.exception("a message was dropped because of a defect sender=%s", sender.hex())

    def _tell_refusals(self, round_: Round) -> None:
        """Count them all; of a flood only a few are told to the sender, logged, and put into the trail."""
        told = []
        now_s = time.monotonic()
        for refusal in round_.refusals:
            self._stats.refuse(refusal.code)
            limiter = self._strangers if refusal.code == WRONG_NET else self._limiter
            if limiter.allow((refusal.sender, refusal.code), now_s):
                told.append(refusal)
                _log.info("refused device=%s %s", refusal.sender.hex(), hints.explain(refusal.code))
                if refusal.code in RECORDED:
                    channel = refusal.session.hash if refusal.session is not None else b""
                    event = (self._clock(), hints.name(refusal.code), refusal.sender, channel)
                    round_.record(partial(_record, event))
        round_.refusals = told


def _record(event: tuple[int, str, bytes, bytes], connection: sqlite3.Connection) -> None:
    record_event(connection, *event)
