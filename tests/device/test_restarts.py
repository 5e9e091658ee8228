# SPDX-License-Identifier: MIT
"""A trade goes on after the power of any party was cut in the middle of it, and the money comes out right.

A cut is a kill -9 of the real process. What a flash write leaves behind is test_journal's matter.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from farthing_cli.fleet import Board
from market import PURSE, Market, until

UNITS = 400
PRICE = 120
SLOW = "lambda r: __import__('time').sleep_ms(3)"


class Trade:
    """A seller and a buyer in the middle of a trade."""

    def __init__(self, market: Market, units: int = UNITS):
        self.market = market
        self.seller = market.seller()
        self.buyer = market.buyer(units=units, on_reading=SLOW, patience_s=60)
        self.seller.start()
        self.buyer.start()
        self.ids = [market.wait(board, "boot")["id"] for board in (self.seller, self.buyer)]

    def reach(self, units: int) -> None:
        self.market.wait(self.buyer, "paid", units=lambda seen: seen >= units)

    def settle(self) -> int:
        """Wait for the end; micro-units that the seller got, which the buyer must have lost."""
        self.market.wait(self.buyer, "done", 60)
        self.market.wait(self.seller, "closed", 30)
        until(lambda: self.market.balance(self.ids[0]) != PURSE)
        gained = self.market.balance(self.ids[0]) - PURSE
        assert self.market.balance(self.ids[1]) == PURSE - gained
        assert self.market.report().ok
        return gained


def unpaid_max(market: Market, board: Board) -> int:
    return max(event.get("unpaid_max", 0) for event in market.all(board, "sold"))


@pytest.mark.parametrize("cuts", [(57,), (40, 130, 300)], ids=["one", "three"])
def test_the_buyers_power_is_cut(tmp_path: Path, cuts: tuple[int, ...]):
    with Market(tmp_path) as market:
        trade = Trade(market)
        for number, units in enumerate(cuts):
            market.wait(trade.seller, "sold", units=lambda seen, units=units: seen >= units)
            trade.buyer.restart()
            market.wait(trade.buyer, "boot", count=number + 2)
        assert trade.settle() == UNITS * PRICE
        assert unpaid_max(market, trade.seller) == 1


def test_the_sellers_power_is_cut(tmp_path: Path):
    with Market(tmp_path) as market:
        trade = Trade(market)
        trade.reach(57)
        trade.seller.restart()
        trade.reach(200)
        trade.seller.restart()
        assert trade.settle() == UNITS * PRICE
        assert unpaid_max(market, trade.seller) == 1


def test_both_boards_lose_power_at_once(tmp_path: Path):
    with Market(tmp_path) as market:
        trade = Trade(market)
        trade.reach(90)
        trade.seller.kill()
        trade.buyer.kill()
        trade.seller.start()
        trade.buyer.start()
        assert trade.settle() == UNITS * PRICE


def test_the_gateway_is_killed(tmp_path: Path):
    with Market(tmp_path) as market:
        trade = Trade(market)
        trade.reach(57)
        market.kill_gateway()
        trade.reach(120)  # readings and ticks need no gateway
        market.start_gateway()
        assert trade.settle() == UNITS * PRICE


def test_buyer_and_gateway_are_killed(tmp_path: Path):
    with Market(tmp_path) as market:
        trade = Trade(market)
        trade.reach(57)
        market.kill_gateway()
        trade.reach(100)
        trade.buyer.kill()
        market.start_gateway()
        trade.buyer.start()
        assert trade.settle() == UNITS * PRICE


def test_the_broker_is_killed(tmp_path: Path):
    with Market(tmp_path) as market:
        trade = Trade(market)
        trade.reach(57)
        market.broker.kill()
        time.sleep(0.5)
        market.broker.restart()
        assert trade.settle() == UNITS * PRICE
