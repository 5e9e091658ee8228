# SPDX-License-Identifier: MIT
"""Boards that break the deal, and a network that repeats, reorders and adds rubbish: who loses what.

A board that misbehaves runs the product's own code with one public method replaced, in MicroPython.
"""

from __future__ import annotations

import itertools
import os
import random
import re
from pathlib import Path

from farthing import faults
from farthing.routes import KINDS
from farthing_cli import bundle
from farthing_cli.market.run import Market as Running
from farthing_gateway import hints
from market import PURSE, Market, until
from party import Party
from tap import Tap
from upset import Outcome, play

PRICE = 120
READINGS = 800

STOPS_PAYING = """
from farthing_agent import App
from farthing_agent.deal import Deal

handle = Deal.handle

async def pay_thirty(deal, kind, sender, data):
    if kind != "data" or deal.paid() < 30:
        await handle(deal, kind, sender, data)

Deal.handle = pay_thirty
app = App()
app.buy("water-flow", limit_micro=150, units=100, on_reading=print, patience_s=3)
app.run()
"""

STOPS_DELIVERING = """
from farthing_agent import App
from farthing_agent.seller import Seller
from farthing_agent.services.sensor import Sensor, replay

handle = Seller.handle

async def go_deaf(seller, kind, sender, data):
    if seller.units < 20:
        await handle(seller, kind, sender, data)

Seller.handle = go_deaf
app = App()
app.sell(Sensor("water-flow", "l/s", replay("readings.csv")), price_micro=100)
app.run()
"""


def test_a_buyer_that_stops_paying_has_one_reading_for_nothing(tmp_path: Path):
    with Market(tmp_path) as market, Tap(market.broker.port) as tap:
        seller = market.seller()
        cheat, honest = market.board("cheat", STOPS_PAYING, {}), market.buyer("honest", units=100)
        seller.start()
        cheat.start()
        handle = bytes.fromhex(market.wait(cheat, "deal")["channel"])
        market.wait(cheat, "paid", units=30)
        honest.start()  # while the seller waits for the other's payment
        assert market.wait(honest, "done", 60)["micro"] == 100 * PRICE
        ids = [market.wait(board, "boot")["id"] for board in (seller, cheat)]
        until(lambda: market.balance(ids[1]) == PURSE - 30 * PRICE)
        until(lambda: market.balance(ids[0]) == PURSE + 130 * PRICE)
        channel = tap.channels()[handle]
        assert (channel.delivered, channel.unpaid_max) == (31, 1)
        assert market.report().ok


def test_a_seller_that_stops_delivering_is_left_for_the_next(tmp_path: Path):
    with Market(tmp_path, window_s=2) as market:
        readings = {"readings.csv": bundle.data() / "water_flow.csv"}
        dead, honest = market.board("dead", STOPS_DELIVERING, readings), market.seller("honest")
        buyer = market.buyer(units=60, patience_s=1)
        for board in (dead, honest):
            board.start()
            market.wait(board, "boot")
        buyer.start()
        ids = [market.wait(board, "boot")["id"] for board in (dead, honest, buyer)]
        done = market.wait(buyer, "done", 60)
        assert [deal["peer"] for deal in market.all(buyer, "deal")] == ids[:2]
        assert done["units"] == 60
        # It heard 20 payments, had delivered 21 readings then, and gets what was paid: no more, no less.
        assert done["micro"] == 21 * 100 + 39 * PRICE
        until(lambda: market.balance(ids[1]) == PURSE + 39 * PRICE)
        until(lambda: market.balance(ids[0]) == PURSE + 21 * 100)
        until(lambda: market.balance(ids[2]) == PURSE - done["micro"])  # the rest of both deposits is back
        assert market.report().ok


def test_an_offer_of_a_stranger_to_the_gateway_is_left_for_the_next(tmp_path: Path):
    """Nobody can pay it, and being cheap it would keep every buyer waiting."""
    with Market(tmp_path) as market, Party(("127.0.0.1", market.broker.port), "lab") as stranger:
        stranger.meet()
        stranger.offer("water-flow", 10)
        honest, buyer = market.seller("honest"), market.buyer(units=20, patience_s=1)
        honest.start()
        market.wait(honest, "boot")
        buyer.start()
        assert market.wait(buyer, "done", 60)["micro"] == 20 * PRICE


# --- the network


def recorded() -> list[int]:
    """The mantissas that the seller replays, again and again."""
    lines = (bundle.data() / "water_flow.csv").read_text().splitlines()[1:]
    return [int(line.split(",")[1]) for line in lines]


def received(folder: Path, board: str) -> list[int]:
    """The mantissas that a buyer's application was given."""
    log = (folder / "boards" / board / "console.log").read_text()
    return [int(number) for number in re.findall(r"Reading\(.*mantissa=(-?\d+)", log)]


class Flood:
    """A step of a market that publishes some of what `make` yields, up to `most` messages."""

    def __init__(self, most: int, burst: int = 30) -> None:
        self.sent = 0
        self.most = most
        self._burst = burst
        self.dice = random.Random(11)

    def make(self, tap: Tap) -> tuple[str, bytes]:
        raise NotImplementedError

    def step(self, _market: Running, tap: Tap) -> None:
        for _ in range(self._burst if tap.channels() and self.sent < self.most else 0):
            tap.client.publish(*self.make(tap), qos=1)
            self.sent += 1


class Again(Flood):
    """Any message that ever passed, in any order, and its neighbours the wrong way round."""

    def make(self, tap: Tap) -> tuple[str, bytes]:
        heard = self.dice.choice(tap.heard)
        return heard.topic, heard.payload


def unharmed(found: Outcome) -> None:
    assert found.wrong(READINGS) == []
    assert found.gateway["defects"] == 0
    assert found.figures["gateway_restarts"] == 0
    for board, events in found.events.items():
        assert len([event for event in events if event["ev"] == "boot"]) == 1, board


def test_everything_again_in_any_order_changes_nothing(tmp_path: Path):
    flood = Again(most=600)
    found = play(tmp_path, [], readings=READINGS, step=flood.step)
    unharmed(found)
    assert flood.sent >= 100
    both = received(tmp_path, "buyer-1") + received(tmp_path, "buyer-2")
    served = list(itertools.islice(itertools.cycle(recorded()), 2 * READINGS))
    assert sorted(both) == sorted(served)  # no reading was skipped, none handed on twice


NET_OF_OTHERS = "f1/other/"
RUBBISH = (b"", b"\xff", b"\xd2\x84", b"\x83" + bytes(40), bytes(2000), b"\x5a\x7f\xff\xff\xff" * 600)


class Rubbish(Flood):
    """Random and oversized bytes on every kind of topic, from and to everybody, and topics that are none."""

    def make(self, tap: Tap) -> tuple[str, bytes]:
        dice = self.dice
        known = {heard.topic.split("/")[3] for heard in tap.heard if heard.kind in KINDS}
        sender, to = dice.choice(sorted(known)), dice.choice([*sorted(known), "gw", "all"])
        topic = f"f1/demo/{sender[:2]}/{sender}/{to}/{dice.choice(KINDS)}"
        topics = (topic, topic, topic, topic + "/xx", topic.replace(sender, sender[1:]), topic[:30])
        payload = dice.choice([*RUBBISH, dice.randbytes(dice.randrange(1, 400)), os.urandom(3000)])
        return dice.choice([*topics, NET_OF_OTHERS + topic[8:]]), payload


def test_rubbish_everywhere_stops_nothing(tmp_path: Path):
    flood = Rubbish(most=900)
    found = play(tmp_path, [], readings=READINGS, step=flood.step)
    unharmed(found)
    assert flood.sent >= 100
    refused = found.gateway["refused"]
    assert {"BAD_COSE", "TOO_LARGE", "BAD_TOPIC", "WRONG_NET"} <= set(refused)
    log = (tmp_path / "gateway.log").read_text()
    lines = [line for line in log.splitlines() if "refused device=" in line]
    assert len(lines) < sum(refused.values())  # a flood is logged a few times only
    for code in refused:
        assert any(hints.explain(getattr(faults, code)) in line for line in lines)
