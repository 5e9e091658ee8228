# SPDX-License-Identifier: MIT
"""Runs a market: broker, gateway, boards, in this order, and takes them down in the other.

It never looks at a message; what happened is read from the consoles and, afterwards, from the ledger.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from farthing_cli.errors import UserError
from farthing_cli.fleet import Fleet
from farthing_gateway.broker import Broker, BrokerError

from . import stage
from .console import Console
from .scenario import Scenario
from .service import KEEP, GatewayService

POLL_S = 0.1
QUIET_S = 120.0  # a market in which nothing was paid for this long is stuck

_HEAP = re.compile(r"[1-9][0-9]{0,6}w?[kKmM]?")

Progress = Callable[[int, int], None]
Step = Callable[[], None]


class Market:
    """A running market. `console` has the boards' figures; `final` the gateway's, after `finish`."""

    def __init__(
        self, scenario: Scenario, broker: Broker, gateway: GatewayService, fleet: Fleet, console: Console
    ) -> None:
        self.scenario = scenario
        self.broker = broker
        self.fleet = fleet
        self.gateway = gateway
        self.console = console
        self.final: dict[str, Any] = {}

    @property
    def ledger(self) -> Path:
        """The gateway's database file."""
        return Path(self.gateway.ready["ledger"])

    def trade(self, progress: Progress, until_s: float | None = None, step: Step = lambda: None) -> None:
        """Wait until every buyer is done, or for `until_s` seconds; `step` is called ten times a second.

        Raises UserError for a market in which nothing moves, or whose boards end by themselves.
        """
        names = [buyer.name for buyer in self.scenario.buyers]
        began = moved = time.monotonic()
        units = 0
        while not all(self.console.has(name, "done") for name in names):
            now = time.monotonic()
            if until_s is not None and now - began >= until_s:
                return
            step()
            self.gateway.supervise()
            self._check_boards()
            paid = self.console.total(names, "units")
            if paid != units:
                units, moved = paid, now
                progress(units, self.scenario.units)
            elif now - moved > QUIET_S:
                raise UserError(f"nothing was paid for {QUIET_S:.0f} s", KEEP)
            time.sleep(POLL_S)
        progress(self.console.total(names, "units"), self.scenario.units)

    def finish(self) -> None:
        """Switch the boards off, let the gateway settle what is left and end."""
        self.fleet.stop()
        self.final = self.gateway.stop()

    def _check_boards(self) -> None:
        for board in self.fleet.boards.values():
            if not board.running:
                reason = board.failure() or "its program came to its end"
                raise UserError(f"{board.name} ended: {reason}", KEEP)


@contextlib.contextmanager
def market(scenario: Scenario, folder: Path, broker_kind: str, heap: str) -> Iterator[Market]:
    """Bring a market up in `folder`; everything it started is gone when the block is left.

    `heap` is what `micropython -X heapsize` takes. Raises UserError where a part can't be started.
    """
    if not _HEAP.fullmatch(heap):
        raise UserError(f"a heap of {heap} can't be made", "write its size like 64wK")
    console = Console()
    with Fleet() as fleet, _broker(broker_kind, folder) as broker:
        gateway = GatewayService(fleet.guard, stage.gateway_config(folder, broker.port))
        gateway.start()
        roots = stage.boards(folder, scenario, gateway.ready["key"], broker.port)
        for name, root in roots.items():
            fleet.add(name, root, heap=heap, on_line=console.line).start()
        yield Market(scenario, broker, gateway, fleet, console)


def _broker(kind: str, folder: Path) -> Broker:
    try:
        return Broker.start(kind, folder / "broker")
    except BrokerError as error:
        raise UserError(str(error)) from error
