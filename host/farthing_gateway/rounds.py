# SPDX-License-Identifier: MIT
"""One round: everything that one look at the bus brings about, made durable together, answered afterwards.

It decides nothing. The rooms put their work into a Round; Rounds hands it to the store's writer thread and
brings the outcome back to the gateway's own thread.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from .bus import Token
from .sessions import Session, Standing
from .store import ChannelUpdate, Store, StoreError, save_updates

Record = Callable[[sqlite3.Connection], object]
Then = Callable[[Any, BaseException | None], None]



class Refusal(NamedTuple):
    """A refused message: who sent it, the fault's code, and the channel where one was recognised."""

    sender: bytes
    code: int
    session: Session | None


class Round:
    """What one drained batch of messages leads to."""

    def __init__(self, tokens: Iterable[Token | None] = ()) -> None:
        self.tokens = list(tokens)
        self.advanced: dict[Session, None] = {}  # dicts in place of sets: they keep the order
        self.opened: dict[Session, None] = {}
        self.receipts: dict[Session, int] = {}  # with the QoS
        self.acks: dict[Session, None] = {}
        self.settle_soon = False
        self.records: list[Record] = []
        self.steps: list[tuple[Record, Then]] = []
        self.refusals: list[Refusal] = []
        self.ahead: dict[Session, Standing] = {}
        self.failed = False

    def advance(self, session: Session) -> None:
        """The session accepted something that has to be stored."""
        self.advanced[session] = None
        self.acks[session] = None

    def owe_opened(self, session: Session) -> None:
        self.opened[session] = None

    def owe_receipt(self, session: Session, *, qos: int = 0) -> None:
        """QoS 1 for a change of state; a payment's receipt comes again with the next payment."""
        self.receipts[session] = max(qos, self.receipts.get(session, 0))

    def owe_ack(self, session: Session) -> None:
        self.acks[session] = None

    def record(self, operation: Record) -> None:
        """Store it with the payments; it must not raise."""
        self.records.append(operation)

    def step(self, operation: Record, then: Then) -> None:
        """Store it on its own, so that its failure is only its own; `then(result, error)` runs afterwards."""
        self.steps.append((operation, then))

    def refuse(self, sender: bytes, code: int, session: Session | None = None) -> None:
        """Tell the sender why, once everything else of the round is durable."""
        self.refusals.append(Refusal(sender, code, session))


Finish = Callable[[Round, tuple[bytes, ...], BaseException | None], None]


class Rounds:
    """Rounds on their way to the disk and back. `wake` is called from the writer thread."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self._done: deque[tuple[Then, Any, BaseException | None]] = deque()
        self.in_flight = 0

    def submit(self, round_: Round, finish: Finish) -> None:
        """Queue everything of the round; `finish(round, refused hashes, error)` is its last outcome.

        Raises StoreError if the store is closed.
        """
        for operation, then in round_.steps:
            self.run(operation, partial(_step_done, round_, then))
        updates = [session.update() for session in round_.advanced]
        round_.ahead = {session: session.ahead() for session in round_.advanced}
        self.run(partial(_persist, updates=updates, records=round_.records), partial(finish, round_))

    def run(self, operation: Record, then: Then) -> None:
        """Queue one operation; `then(result, error)` comes as an outcome. Raises StoreError."""
        self._store.submit(operation, partial(self._completed, then))
        self.in_flight += 1

    def follow(self, future: Future[Any], then: Then) -> None:
        """The same for a future of the store."""
        self.in_flight += 1
        future.add_done_callback(
            lambda done: self._completed(then, None if done.exception() else done.result(), done.exception())
        )

    def _completed(self, then: Then, result: Any, error: BaseException | None) -> None:
        """On the writer thread."""
        self._done.append((then, result, error))
        self._wake()

    def outcomes(self) -> Iterator[Callable[[], None]]:
        """For all that is durable, or failed, by now: what to call on the gateway's own thread."""
        while self._done:
            self.in_flight -= 1
            yield partial(*self._done.popleft())


def _step_done(round_: Round, then: Then, result: Any, error: BaseException | None) -> None:
    if isinstance(error, StoreError):
        round_.failed = True
    else:
        then(result, error)


def _persist(
    connection: sqlite3.Connection, updates: list[ChannelUpdate], records: list[Record]
) -> tuple[bytes, ...]:
    refused = save_updates(connection, updates)
    for record in records:
        record(connection)
    return refused
