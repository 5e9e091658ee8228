# SPDX-License-Identifier: MIT
"""A gateway under test with its broker, its store and the parties that a test makes.

The gateway is the real one, run by a thread of this process, so that a test can look at its state.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brokers import started
from farthing_gateway import broker as launcher
from farthing_gateway import journal
from farthing_gateway.config import BrokerConfig, Config
from farthing_gateway.gateway import Gateway
from farthing_gateway.keys import GatewayKey
from farthing_gateway.store import (
    Channel,
    Event,
    Store,
    events_after,
    find_device,
    list_channels,
    wall_clock_ms,
)
from farthing_gateway.store.store import Clock
from party import TIMEOUT_S, Deal, LateError, Party

PURSE = 1_000_000
_nets = itertools.count()


class Lab:
    """A network of its own on a shared broker. A context manager."""

    def __init__(
        self, address: tuple[str, int], folder: Path, *, clock: Clock = wall_clock_ms, **options: object
    ) -> None:
        values = {"settle_s": 3600, "window_s": 60, "beacon_s": 1, "faucet_micro": PURSE, **options}
        self.address = address
        self._clock = clock
        self.net = f"lab-{next(_nets)}"
        broker = BrokerConfig(kind="external", host=address[0], port=address[1])
        self.config = Config(net=self.net, data=str(folder), broker=broker, **values)  # type: ignore[arg-type]
        self.key = GatewayKey.load_or_create(self.config.key_path)
        self._parties = ExitStack()
        self.start()

    def start(self) -> None:
        """Start the gateway on what the folder holds."""
        self.store = Store.open(self.config.ledger_path, net=self.net, clock=self._clock)
        self.gateway = Gateway(self.config, self.key, self.store, self.address, self._clock)
        if not self.gateway.start(10):
            raise AssertionError("the gateway did not start")
        self._thread = threading.Thread(target=self.gateway.run)
        self._thread.start()

    def stop(self) -> None:
        """End it in good order: settle and close."""
        self.gateway.stop()
        self._thread.join()
        self.gateway.finish()
        self.store.close()

    def party(self, *, hello: bool = True) -> Party:
        """A device that knows the gateway, and by default is known to it."""
        party = self._parties.enter_context(Party(self.address, self.net))
        party.meet()
        if hello:
            party.hello()
            self.wait(lambda: self.store.read(lambda connection: find_device(connection, party.id)))
        return party

    def wait(self, condition: Callable[[], object], timeout_s: float = TIMEOUT_S) -> None:
        """Until it is true; raises LateError. For what the gateway tells nobody."""
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise LateError("the gateway did not do it")
            time.sleep(0.005)

    def deal(self, amount: int = 100_000) -> Deal:
        """Two new devices with an open channel between them."""
        payer, payee = self.party(), self.party()
        return payer.deal(payee, amount)

    def channels(self, *, but: tuple[Deal, ...] = ()) -> list[Channel]:
        """The rows of all channels, closed ones too."""
        rows = self.store.read(lambda connection: list_channels(connection, ("OPEN", "CLOSING", "CLOSED")))
        return [row for row in rows if row.hash not in {deal.hash for deal in but}]

    def channel(self, deal: Deal) -> Channel:
        return next(row for row in self.channels() if row.hash == deal.hash)

    def balances(self) -> dict[str, int]:
        return self.store.read(journal.balances)

    def events(self) -> list[Event]:
        return self.store.read(lambda connection: events_after(connection, 0))

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._parties.close()
        if self._thread.is_alive():
            self.stop()


@pytest.fixture(scope="session")
def lab_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A broker that all labs share; each has its own network on it."""
    kind = "mosquitto" if launcher.find_mosquitto() else "nats"
    with started(kind, tmp_path_factory.mktemp("broker")) as broker:
        yield "127.0.0.1", broker.port


@pytest.fixture
def lab(lab_address: tuple[str, int], tmp_path: Path) -> Iterator[Lab]:
    with Lab(lab_address, tmp_path) as running:
        yield running
