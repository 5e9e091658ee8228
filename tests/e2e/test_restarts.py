# SPDX-License-Identifier: MIT
"""Whatever is restarted or killed in the middle of a trade, every reading ordered is delivered and paid once.

The boards, the gateway and the broker are the processes that `farthing demo` runs; a cut is a kill -9.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from brokers import KINDS
from farthing_cli.market.run import Market
from farthing_gateway.audit import verify_journal
from farthing_gateway.store import list_channels
from farthing_gateway.store.database import read_file
from market import Market as Whole
from market import until
from tap import Heard, Tap
from upset import outcome, play, running

READINGS = 1000
MIDDLE = 400  # of 2,000
KILLS = 10
ACK_S = 20


def power_of(*boards: str):
    def cut(market: Market) -> None:
        for board in boards:
            market.fleet.boards[board].kill()
        for board in boards:
            market.fleet.boards[board].start()

    return cut


@pytest.mark.parametrize(
    ("boards", "cuts"),
    [
        (("seller-1",), (400, 900)),
        (("buyer-1",), (400, 900)),
        (("seller-1", "buyer-1", "buyer-2"), (600,)),
    ],
    ids=["seller", "buyer", "all"],
)
def test_boards_lose_power(tmp_path: Path, boards: tuple[str, ...], cuts: tuple[int, ...]):
    found = play(tmp_path, [(units, power_of(*boards)) for units in cuts], readings=READINGS)
    assert found.wrong(READINGS) == []
    assert found.wrong_on_the_wire(READINGS) == []


def crash(market: Market) -> None:
    market.broker.kill()
    time.sleep(0.2)
    market.broker.restart()


def restart(market: Market) -> None:
    market.broker.restart()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [crash, restart])
def test_the_broker_goes_and_comes_back(tmp_path: Path, kind: str, how):
    found = play(tmp_path, [(MIDDLE, how)], kind=kind, readings=READINGS)
    assert found.wrong(READINGS) == []


def test_a_gateway_that_has_forgotten_a_seller_hears_of_it_again(tmp_path: Path):
    """So it is after a backup was restored, or where a broker lost a hello that it had taken."""
    with Whole(tmp_path) as market:
        seller = market.seller()
        seller.start()
        known = bytes.fromhex(market.wait(seller, "boot")["id"])
        until(lambda: market.balance(known.hex()))  # the play money of a new device
        market.kill_gateway()
        with sqlite3.connect(tmp_path / "gateway" / "ledger.db") as connection:
            assert connection.execute("DELETE FROM device WHERE id = ?", [known]).rowcount == 1
        connection.close()
        market.start_gateway()
        buyer = market.buyer(units=20)
        buyer.start()
        assert market.wait(buyer, "done", 60)["micro"] == 20 * 120
        assert market.report().ok


class Killer:
    """Kills the gateway again and again, and reads its books each time before it may start again.

    Every other kill comes the very moment that an acknowledgement is heard, the others at a random one.
    """

    def __init__(self, kills: int, seed: int) -> None:
        self.left = kills
        self._dice = random.Random(seed)
        self._acked = 0

    def step(self, market: Market, tap: Tap) -> None:
        if acked(tap) <= self._acked:
            return  # the gateway has not been at work since the last kill
        if self.left % 2:
            time.sleep(self._dice.uniform(0, 0.2))
            market.gateway.kill()
        else:
            self._kill_on_an_ack(market, tap)
        time.sleep(0.1)  # what it had sent is heard by now
        self._read_books(market, tap)
        self._acked = acked(tap)
        self.left -= 1

    def _kill_on_an_ack(self, market: Market, tap: Tap) -> None:
        done = threading.Event()

        def kill(heard: Heard) -> None:
            if heard.kind == "ack" and not done.is_set():
                market.gateway.kill()
                done.set()

        tap.hook = kill
        assert done.wait(ACK_S)

    def _read_books(self, market: Market, tap: Tap) -> None:
        books = {row.handle: row.cum for row in read_file(market.ledger, list_channels)}
        wire = tap.channels()
        for handle, cum in books.items():
            assert wire[handle].acked <= cum <= wire[handle].paid
        assert verify_journal(market.ledger).ok


def acked(tap: Tap) -> int:
    """Micro-units that the gateway has acknowledged in all."""
    return sum(channel.acked for channel in tap.channels().values())


class EnoughError(Exception):
    """The killer is done."""


def test_kill_9_of_the_gateway_ten_times(tmp_path: Path):
    """Each acknowledged payment is in the books after each kill, none twice, and all are settled."""
    killer = Killer(KILLS, seed=7)
    with running(tmp_path, "mosquitto", readings=1_000_000) as (market, tap):

        def step() -> None:
            if not killer.left:
                raise EnoughError
            killer.step(market, tap)

        with pytest.raises(EnoughError):
            market.trade(lambda done, total: None, until_s=120, step=step)
        market.gateway.supervise()
        found = outcome(tmp_path, market, tap)
    wire = found.tap.channels()
    assert found.figures["gateway_restarts"] == KILLS
    assert found.account.conserved
    assert found.account.report.ok
    assert found.unpaid_max == 1
    assert len(found.account.lines) == 2
    for line in found.account.lines:
        seen = wire[line.channel[:4]]
        assert seen.acked <= line.paid == line.settled <= seen.paid
        assert seen.unpaid_max == 1
