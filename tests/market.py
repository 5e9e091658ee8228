# SPDX-License-Identifier: MIT
"""A whole market for tests: broker, gateway and boards as the real processes, and what the boards print.

The interpreter loads the .mpy bundle under a heap limit, as a board does. No assertion is here.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from brokers import started
from farthing_cli import bundle
from farthing_cli.fleet import Board, Fleet
from farthing_gateway import audit, journal
from farthing_gateway import broker as launcher
from party import Party
from runtimes import ROOT, require_micropython

PURSE = 1_000_000_000

GATEWAY_CONFIG = """\
net = "lab"
data = "gateway"
beacon_s = 1
settle_s = 1
window_s = {window_s}
faucet_micro = {purse}

[broker]
kind = "external"
host = "127.0.0.1"
port = {port}
"""

SELLER = """\
from farthing_agent import App
from farthing_agent.services.sensor import Sensor, replay

app = App(mem_at=(50, 100))
app.sell(Sensor({good!r}, "l/s", replay("readings.csv")), price_micro={price}{options})
app.run()
"""

BUYER = """\
from farthing_agent import App

app = App(mem_at=(50, 100))
app.buy({good!r}, limit_micro={limit}, units={units}, on_reading={on_reading}{options})
app.run()
"""


def until(true: Callable[[], object], timeout_s: float = 20.0, what: str = "it") -> None:
    """Wait for a condition. Raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {timeout_s} s")
        time.sleep(0.02)


def _more(options: dict[str, Any]) -> str:
    return "".join(f", {key}={value!r}" for key, value in options.items())


class Market:
    """A context manager: everything that it started is killed at its end."""

    def __init__(self, folder: Path, *, kind: str = "mosquitto", window_s: int = 60, heap: str = "64wK"):
        require_micropython()
        self.folder = folder
        self.heap = heap
        self.broker: launcher.Broker = started(kind, folder / "broker")
        self.fleet = Fleet()
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.key = ""
        self._gateway: subprocess.Popen[str] | None = None
        config = GATEWAY_CONFIG.format(window_s=window_s, port=self.broker.port, purse=PURSE)
        (folder / "gateway.toml").write_text(config)

    def __enter__(self) -> Self:
        self.start_gateway()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.tell()
        self.fleet.close()
        self.broker.stop()

    def tell(self) -> None:
        """Print what the boards and the gateway said, for a failed test."""
        for board in self.fleet.boards.values():
            print(f"--- {board.name} {board.returncode}", *list(board.lines)[-40:], sep="\n")
        print("--- gateway", (self.folder / "gateway.log").read_text()[-4000:], sep="\n")

    # --- the gateway

    def start_gateway(self) -> None:
        """Start it, again with the same key and store; returns when it serves."""
        log = (self.folder / "gateway.log").open("a")
        command = [sys.executable, "-m", "farthing_cli.main", "gateway", "--config", "gateway.toml", "--json"]
        path = ":".join(str(ROOT / part) for part in ("protocol", "host", "tools"))
        self._gateway = self.fleet.guard.popen(
            command,
            cwd=self.folder,
            env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert self._gateway.stdout is not None
        line = self._gateway.stdout.readline()
        if not line:
            raise RuntimeError((self.folder / "gateway.log").read_text())
        self.key = json.loads(line)["key"]

    def kill_gateway(self) -> None:
        """kill -9."""
        if self._gateway:
            self._gateway.kill()
            self._gateway.wait()

    def party(self) -> Party:
        """A device that the test plays itself, introduced to the gateway. Close it, or use it in `with`."""
        party = Party(("127.0.0.1", self.broker.port), "lab")
        party.meet()
        party.hello()
        return party

    def balance(self, board: str) -> int:
        """Micro-units on the account of a device id in hex, as the gateway's journal has it."""
        with sqlite3.connect(f"file:{self.folder / 'gateway' / 'ledger.db'}?mode=ro", uri=True) as connection:
            return journal.balance(connection, journal.device_account(bytes.fromhex(board)))

    def report(self) -> audit.Report:
        """The audit of the journal. The gateway may go on meanwhile."""
        return audit.verify_journal(self.folder / "gateway" / "ledger.db")

    # --- the boards

    def seller(
        self, name: str = "seller", good: str = "water-flow", price: int = 120, **options: Any
    ) -> Board:
        """A board that sells the recorded water flow; not started."""
        main = SELLER.format(good=good, price=price, options=_more(options))
        return self.board(name, main, {"readings.csv": bundle.data() / "water_flow.csv"})

    def buyer(
        self,
        name: str = "buyer",
        good: str = "water-flow",
        limit: int = 150,
        units: int = 100,
        on_reading: str = "print",
        **options: Any,
    ) -> Board:
        """A board that buys; not started. `on_reading` is a Python expression."""
        main = BUYER.format(
            good=good, limit=limit, units=units, on_reading=on_reading, options=_more(options)
        )
        return self.board(name, main, {})

    def board(self, name: str, main: str, files: dict[str, bytes | Path]) -> Board:
        """A board with any main.py; not started."""
        settings = {
            "net": "lab",
            "broker": {"host": "127.0.0.1", "port": self.broker.port},
            "gateway": self.key,
        }
        root = bundle.build(
            self.folder / name, main, files={**files, "settings.json": json.dumps(settings).encode()}
        )
        self.events[name] = []
        return self.fleet.add(name, root, heap=self.heap, on_line=self._line)

    def _line(self, board: Board, line: str) -> None:
        if line.startswith("{"):
            self.events[board.name].append(json.loads(line))

    def all(self, board: Board, ev: str) -> list[dict[str, Any]]:
        """Every event of one name that a board has printed."""
        return [event for event in list(self.events[board.name]) if event["ev"] == ev]

    def wait(
        self, board: Board, ev: str, timeout_s: float = 30.0, count: int = 1, **values: Any
    ) -> dict[str, Any]:
        """Wait for the `count`th event of that name with those values; a value may be a predicate."""

        def fits(event: dict[str, Any]) -> bool:
            return all(
                value(event.get(key)) if callable(value) else event.get(key) == value
                for key, value in values.items()
            )

        found: list[dict[str, Any]] = []

        def seen() -> bool:
            found[:] = [event for event in self.all(board, ev) if fits(event)]
            return len(found) >= count or not board.running

        until(seen, timeout_s, f"{ev} of {board.name}")
        if len(found) < count:
            raise RuntimeError(f"{board.name} ended before {ev}: {board.failure()}")
        return found[count - 1]
