# SPDX-License-Identifier: MIT
"""Faults injected into a running market at random moments that a seed decides.

power: a board loses its power and boots again. gateway: kill -9. broker: kill -9, then started again.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from farthing_cli.errors import UserError
from farthing_cli.fleet import Board
from farthing_gateway.broker import Broker

from .run import Market

MEAN_S = 1.0
KINDS = ("broker", "gateway", "power")


def parse(text: str) -> list[str]:
    """The kinds in a comma-separated list. Raises UserError for one that there is not."""
    kinds = [kind for kind in text.split(",") if kind]
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise UserError(f"no fault is called {unknown[0]}", f"choose from {', '.join(KINDS)}")
    return kinds


class Faults:
    """Call `step` often; about once in MEAN_S seconds it breaks something. `injected` counts by kind."""

    def __init__(self, kinds: Sequence[str], seed: int, market: Market) -> None:
        self.injected: Counter[str] = Counter()
        self._actions = self._choose(kinds, market)
        self._dice = random.Random(seed)
        self._next = time.monotonic() + self._pause()

    def step(self) -> None:
        """Inject a fault if its moment has come."""
        if not self._actions or time.monotonic() < self._next:
            return
        kind = self._dice.choice(sorted(self._actions))
        self._actions[kind]()
        self.injected[kind] += 1
        self._next = time.monotonic() + self._pause()

    def _pause(self) -> float:
        return self._dice.expovariate(1 / MEAN_S)

    def _choose(self, kinds: Sequence[str], market: Market) -> dict[str, Callable[[], None]]:
        actions: dict[str, Callable[[], None]] = {
            "power": lambda: self._any_board(market).restart(),
            "gateway": market.gateway.kill,
            "broker": lambda: self._crash(market.broker),
        }
        return {kind: actions[kind] for kind in kinds}

    def _crash(self, broker: Broker) -> None:
        broker.kill()
        broker.restart()

    def _any_board(self, market: Market) -> Board:
        return market.fleet.boards[self._dice.choice(sorted(market.fleet.boards))]
