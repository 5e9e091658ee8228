# SPDX-License-Identifier: MIT
"""kill -9 of the gateway amid traffic: acknowledged payments are there, none twice, the rest comes again."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

from cli import COMMAND, environment
from farthing_gateway import journal
from farthing_gateway.audit import verify_journal
from farthing_gateway.broker import Broker
from farthing_gateway.store import Channel, list_channels
from farthing_gateway.store.database import read_file
from party import Deal, LateError, Party

PAIRS = 3
CHAIN = 20_000
UNIT = 10
PURSE = CHAIN * UNIT
KILLS = 3
TIMEOUT_S = 60


class Process:
    """A gateway in a process of its own, that can be killed and started again."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self.start()

    def start(self) -> None:
        command = [*COMMAND, "gateway", "--config", str(self._config), "--json"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
        assert self._process.stdout is not None
        self.said = json.loads(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        self._process.terminate()
        return self._process.wait(TIMEOUT_S)


class Traffic(threading.Thread):
    """One payer that pays tick after tick and a voucher now and then, nothing twice, until it shall stop.

    `acknowledged` is the highest amount, in micro-units, that the gateway said it has.
    """

    def __init__(self, deal: Deal) -> None:
        super().__init__()
        self.deal = deal
        self.acknowledged = 0
        self.enough = threading.Event()

    def run(self) -> None:
        self.deal.pay(self.deal.commitment(UNIT, CHAIN))
        while not self.enough.is_set():
            voucher = [self.deal.voucher()] if self.deal.state.index % 64 == 63 else []
            self.deal.pay(self.deal.tick(), *voucher)
            self.listen(0.001)

    def listen(self, timeout_s: float) -> None:
        try:
            ack = self.deal.payer.acked(self.deal.handle, self.acknowledged + 1, timeout_s)
            self.acknowledged = ack.cum
        except LateError:
            return


@pytest.fixture
def config(any_broker: Broker, tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'data = "state"\nfaucet_micro = {PURSE}\nsettle_s = 1\n'
        f'[broker]\nkind = "external"\nport = {any_broker.port}\n'
    )
    return path


def rows(ledger: Path) -> dict[bytes, Channel]:
    return {row.hash: row for row in read_file(ledger, list_channels)}


def test_no_acknowledged_payment_is_lost_and_none_counts_twice(any_broker: Broker, config: Path):
    gateway = Process(config)
    ledger = Path(gateway.said["ledger"])
    parties = [Party(("127.0.0.1", any_broker.port), "demo") for _ in range(2 * PAIRS)]
    for party in parties:
        party.meet()
        party.hello()
    deals = [payer.deal(payee, PURSE) for payer, payee in zip(parties[:PAIRS], parties[PAIRS:], strict=True)]
    crowd = [Traffic(deal) for deal in deals]
    for traffic in crowd:
        traffic.start()
    for _ in range(KILLS):
        time.sleep(0.4)
        told = {traffic.deal.hash: traffic.acknowledged for traffic in crowd}
        gateway.kill()
        found = rows(ledger)
        assert all(found[channel].cum >= cum for channel, cum in told.items())
        assert verify_journal(ledger).ok
        assert all(told.values())
        gateway.start()
    for traffic in crowd:
        traffic.enough.set()
        traffic.join(TIMEOUT_S)
    for traffic in crowd:
        while traffic.acknowledged < traffic.deal.state.cum:
            before = traffic.acknowledged
            traffic.listen(TIMEOUT_S)
            assert traffic.acknowledged > before, "what was not acknowledged did not come again"
    assert gateway.end() == 0
    found, balances = rows(ledger), read_file(ledger, journal.balances)
    assert sum(balances.values()) == 0
    for deal in deals:
        row = found[deal.hash]
        assert row.cum == row.settled == deal.state.cum
        assert balances[f"device:{deal.payee.hex}"] == PURSE + deal.state.cum
        assert balances[f"escrow:{deal.hash.hex()}"] == PURSE - deal.state.cum
    assert verify_journal(ledger).ok
    for party in parties:
        party.close()
