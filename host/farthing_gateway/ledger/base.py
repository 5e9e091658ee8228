# SPDX-License-Identifier: MIT
"""The interface of every ledger, and the types that cross it.

It holds no money and no connection. A batch goes PREPARED -> BROADCAST -> INCLUDED -> FINAL and is booked
only at FINAL; a ledger with instant finality is there after `prepare`.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from ..batches import Batch, Row
from ..journal import Entry, Posting
from ..store.channels import Channel, ChannelTerms

PREPARED = "PREPARED"
BROADCAST = "BROADCAST"
INCLUDED = "INCLUDED"
FINAL = "FINAL"
UNKNOWN = "UNKNOWN"


class LedgerError(Exception):
    """A refused movement of money; nothing changed.

    Codes: unknown_channel, tombstoned, terms_differ, handle_taken, insufficient, bad_amount, bad_terms,
    closed, not_closing, window_open, unsettled, not_party, ref_reused, unbalanced, overdrawn, bad_posting.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Caps(NamedTuple):
    """What a ledger can do; `max_rows` bounds one batch."""

    name: str
    instant: bool
    max_rows: int


class Quote(NamedTuple):
    """Price of settling now: what the rows pay and what the ledger costs, both in micro-units."""

    value_micro: int
    cost_micro: int


class Prepared(NamedTuple):
    """A batch ready for the ledger; `payload` is what `broadcast` sends, empty where nothing is sent."""

    batch: Batch
    payload: bytes


class LedgerEvent(NamedTuple):
    """Something that happened on the ledger, in its own order; pass `cursor` to go on after it."""

    cursor: int
    kind: str
    ref: str
    postings: tuple[Posting, ...]


class Ledger(ABC):
    """Deposits, channels and settlement. Futures resolve when the movement is durable on this side.

    Amounts are positive micro-units; a `ref` makes a movement happen once: the same ref and content again
    gives the first result, other content is refused. Every refusal is a LedgerError.
    """

    @abstractmethod
    def caps(self) -> Caps:
        """Abilities and limits."""

    @abstractmethod
    def preflight(self) -> None:
        """Raise LedgerError or StoreError if a settlement could not succeed now."""

    @abstractmethod
    def quote(self, rows: Sequence[Row]) -> Quote:
        """Value and cost of a batch of these rows."""

    @abstractmethod
    def prepare(self, connection: sqlite3.Connection, rows: Sequence[Row], now_ms: int) -> Prepared | None:
        """Store a batch in the caller's transaction, less the rows the ledger refuses; None if none is left.

        A refused row leaves a `row_skipped` event and never hinders the others.
        """

    @abstractmethod
    def broadcast(self, prepared: Prepared) -> str:
        """Hand the batch to the ledger and return its status; does not wait for a network."""

    @abstractmethod
    def bump(self, prepared: Prepared) -> str:
        """Make a batch that is stuck more attractive; returns its status."""

    @abstractmethod
    def status(self, batch_no: int) -> str:
        """PREPARED, BROADCAST, INCLUDED, FINAL or UNKNOWN."""

    @abstractmethod
    def settled(self, channel: bytes) -> int:
        """Micro-units settled on a channel. Raises LedgerError(unknown_channel)."""

    @abstractmethod
    def events(self, cursor: int) -> list[LedgerEvent]:
        """What happened after `cursor` (0 for everything)."""

    @abstractmethod
    def deposit(self, device: bytes, amount: int, ref: str) -> Future[Entry]:
        """Credit a device from the outside world."""

    @abstractmethod
    def withdraw(self, device: bytes, amount: int, ref: str) -> Future[Entry]:
        """Pay a device's free balance out to the outside world."""

    @abstractmethod
    def open(self, terms: ChannelTerms) -> Future[Channel]:
        """Move `terms.cap` from the payer into the channel's escrow."""

    @abstractmethod
    def topup(self, channel: bytes, amount: int, ref: str) -> Future[Channel]:
        """Move more from the payer into the escrow and raise the cap."""

    @abstractmethod
    def start_close(self, channel: bytes, by: bytes) -> Future[Channel]:
        """Begin the closing window; asked for by the payee, who gives up the rest, there is none."""

    @abstractmethod
    def finish_close(self, channel: bytes) -> Future[Channel]:
        """Return the rest of the escrow to the payer after the window, and tombstone the channel."""
