# SPDX-License-Identifier: MIT
"""When to settle, and what to say about it: receipts with proofs, the end of closed channels.

Which rows are paid is `settle`'s business.
"""

import logging

from . import merkle
from .answers import Answers
from .batches import Batch, RowProof
from .rounds import Rounds
from .sessions import Sessions
from .settle import Settlement, Settler
from .stats import Stats

_log = logging.getLogger(__name__)

SOON_S = 0.3  # after a close by the payee: long enough that closes which come together share a batch


class Settling:
    """Runs the settler every `every_s` seconds, and soon after a close that can be finished."""

    def __init__(
        self,
        settler: Settler,
        rounds: Rounds,
        sessions: Sessions,
        answers: Answers,
        stats: Stats,
        every_s: float,
    ) -> None:
        self._settler = settler
        self._rounds = rounds
        self._sessions = sessions
        self._answers = answers
        self._stats = stats
        self._every_s = every_s
        self._due_s = 0.0
        self._running = False

    def soon(self, now_s: float) -> None:
        """Do not wait for the next turn."""
        self._due_s = min(self._due_s, now_s + SOON_S)

    def wait_s(self, now_s: float) -> float:
        return max(0.0, self._due_s - now_s)

    def run_if_due(self, now_s: float) -> None:
        if now_s >= self._due_s and not self._running:
            self._due_s = now_s + self._every_s
            self.run()

    def run(self) -> None:
        """Settle what there is. Raises StoreError if the store is closed."""
        self._running = True
        self._rounds.follow(self._settler.run(), self._settled)

    def _settled(self, settlement: Settlement | None, error: BaseException | None) -> None:
        self._running = False
        if settlement is None:
            _log.error("settlement failed, it is tried again: %s", error)
            return
        closed = {row.hash for row in settlement.closed}
        for batch in settlement.batches:
            self._report(batch, closed)
        for channel in closed:
            self._close(channel)

    def _report(self, batch: Batch, closed: set[bytes]) -> None:
        self._stats.settled["batches"] += 1
        self._stats.settled["rows"] += len(batch.rows)
        self._stats.settled["micro"] += sum(row.amount for row in batch.rows)
        _log.info("settled batch=%d rows=%d root=%s", batch.no, len(batch.rows), batch.root.hex())
        for proof, row in zip(_proofs(batch), batch.rows, strict=True):
            session = self._sessions.get(row.channel)
            if session is None:
                continue
            session.standing = session.standing._replace(settled=row.cum, batch=batch.no, root=batch.root)
            if row.channel in closed:
                self._close(row.channel, proof)
                closed.discard(row.channel)
            else:
                self._answers.receipt(session, proof=proof)

    def _close(self, channel: bytes, proof: RowProof | None = None) -> None:
        session = self._sessions.get(channel)
        if session is None:
            return
        forgotten = self._sessions.close(session)
        self._stats.settled["closed"] += 1
        self._answers.receipt(session, proof=proof)
        self._answers.clear_opened(session)
        if forgotten is not None:
            self._answers.clear_receipt(forgotten)
        _log.info("closed channel=%s settled=%d", channel.hex(), session.standing.settled)


def _proofs(batch: Batch) -> list[RowProof]:
    bodies = [row.encode() for row in batch.rows]
    return [
        RowProof(batch.no, batch.root, len(bodies), position, body, path)
        for position, (body, path) in enumerate(zip(bodies, merkle.proofs(bodies), strict=True))
    ]
