# SPDX-License-Identifier: MIT
"""A market of `farthing_cli.market` in whose trade a test breaks something, and the account afterwards.

The parts are those that `farthing demo` runs. No assertion is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from brokers import started
from farthing_cli.market import report, scenario
from farthing_cli.market.run import Market, market
from runtimes import require_micropython
from tap import Tap

HEAP = "64wK"
SEED = 1

Upset = tuple[int, Callable[[Market], None]]  # once so many readings are paid in all, do this


class Outcome(NamedTuple):
    """What a market that has ended has to show."""

    figures: dict[str, Any]
    account: report.Account
    events: dict[str, list[dict[str, Any]]]  # of each board, over all its starts
    gateway: dict[str, Any]
    tap: Tap

    def last(self, board: str, event: str) -> dict[str, Any]:
        """The newest event of one name that a board has printed."""
        return [each for each in self.events[board] if each["ev"] == event][-1]

    @property
    def unpaid_max(self) -> int:
        """The most that any board says was ever out unpaid, over all its starts."""
        return max(event.get("unpaid_max", 0) for events in self.events.values() for event in events)

    def wrong(self, readings: int) -> list[str]:
        """What is not as two buyers who ordered `readings` each may expect, whatever happened meanwhile."""
        found = report.problems(self.figures, readings)
        lines = {line.payer.hex(): line for line in self.account.lines}
        if not len(lines) == len(self.account.lines) == len(self.figures["readings_delivered"]):
            found.append(f"{len(self.account.lines)} channels were opened")
        for buyer in self.figures["readings_delivered"]:
            line = lines[self.last(buyer, "boot")["id"]]
            micro = self.last(buyer, "done")["micro"]
            if not line.paid == line.settled == micro == readings * line.price:
                found.append(f"{buyer} paid {micro}, the books have {line}")
        if self.unpaid_max != 1:
            found.append(f"the boards had {self.unpaid_max} readings out at once")
        return found

    def wrong_on_the_wire(self, readings: int) -> list[str]:
        """The same, seen from outside: what was delivered, and how far ahead of the payment."""
        return [
            f"{channel.delivered} delivered, {channel.unpaid_max} unpaid at once"
            for channel in self.tap.channels().values()
            if (channel.delivered, channel.unpaid_max) != (readings, 1)
        ]


@contextmanager
def running(
    folder: Path, kind: str, *, sellers: int = 1, buyers: int = 2, readings: int
) -> Iterator[tuple[Market, Tap]]:
    """A market with a tap at its broker, both gone when the block is left."""
    require_micropython()
    with started(kind, folder / "probe"):
        pass  # only to skip where there is no such broker
    plan = scenario.make(sellers, buyers, readings, SEED)
    with market(plan, folder, kind, HEAP) as trading, Tap(trading.broker.port) as tap:
        yield trading, tap


def outcome(folder: Path, trading: Market, tap: Tap) -> Outcome:
    """Switch the boards off, end the gateway, and look at the books."""
    trading.finish()
    account = report.Account(trading.ledger)
    found = report.figures(trading, account)
    events = {name: _events(folder / "boards" / name / "console.log") for name in trading.fleet.boards}
    return Outcome(found, account, events, trading.final, tap)


def play(
    folder: Path,
    upsets: Sequence[Upset],
    *,
    kind: str = "mosquitto",
    readings: int = 1000,
    step: Callable[[Market, Tap], None] = lambda market, tap: None,
) -> Outcome:
    """One seller, two buyers, `readings` for each; `step` is called ten times a second.

    Raises AssertionError where the trade was over before the last upset came.
    """
    waiting = sorted(upsets, key=lambda upset: upset[0])
    with running(folder, kind, readings=readings) as (trading, tap):

        def upset() -> None:
            step(trading, tap)
            paid = trading.console.total([buyer.name for buyer in trading.scenario.buyers], "units")
            if waiting and paid >= waiting[0][0]:
                waiting.pop(0)[1](trading)

        trading.trade(lambda done, total: None, step=upset)
        if waiting:
            raise AssertionError("the trade was over too soon")
        return outcome(folder, trading, tap)


def _events(log: Path) -> list[dict[str, Any]]:
    lines = (line.split(maxsplit=1)[-1] for line in log.read_text(encoding="utf-8").splitlines())
    return [json.loads(line) for line in lines if line.startswith("{")]
