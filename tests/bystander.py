# SPDX-License-Identifier: MIT
"""Two honest parties beside an attack, and the look at everything that the attack must not have changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab import Lab


class Bystander:
    """A channel that has nothing to do with the attack."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.deal = lab.deal()

    @contextmanager
    def see_no_change(self) -> Iterator[None]:
        """After the block a payment of the bystander goes through, and all other state is what it was.

        The gateway serves in order of arrival, so this payment's ack comes after the attack was dealt with.
        """
        before = self._everything()
        yield
        self.deal.paid(self.deal.voucher(1))
        assert self._everything() == before
        assert self.lab.gateway.stats.defects == 0

    def _everything(self) -> tuple[object, ...]:
        """The rows, the balances, and what the sessions hold in memory ahead of them."""
        rows = self.lab.channels(but=(self.deal,))
        sessions = [self.lab.gateway.sessions.get(row.hash) for row in rows]
        return rows, self.lab.balances(), [session.update() for session in sessions if session]
