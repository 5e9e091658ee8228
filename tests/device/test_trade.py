# SPDX-License-Identifier: MIT
"""Two boards trade a hundred readings in 64 wK, each in its own MicroPython process with the .mpy bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from brokers import KINDS
from farthing.cbor_items import loads
from farthing_cli import bundle
from market import PURSE, Market, until
from peers import Peer


def recorded(count: int) -> list[tuple[int, int]]:
    """(time_s, mantissa) of the first readings that the seller replays."""
    lines = (bundle.data() / "water_flow.csv").read_text().splitlines()[1 : count + 1]
    return [(int(time_s), int(mantissa)) for time_s, mantissa in (line.split(",") for line in lines)]


PRINTED = "lambda r: print('reading', r.time_s, r.mantissa)"


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_readings_are_delivered_paid_and_settled(tmp_path: Path, kind: str):
    with Market(tmp_path, kind=kind) as market:
        seller, buyer = market.seller(), market.buyer(on_reading=PRINTED)
        seller.start()
        buyer.start()
        done = market.wait(buyer, "done")
        assert (done["units"], done["micro"], done["ticks"]) == (100, 12_000, 100)
        assert done["unpaid_max"] == 1
        assert done["vouchers"] == 3  # two checkpoints and the last
        closed = market.wait(seller, "closed")
        assert closed["cum"] == 12_000
        sold = market.all(seller, "sold")[-1]
        assert (sold["units"], sold["micro"], sold["unpaid_max"]) == (100, 12_000, 1)
        got = [tuple(map(int, line.split()[1:])) for line in buyer.lines if line.startswith("reading")]
        assert got == recorded(100)
        ids = [market.wait(board, "boot")["id"] for board in (seller, buyer)]
        until(lambda: market.balance(ids[0]) == PURSE + 12_000)
        assert market.balance(ids[1]) == PURSE - 12_000
        report = market.report()
        assert report.ok
        assert report.batches >= 1  # two where the settlement timer fires before the close
        assert not market.all(seller, "fault")
        assert not market.all(buyer, "fault")


def test_nothing_grows_between_reading_50_and_100(tmp_path: Path):
    with Market(tmp_path) as market:
        seller, buyer = market.seller(), market.buyer()
        seller.start()
        buyer.start()
        market.wait(buyer, "done")
        for board in (seller, buyer):
            alloc = {event["units"]: event["alloc"] for event in market.all(board, "mem")}
            assert alloc[100] <= alloc[50], board.name


def test_a_seller_serves_three_buyers_at_once(tmp_path: Path):
    with Market(tmp_path) as market:
        seller = market.seller()
        buyers = [market.buyer(f"buyer-{i}", units=60) for i in range(3)]
        seller.start()
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            assert market.wait(buyer, "done")["micro"] == 60 * 120
        market.wait(seller, "closed", count=3)
        assert market.all(seller, "sold")[-1]["unpaid_max"] == 1


def test_a_buyer_takes_the_cheapest_offer_below_its_limit(tmp_path: Path):
    with Market(tmp_path) as market:
        dear, cheap = market.seller("dear", price=140), market.seller("cheap", price=110)
        other = market.seller("other", good="sea-level", price=10)
        for seller in (dear, cheap, other):
            seller.start()
            market.wait(seller, "boot")
        buyer = market.buyer(units=20)
        buyer.start()
        deal = market.wait(buyer, "deal")
        assert deal["price"] == 110
        assert deal["peer"] == market.wait(cheap, "boot")["id"]
        assert market.wait(buyer, "done")["micro"] == 20 * 110


def test_no_offer_below_the_limit_means_no_deal(tmp_path: Path):
    with Market(tmp_path) as market:
        seller, buyer = market.seller(price=151), market.buyer(limit=150)
        seller.start()
        buyer.start()
        with pytest.raises(TimeoutError):
            market.wait(buyer, "deal", 4)


def test_an_order_longer_than_one_chain(tmp_path: Path):
    with Market(tmp_path) as market:
        seller, buyer = market.seller(), market.buyer(units=600, on_reading="lambda r: None")
        seller.start()
        buyer.start()
        done = market.wait(buyer, "done", 60)
        assert (done["units"], done["micro"]) == (600, 600 * 120)
        assert not market.all(seller, "fault")


def test_more_buyers_than_fit_are_served_in_turn(tmp_path: Path):
    with Market(tmp_path) as market:
        seller = market.seller(buyers=2)
        buyers = [market.buyer(f"buyer-{i}", units=30, on_reading="lambda r: None") for i in range(4)]
        for board in (seller, *buyers):
            board.start()
        for buyer in buyers:
            assert market.wait(buyer, "done", 60)["micro"] == 30 * 120
            assert len(market.all(buyer, "deal")) == 1


def test_a_board_reports_its_health(tmp_path: Path):
    with Market(tmp_path) as market:
        ear = Peer(market.broker.port, "ear")
        ear.subscribe("f1/lab/+/+/gw/health")
        seller = market.seller()
        seller.start()
        me = market.wait(seller, "boot")["id"]
        until(lambda: any(me in topic for topic, _, _ in ear.messages))
        report = loads(next(payload for topic, payload, _ in ear.messages if me in topic))
        assert isinstance(report, dict)
        assert (report["role"], report["units"], report["faults"]) == ("seller", 0, 0)
        assert report["mem_alloc"] > 0
        assert report["runtime"] == market.wait(seller, "boot")["runtime"]
        ear.leave()
