# SPDX-License-Identifier: MIT
"""Opens channels against a confirmed deposit and begins their close.

The money itself is moved by `ledger.book`; payments and settlement are other rooms.
"""

import logging
from collections.abc import Callable
from functools import partial

from farthing import faults
from farthing.cose import key_id
from farthing.faults import (
    BAD_FIELD,
    STALE,
    UNKNOWN_CHANNEL,
    UNKNOWN_DEVICE,
    WRONG_LEDGER,
    WRONG_SENDER,
    Fault,
)
from farthing.limits import HANDLE
from farthing.messages import Close, Open, channel_hash

from .config import Config
from .decode import Message
from .devices import Devices
from .ledger import LedgerError, book
from .rounds import Round
from .sessions import Session, Sessions
from .store import Channel, ChannelTerms, Store
from .verify import Signed, require_signature, unwrap

_log = logging.getLogger(__name__)

_CODES = {
    "tombstoned": faults.TOMBSTONE,
    "insufficient": faults.NO_DEPOSIT,
    "overdrawn": faults.NO_DEPOSIT,
    "handle_taken": faults.HANDLE_TAKEN,
    "terms_differ": faults.WRONG_LEDGER,
    "bad_terms": faults.BAD_FIELD,
    "bad_amount": faults.BAD_FIELD,
}


class Openings:
    """The rules for `open` and `close`; both are idempotent and answered alike each time."""

    def __init__(
        self, config: Config, store: Store, devices: Devices, sessions: Sessions, clock: Callable[[], int]
    ) -> None:
        self._config = config
        self._store = store
        self._devices = devices
        self._sessions = sessions
        self._clock = clock

    def open(self, message: Message, round_: Round) -> None:
        """Raises Fault with WRONG_SENDER, WRONG_LEDGER, UNKNOWN_DEVICE, BAD_FIELD or BAD_SIGNATURE."""
        signed = unwrap(Open, message.payload)
        terms: Open = signed.message
        if key_id(terms.payer) != message.sender:
            raise Fault(WRONG_SENDER)
        self._check(terms)
        channel = channel_hash(terms)
        require_signature(signed, terms.payer, self._store.ledger_id, channel)
        wanted = ChannelTerms(
            channel,
            channel[:HANDLE],
            message.sender,
            key_id(terms.payee),
            terms.payer,
            terms.payee,
            terms.unit,
            terms.window_s,
            terms.epoch,
            terms.amount,
        )
        operation = partial(book.open_channel, now_ms=self._clock(), terms=wanted)
        round_.step(operation, partial(self._opened, wanted, round_))

    def _check(self, terms: Open) -> None:
        ours = (self._store.ledger_id, self._store.instance, self._config.unit)
        if (terms.ledger, terms.instance, terms.unit) != ours or terms.window_s < self._config.window_s:
            raise Fault(WRONG_LEDGER)
        if terms.payer == terms.payee or not terms.amount:
            raise Fault(BAD_FIELD)
        for key in (terms.payer, terms.payee):
            if not self._devices.knows(key_id(key)):
                raise Fault(UNKNOWN_DEVICE)

    def _opened(
        self, wanted: ChannelTerms, round_: Round, row: Channel | None, error: BaseException | None
    ) -> None:
        if row is None:
            self._refused(wanted.payer, round_, error)
            return
        session = self._sessions.add(row)
        round_.owe_opened(session)
        round_.owe_receipt(session, qos=1)
        _log.info("opened channel=%s payer=%s payee=%s", row.hash.hex(), row.payer.hex(), row.payee.hex())

    def _refused(self, device: bytes, round_: Round, error: BaseException | None) -> None:
        if not isinstance(error, LedgerError):
            raise error or AssertionError("neither a row nor an error")
        _log.info("refused device=%s reason=%s", device.hex(), error.sentence)
        round_.refuse(device, _CODES.get(error.code, BAD_FIELD))

    def close(self, message: Message, round_: Round) -> None:
        """Raises Fault with UNKNOWN_CHANNEL or BAD_SIGNATURE; a payee that knows more than we gets STALE."""
        signed = unwrap(Close, message.payload)
        session = self._closed_by(message.sender, signed)
        if session.payee.closed:
            round_.owe_receipt(session, qos=1)
            return
        if message.sender == session.payee_id and signed.message.cum > session.payee.cum:
            round_.owe_receipt(session)
            round_.refuse(message.sender, STALE, session)
            return
        operation = partial(
            book.start_close, now_ms=self._clock(), channel=session.hash, by=message.sender
        )
        round_.step(operation, partial(self._closing, session, round_))

    def _closed_by(self, sender: bytes, signed: Signed) -> Session:
        """The channel that the signature is for."""
        refused = Fault(UNKNOWN_CHANNEL)
        for session in self._sessions.find(sender, signed.message.handle):
            try:
                require_signature(signed, session.key_of(sender), self._store.ledger_id, session.hash)
            except Fault as fault:
                refused = fault
            else:
                return session
        raise refused

    def _closing(
        self, session: Session, round_: Round, row: Channel | None, error: BaseException | None
    ) -> None:
        if row is None:
            self._refused(session.payer, round_, error)
            return
        session.standing = session.standing._replace(state=row.state)
        round_.owe_receipt(session, qos=1)
        if row.closing_deadline_ms <= self._clock():
            round_.settle_soon = True
        _log.info("closing channel=%s deadline_ms=%d", row.hash.hex(), row.closing_deadline_ms)
